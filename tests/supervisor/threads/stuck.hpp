// SPDX-License-Identifier: MIT
#pragma once

#include <future>
#include <memory>

namespace temporal::test {

/// Code that never returns, until the test has seen enough. Such a thread is detached: the test
/// waits here until it has ended, since it may still look at the test's loop.
class Stuck {
 public:
  /// Called by the thread that is to hang.
  void block() {
    struct AtExit {
      std::shared_ptr<std::promise<void>> promise;
      ~AtExit() {
        if (promise) promise->set_value();
      }
    };
    static thread_local AtExit at_exit;
    at_exit.promise = ended_;
    begun_.set_value();
    released_future_.wait();
  }
  void wait_until_blocked() { begun_.get_future().wait(); }
  void release() {
    released_.set_value();
    ended_future_.wait();
  }

 private:
  std::promise<void> begun_;
  std::promise<void> released_;
  std::shared_future<void> released_future_ = released_.get_future().share();
  std::shared_ptr<std::promise<void>> ended_ = std::make_shared<std::promise<void>>();
  std::future<void> ended_future_ = ended_->get_future();
};

}  // namespace temporal::test
