// SPDX-License-Identifier: MIT
// refused: these arguments do not fit the child's run(): count and types must be those of its parameters
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

namespace workflow = temporal::workflow;

struct Resize {
  temporal::Task<std::string> run(std::string image, int) { co_return image; }
};

struct Gallery {
  temporal::Task<std::string> run(std::string image) {
#ifdef REFUSED
    co_return co_await workflow::execute_child<Resize>({}, image);
#else
    co_return co_await workflow::execute_child<Resize>({}, image, 640);
#endif
  }
};

void gallery(temporal::Module& m) { m.workflow<Gallery>(); }
