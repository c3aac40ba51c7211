// SPDX-License-Identifier: MIT
// refused: this signal handler is a method of another workflow's class
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

namespace workflow = temporal::workflow;

struct Kid {
  temporal::Task<> run() { co_return; }
  void eat() {}
};
struct Dog {
  void eat() {}
};

struct Parent {
  temporal::Task<> run() {
    auto child = co_await workflow::start_child<Kid>({});
#ifdef REFUSED
    co_await child.signal<&Dog::eat>();
#else
    co_await child.signal<&Kid::eat>();
#endif
  }
};

void parent(temporal::Module& m) { m.workflow<Parent>(); }
