// As a coroutine method: hundreds wait at a time on one thread. The object lives as long as the worker, and with it the
// connections that its calls share.
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <mutex>
#include <optional>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <vector>

#include "greeting.hpp"
#include "workflow.hpp"

namespace asio = boost::asio;
using boost::beast::tcp_stream;

// Connections that nobody uses at the moment. Loops are threads, so it locks, but never while it waits.
class Connections {
 public:
  asio::awaitable<spanish::Response> ask(spanish::Request request) {
    for (;;) {
      auto idle = take_idle();
      const bool kept = idle.has_value();
      try {
        if (!kept) idle.emplace(co_await connected());
        tcp_stream& stream = *idle;
        auto response = co_await ask(stream, request);
        if (response.keep_alive()) put_back(std::move(stream));
        co_return response;
      } catch (const boost::system::system_error&) {
        if (!kept) throw;  // else the service closed it meanwhile: there may be another
      }
    }
  }

 private:
  static asio::awaitable<tcp_stream> connected() {
    tcp_stream stream(co_await asio::this_coro::executor);
    stream.expires_after(3s);
    co_await stream.async_connect(spanish::service(), asio::use_awaitable);
    co_return stream;
  }

  static asio::awaitable<spanish::Response> ask(tcp_stream& stream, spanish::Request& request) {
    boost::beast::flat_buffer buffer;
    spanish::Response response;
    stream.expires_after(3s);
    co_await spanish::http::async_write(stream, request, asio::use_awaitable);
    co_await spanish::http::async_read(stream, buffer, response, asio::use_awaitable);
    stream.expires_never();
    co_return response;
  }

  std::optional<tcp_stream> take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::nullopt;
    std::optional<tcp_stream> stream(std::move(idle_.back()));
    idle_.pop_back();
    return stream;
  }

  void put_back(tcp_stream stream) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(stream));
  }

  std::mutex mutex_;
  std::vector<tcp_stream> idle_;
};

class Spanish {
 public:
  asio::awaitable<std::string> greet_in_spanish(std::string name) {
    auto response = co_await connections_.ask(spanish::request_for(name));
    co_return spanish::greeting_in(response);
  }

 private:
  Connections connections_;
};

void spanish_coroutine(temporal::Module& m) {
  auto spanish = m.object<Spanish>();
  m.activity<&Spanish::greet_in_spanish>(spanish);
  m.workflow<GreetSomeone>();
}
TEMPORAL_EXPORT_MODULE(spanish_coroutine);
