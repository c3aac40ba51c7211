// SPDX-License-Identifier: MIT
#include "supervisor/rpc/courier.hpp"

#include <pthread.h>

namespace temporal::supervisor {

Courier::Courier() : thread_([this] { run(); }) {
  ::pthread_setname_np(thread_.native_handle(), "rpc");
}

Courier::~Courier() {
  queue_.Shutdown();
  thread_.join();
}

void Courier::run() {
  void* tag = nullptr;
  for (bool well = false; queue_.Next(&tag, &well);) static_cast<Parcel*>(tag)->land(well);
}

}  // namespace temporal::supervisor
