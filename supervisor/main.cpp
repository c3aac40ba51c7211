// SPDX-License-Identifier: MIT
#include "temporal/worker.hpp"

int main(int argc, char** argv) { return temporal::run_worker(argc, argv, {}); }
