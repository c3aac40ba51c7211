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
  // Whether the call went well is in its status.
  for (bool ignored = false; queue_.Next(&tag, &ignored);) static_cast<Parcel*>(tag)->land();
}

}  // namespace temporal::supervisor
