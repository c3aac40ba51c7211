// SPDX-License-Identifier: MIT
// The one thread that waits for what gRPC has done. Its callbacks come from two threads at least, which hand the waiting over to
// each other at every event: four switches of context for a call, a tenth of a worker's CPU.
#pragma once

#include <grpcpp/completion_queue.h>

#include <thread>

namespace temporal::supervisor {

class Courier {
 public:
  /// What a call in flight is to gRPC: its tag.
  class Parcel {
   public:
    /// It has ended; `well`: what came could be read. On the courier's thread; hands itself on.
    virtual void land(bool well) = 0;

   protected:
    ~Parcel() = default;
  };

  Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;
  /// All that is in flight must have landed.
  ~Courier();

  [[nodiscard]] grpc::CompletionQueue& queue() noexcept { return queue_; }

 private:
  void run();

  grpc::CompletionQueue queue_;
  std::thread thread_;
};

}  // namespace temporal::supervisor
