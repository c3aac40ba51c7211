// SPDX-License-Identifier: MIT
#include "child/place.hpp"

#include <unistd.h>

#include <utility>

#include "child/executor.hpp"

namespace temporal::child {

std::unique_ptr<Place> Place::open(PlaceDescriptors descriptors, std::size_t largest_bulk) {
  auto arena = ipc::ChildArena::open(descriptors.down.get(), descriptors.up.get());
  if (!arena) return nullptr;
  descriptors.down.reset();
  descriptors.up.reset();
  return std::unique_ptr<Place>(new Place(std::move(descriptors), std::move(*arena), largest_bulk));
}

Place::Place(PlaceDescriptors descriptors, ipc::ChildArena arena, std::size_t largest_bulk)
    : descriptors_(std::move(descriptors)),
      arena_(std::move(arena)),
      channel_(ipc::child_ends(arena_, descriptors_.supervisor_bell.get(), descriptors_.bulk.get()),
               largest_bulk) {}

int Place::serve(v1::Ready ready, const Module& module, const ProcessLimits& limits) {
  ready.set_thread(::gettid());
  if (channel_.send(ipc::RecordType::ready, ready) != ipc::Send::done) return kExitArena;
  Surroundings surroundings{arena_, channel_, ipc::HeartbeatWriter(arena_.heartbeat()),
                            ipc::Ringer(arena_.control().heartbeat_bell),
                            descriptors_.supervisor_bell.get()};
  return Executor(module, surroundings, descriptors_.ear.get(), limits).run();
}

}  // namespace temporal::child
