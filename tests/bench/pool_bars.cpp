// SPDX-License-Identifier: MIT
// Prints one JSON object. tools/bench pool runs it and judges.
#include "tests/bench/pool_bars.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: pool_bars CHILDREN SECONDS NICE   (tools/bench pool runs it)\n", stderr);
    return 2;
  }
  const temporal::bench::BarOptions options{
      .children = std::atoi(argv[1]), .nice = std::atoi(argv[3]), .seconds = std::atof(argv[2])};
  try {
    auto figures = temporal::bench::measure_transport(options);
    figures.update(temporal::bench::measure_children(options));
    std::cout << figures.dump() << std::endl;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pool_bars: %s\n", error.what());
    return 1;
  }
}
