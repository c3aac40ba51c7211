// A tiny service for the examples: GET /get-spanish-greeting?name=Ada answers "¡Hola, Ada!". Flags: --port 9999, or 0 for a free
// one; --busy 2 answers the first two requests with 503, as a service that is starting would.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <iostream>
#include <string>
#include <string_view>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

using Response = http::response<http::string_body>;

struct Service {
  int busy = 0;         // requests that are still refused
  int connections = 0;  // that were ever made
};

// %C3%B1 and + back to what was meant.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = static_cast<unsigned char>(text[i]);
    if (byte == '+') byte = ' ';
    if (byte == '%' && i + 2 < text.size()) {
      std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
      i += 2;
    }
    plain += static_cast<char>(byte);
  }
  return plain;
}

Response answer(Service& service, const http::request<http::string_body>& request) {
  constexpr std::string_view kGreeting = "/get-spanish-greeting?name=";
  const std::string_view target(request.target().data(), request.target().size());
  Response response{http::status::ok, request.version()};
  if (target == "/connections") {
    response.body() = std::to_string(service.connections);
  } else if (!target.starts_with(kGreeting) || target.size() == kGreeting.size()) {
    response.result(http::status::not_found);
    response.body() = "ask for " + std::string(kGreeting) + "somebody";
  } else if (service.busy > 0) {
    --service.busy;
    response.result(http::status::service_unavailable);
    response.body() = "not yet";
  } else {
    response.body() = "¡Hola, " + unescaped(target.substr(kGreeting.size())) + "!";
  }
  response.keep_alive(request.keep_alive());
  response.prepare_payload();
  return response;
}

asio::awaitable<void> serve(Service& service, tcp::socket socket) {
  ++service.connections;
  beast::flat_buffer buffer;
  for (;;) {
    http::request<http::string_body> request;
    co_await http::async_read(socket, buffer, request, asio::use_awaitable);
    auto response = answer(service, request);
    co_await http::async_write(socket, response, asio::use_awaitable);
    if (!response.keep_alive()) co_return;
  }
}

asio::awaitable<void> listen(Service& service, tcp::acceptor& acceptor) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), serve(service, std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Service service;
  int port = 9999;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "--port") port = std::atoi(argv[i + 1]);
    if (std::string_view(argv[i]) == "--busy") service.busy = std::atoi(argv[i + 1]);
  }
  try {
    asio::io_context io(1);
    const tcp::endpoint where(asio::ip::address_v4::loopback(), static_cast<unsigned short>(port));
    tcp::acceptor acceptor(io, where);
    std::cout << "http://127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
    asio::signal_set stop(io, SIGINT, SIGTERM);
    stop.async_wait([&](auto, int) { io.stop(); });
    asio::co_spawn(io, listen(service, acceptor), asio::detached);
    io.run();
  } catch (const std::exception& error) {
    std::cerr << "cannot serve on port " << port << ": " << error.what() << "\n";
    return 1;
  }
}
