// SPDX-License-Identifier: MIT
#include "child/modules.hpp"

#include "shared/module_loader.hpp"

namespace temporal::child {
namespace {

// The worker goes on asking for what it was started with.
void refuse_others(const ModuleOptions& options, const Module& module) {
  const auto missing = lacking(options.needs, module, options.plain);
  if (!missing.empty())
    throw ModuleError("the modules as they are now (build " + fingerprint(module) +
                      ") do not offer what this worker runs in children: " + missing +
                      "; put it back, or restart the worker");
}

}  // namespace

void load_modules(const ModuleOptions& options, Module& module, Objects& objects) {
  register_own(options.own_modules, module);
  for (const auto& path : options.modules) load_module(path, module);
  refuse_others(options, module);
  run_hooks(module.preload_hooks(), "preload");
  objects.build(module, Process::zygote, options.plain);
}

void to_proto(const LoadedObject& object, v1::LoadedObject* proto) {
  proto->set_build_id(object.build_id);
  proto->set_base(object.base);
  proto->set_begin(object.begin);
  proto->set_end(object.end);
}

}  // namespace temporal::child
