// SPDX-License-Identifier: MIT
#include <stdexcept>
#include <temporal/module.hpp>

void fill(temporal::Module&) {
#ifdef THROWS_INT
  throw 42;
#else
  throw std::runtime_error("no model file");
#endif
}
TEMPORAL_EXPORT_MODULE(fill);
