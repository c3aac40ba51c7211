// SPDX-License-Identifier: MIT
#include "supervisor/codec/coder.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <utility>

#include "supervisor/threads/meeting.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {
constexpr std::chrono::seconds kLong{10};
}  // namespace

using google::protobuf::Message;

asio::awaitable<void> Coder::encode(Message& message) {
  std::function<void()> work = [this, &message] { codecs_.encode(message); };
  co_await off_the_loop(std::move(work));
}

asio::awaitable<void> Coder::decode(Message& message) {
  std::function<void()> work = [this, &message] { codecs_.decode(message); };
  co_await off_the_loop(std::move(work));
}

asio::awaitable<void> Coder::off_the_loop(std::function<void()> work) {
  struct Done {
    explicit Done(const asio::any_io_executor& loop) : meeting(loop) {}
    Meeting meeting;
    std::exception_ptr error;
  };
  const auto loop = co_await asio::this_coro::executor;
  const auto done = std::make_shared<Done>(loop);
  threads_.submit([loop, done, work = std::move(work)] {
    try {
      work();
    } catch (...) {
      done->error = std::current_exception();
    }
    asio::post(loop, [done] { done->meeting.over(); });
  });
  asio::steady_timer patience(loop, kLong);
  if (log_)
    patience.async_wait([log = log_](boost::system::error_code error) {
      if (!error)
        log->warn(
            "a payload codec has been at one message for 10 s; its task waits for it, and holds "
            "its place");
    });
  co_await done->meeting.wait(nullptr);
  if (done->error) std::rethrow_exception(done->error);
}

}  // namespace temporal::supervisor
