// SPDX-License-Identifier: MIT
#include "supervisor/observe/http.hpp"

#include <fcntl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <list>
#include <utility>

#include "supervisor/wakeup.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace temporal::supervisor {

namespace {

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;
using Clock = std::chrono::steady_clock;

const auto& kHttpErrors = http::make_error_code(http::error::end_of_stream).category();
constexpr auto kAcceptAgain = std::chrono::milliseconds(100);

// Asio's sockets would otherwise be inherited by a zygote that is started meanwhile.
template <class Socket>
void keep_to_ourselves(Socket& socket) {
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
}

Response plain(http::status status, std::string body) {
  Response response{status, 11};
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.body() = std::move(body) + "\n";
  return response;
}

}  // namespace

class HttpServer::Service : public std::enable_shared_from_this<Service> {
 public:
  Service(asio::any_io_executor core, const tcp::endpoint& where, HttpPages pages,
          HttpLimits limits)
      : core_(core),
        acceptor_(core, where.protocol()),
        pages_(std::move(pages)),
        limits_(limits),
        one_ended_(core) {
    keep_to_ourselves(acceptor_);
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(where);
    acceptor_.listen();
  }

  void start() { asio::co_spawn(core_, accept(shared_from_this()), asio::detached); }
  void close() {
    boost::system::error_code ignored;
    closed_ = true;
    acceptor_.close(ignored);
    for (auto& stream : open_) stream.close();
    one_ended_.notify();
  }
  [[nodiscard]] tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

 private:
  using Self = std::shared_ptr<Service>;
  using Streams = std::list<beast::tcp_stream>;

  asio::awaitable<void> accept(Self self) {
    while (!closed_) {
      boost::system::error_code error;
      auto socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (closed_) co_return;
      if (error) {  // no descriptors, most likely
        co_await pause(kAcceptAgain);
        continue;
      }
      keep_to_ourselves(socket);
      const auto stream = open_.emplace(open_.end(), std::move(socket));
      asio::co_spawn(core_, serve(self, stream), asio::detached);
      while (open_.size() >= limits_.connections && !closed_) co_await one_ended_.wait();
    }
  }

  asio::awaitable<void> serve(Self self, Streams::iterator here) {
    struct Leave {
      Service& service;
      Streams::iterator here;
      ~Leave() {
        service.open_.erase(here);
        service.one_ended_.notify();
      }
    } leave{*self, here};
    auto& stream = *here;
    boost::system::error_code error;
    beast::flat_buffer buffer(limits_.request_bytes);
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.request_bytes));
    stream.expires_after(limits_.read);
    co_await http::async_read(stream, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, error));
    if (auto response = answer(parser, error)) {
      stream.expires_after(limits_.write);
      co_await http::async_write(stream, *response,
                                 asio::redirect_error(asio::use_awaitable, error));
      stream.socket().shutdown(tcp::socket::shutdown_send, error);
    }
  }

  /// Nothing for somebody who is gone, or was too slow.
  std::optional<Response> answer(const http::request_parser<http::empty_body>& parser,
                                 const boost::system::error_code& error) {
    if (closed_) return std::nullopt;
    Response response;
    if (error) {
      if (error.category() != kHttpErrors || error == http::error::end_of_stream ||
          error == http::error::partial_message)
        return std::nullopt;
      const bool large =
          error == http::error::header_limit || error == http::error::buffer_overflow;
      response =
          plain(large ? http::status::request_header_fields_too_large : http::status::bad_request,
                "this is no request that can be answered: " + error.message());
    } else {
      response = page(parser.get());
    }
    response.keep_alive(false);
    response.prepare_payload();
    if (!error && parser.get().method() == http::verb::head) response.body().clear();
    return response;
  }

  Response page(const Request& request) {
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      auto response = plain(http::status::method_not_allowed, "only GET and HEAD");
      response.set(http::field::allow, "GET, HEAD");
      return response;
    }
    const std::string_view target(request.target().data(), request.target().size());
    const auto path = target.substr(0, target.find('?'));
    if (path == "/metrics") {
      auto response = plain(http::status::ok, {});
      response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
      response.body() = metrics();
      return response;
    }
    if (path == "/healthz") return plain(http::status::ok, "ok");
    if (path == "/readyz") {
      if (auto why = pages_.not_ready()) return plain(http::status::service_unavailable, *why);
      return plain(http::status::ok, "ok");
    }
    return plain(http::status::not_found, "there are /metrics, /healthz and /readyz");
  }

  // Writing it takes time from the loop: not as often as somebody likes to ask.
  const std::string& metrics() {
    const auto now = Clock::now();
    if (!written_ || now - *written_ >= limits_.fresh) {
      metrics_ = pages_.metrics();
      written_ = now;
    }
    return metrics_;
  }

  asio::any_io_executor core_;
  tcp::acceptor acceptor_;
  HttpPages pages_;
  const HttpLimits limits_;
  Streams open_;
  Wakeup one_ended_;
  std::string metrics_;
  std::optional<Clock::time_point> written_;
  bool closed_ = false;
};

HttpServer::HttpServer(asio::any_io_executor core, const tcp::endpoint& where, HttpPages pages,
                       HttpLimits limits)
    : service_(std::make_shared<Service>(std::move(core), where, std::move(pages), limits)) {
  service_->start();
}

HttpServer::~HttpServer() { service_->close(); }

tcp::endpoint HttpServer::endpoint() const { return service_->endpoint(); }

std::optional<tcp::endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (bad != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (host.empty()) return tcp::endpoint(tcp::v4(), port);
  if (host == "localhost") host = "127.0.0.1";
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(std::string(host), error);
  if (error || address.is_v6() != bracketed) return std::nullopt;
  return tcp::endpoint(address, port);
}

}  // namespace temporal::supervisor
