// SPDX-License-Identifier: MIT
// The module of the torture suite. A file that HOSTILE_BOOT names, where it is there, says how its children shall not start.
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include "child/v1/child.pb.h"
#include "tests/torture/forger.hpp"
#include "tests/torture/hostile.hpp"

namespace {

namespace v1 = temporal::child::v1;

std::string boot_order() {
  const char* file = std::getenv("HOSTILE_BOOT");
  std::string order;
  if (file) std::getline(std::ifstream(file), order);
  return order;
}

// Before the child says that it is ready: a Ready of another build, or none at all.
void spoil_the_start() {
  const auto order = boot_order();
  if (order.empty()) return;
  if (order == "exit") std::_Exit(1);
  v1::Ready ready;
  ready.set_layout_version(order == "layout" ? 99 : temporal::ipc::kLayoutVersion);
  ready.set_fingerprint(order == "layout" ? "the same" : "of another build");
  ready.set_pid(::getpid());
  hostile::Forger forger;
  forger.write(temporal::ipc::RecordType::ready, ready);
  forger.ring();
  hostile::hang();
}

}  // namespace

void hostile_module(temporal::Module& m) {
  if (boot_order() == "load") throw std::runtime_error("this module does not load today");
  m.on_child_start(spoil_the_start);
  hostile::register_deaths(m);
  hostile::register_beats(m);
  hostile::register_forgeries(m);
  hostile::register_attacks(m);
  hostile::register_limits(m);
  hostile::register_descriptors(m);
}
TEMPORAL_EXPORT_MODULE(hostile_module);
