// SPDX-License-Identifier: MIT
// Which version does a run end on?
#include <string>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using temporal::Task;
using temporal::Versioning;
namespace workflow = temporal::workflow;

// The builds that its first and its last task were done by.
class Travels {
 public:
  Task<std::string> run() {
    const auto first = workflow::info().build_id;
    co_await workflow::wait_condition([this] { return go_; });
    co_return first + " " + workflow::info().build_id;
  }
  void go() { go_ = true; }

 private:
  bool go_ = false;
};
class Pinned : public Travels {
 public:
  Task<std::string> run() { return Travels::run(); }
  void go() { Travels::go(); }
};
class Upgraded : public Travels {
 public:
  Task<std::string> run() { return Travels::run(); }
  void go() { Travels::go(); }
};
class Undecided : public Travels {
 public:
  Task<std::string> run() { return Travels::run(); }
  void go() { Travels::go(); }
};

// Ends its first run for one on the version that is current then.
class MovesOn {
 public:
  Task<std::string> run(std::string before) {
    if (!before.empty()) co_return before + " " + workflow::info().build_id;
    co_await workflow::wait_condition([this] { return go_; });
    workflow::continue_as_new<MovesOn>({.version = temporal::ContinueVersion::auto_upgraded},
                                       workflow::info().build_id);
  }
  void go() { go_ = true; }

 private:
  bool go_ = false;
};

void fill(temporal::Module& m) {
  m.workflow<MovesOn>().versioning(Versioning::pinned).signal<&MovesOn::go>();
  m.workflow<Pinned>().versioning(Versioning::pinned).signal<&Pinned::go>();
  m.workflow<Upgraded>().versioning(Versioning::auto_upgrade).signal<&Upgraded::go>();
  m.workflow<Undecided>().signal<&Undecided::go>();
}
TEMPORAL_EXPORT_MODULE(fill);
