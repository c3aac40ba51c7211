// SPDX-License-Identifier: MIT
// The zygote as a program of its own: links libtemporal only, so it starts small and never knew
// gRPC.
#include <cstdio>

#include "child/entry.hpp"

int main(int argc, char** argv) {
  temporal::child::run_role_if_any(argc, argv);
  std::fputs("temporal-child is started by temporal-supervisor, not by hand.\n", stderr);
  return 2;
}
