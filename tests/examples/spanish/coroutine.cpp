// As a coroutine method: hundreds wait at a time on one thread. The object lives as long as the worker, and with it the
// connections that its calls share.
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <vector>

#include "greeting.hpp"
#include "workflow.hpp"

namespace asio = boost::asio;
using boost::beast::tcp_stream;

// Connections that nobody uses at the moment. Each belongs to the loop that made it: its timer and socket are for no other
// thread. Loops are threads, so this locks, but never while it waits.
class Connections {
 public:
  asio::awaitable<spanish::Response> ask(spanish::Request request) {
    const auto* loop = &(co_await asio::this_coro::executor).context();
    for (;;) {
      auto idle = take_idle(loop);
      const bool kept = idle.has_value();
      try {
        if (!kept) idle.emplace(co_await connected());
        tcp_stream& stream = *idle;
        auto response = co_await ask(stream, request);
        if (response.keep_alive()) put_back(loop, std::move(stream));
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

  std::optional<tcp_stream> take_idle(const asio::execution_context* loop) {
    const std::lock_guard lock(mutex_);
    auto& idle = idle_[loop];
    if (idle.empty()) return std::nullopt;
    std::optional<tcp_stream> stream(std::move(idle.back()));
    idle.pop_back();
    return stream;
  }

  void put_back(const asio::execution_context* loop, tcp_stream stream) {
    const std::lock_guard lock(mutex_);
    idle_[loop].push_back(std::move(stream));
  }

  std::mutex mutex_;
  std::map<const asio::execution_context*, std::vector<tcp_stream>> idle_;
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
