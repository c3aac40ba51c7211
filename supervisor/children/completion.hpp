// SPDX-License-Identifier: MIT
// One coroutine waits for one value that something else produces. Cheaper than a timer or a channel, and it cannot be completed
// twice.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

namespace temporal::supervisor::children {

/// Thread rule: core loop only.
template <class Value>
class Completion {
 public:
  Completion() = default;

  [[nodiscard]] explicit operator bool() const { return handler_ != nullptr; }

  /// Resumes the waiting coroutine, soon: not inside this call, so that nobody is destroyed under the caller's feet.
  void complete(Value value) {
    if (auto handler = std::move(handler_)) handler->resume(std::move(value), std::move(handler));
  }

  /// Calls `start(completion)` once the coroutine is suspended; start keeps the completion.
  template <class Start>
  [[nodiscard]] static boost::asio::awaitable<Value> wait(Start& start) {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(Value)>(
        [&start](auto handler) {
          Completion completion;
          completion.handler_ = std::make_unique<Resume<decltype(handler)>>(std::move(handler));
          start(std::move(completion));
        },
        boost::asio::use_awaitable);
  }

 private:
  struct Handler {
    virtual ~Handler() = default;
    virtual void resume(Value value, std::unique_ptr<Handler> self) = 0;
  };
  template <class H>
  struct Resume final : Handler {
    explicit Resume(H handler) : handler_(std::move(handler)) {}
    void resume(Value value, std::unique_ptr<Handler>) override {
      auto executor = boost::asio::get_associated_executor(handler_);
      boost::asio::post(executor,
                        [handler = std::move(handler_), value = std::move(value)]() mutable {
                          handler(std::move(value));
                        });
    }
    H handler_;
  };
  std::unique_ptr<Handler> handler_;
};

}  // namespace temporal::supervisor::children
