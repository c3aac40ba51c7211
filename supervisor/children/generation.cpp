// SPDX-License-Identifier: MIT
#include "supervisor/children/generation.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace temporal::supervisor::children {
namespace {

// FNV-1a: a name, not a secret.
std::string build_of(const std::string& fingerprint, const std::vector<LoadedObject>& objects) {
  std::uint32_t hash = 0x811c9dc5;
  for (const auto& object : objects)
    for (const unsigned char c : object.build_id) hash = (hash ^ c) * 0x01000193;
  std::array<char, 16> code{};
  std::snprintf(code.data(), code.size(), "-%08x", hash);
  return fingerprint + code.data();
}

}  // namespace

Generation::Generation(boost::asio::any_io_executor core, std::uint64_t number,
                       const ZygoteProgram& program, GenerationOwner& owner, Logger& log)
    : number_(number),
      owner_(owner),
      zygote_(ZygoteLink::start(std::move(core), program, *this, log)) {}

Generation::~Generation() {
  zygote_->detach();
  zygote_->kill();
}

void Generation::end() {
  ending_ = true;
  zygote_->close();
}

void Generation::kill() {
  ending_ = true;
  zygote_->kill();
}

void Generation::on_loaded(const child::v1::Loaded& loaded) {
  fingerprint_ = loaded.fingerprint();
  objects_ = objects_in(loaded.objects());
  build_ = build_of(fingerprint_, objects_);
  loaded_ = true;
  owner_.on_loaded(*this);
}

void Generation::on_load_failed(const std::string& sentence) {
  owner_.on_load_failed(*this, sentence);
}

void Generation::on_spawned(std::uint32_t incarnation, pid_t pid, ipc::UniqueFd pidfd) {
  owner_.on_spawned(incarnation, pid, std::move(pidfd));
}

void Generation::on_spawn_failed(std::uint32_t incarnation, const std::string& why) {
  owner_.on_spawn_failed(incarnation, why);
}

void Generation::on_exited(const child::v1::Exited& exited) { owner_.on_exited(exited); }

void Generation::on_zygote_gone(const std::string& how) { owner_.on_zygote_gone(*this, how); }

}  // namespace temporal::supervisor::children
