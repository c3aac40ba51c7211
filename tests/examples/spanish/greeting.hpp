// What the forms of the example share: where the service is, what it is asked, what its answers mean.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <temporal/errors.hpp>

namespace spanish {

namespace http = boost::beast::http;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

/// On this machine; GREETING_PORT, 9999 by default.
inline boost::asio::ip::tcp::endpoint service() {
  const char* port = std::getenv("GREETING_PORT");
  return {boost::asio::ip::address_v4::loopback(),
          static_cast<unsigned short>(port ? std::atoi(port) : 9999)};
}

inline std::string escaped(const std::string& text) {
  std::string url;
  for (unsigned char byte : text) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", byte);
    url += std::isalnum(byte) || byte == '-' || byte == '_' || byte == '.' || byte == '~'
               ? std::string(1, static_cast<char>(byte))
               : hex;
  }
  return url;
}

inline Request request_for(const std::string& name) {
  Request request{http::verb::get, "/get-spanish-greeting?name=" + escaped(name), 11};
  request.set(http::field::host, "127.0.0.1");
  return request;
}

/// Asking again cannot help when the request is wrong (4xx); a service in trouble (5xx) may recover.
inline std::string greeting_in(const Response& response) {
  if (response.result() == http::status::ok) return response.body();
  throw temporal::ApplicationError(
      "the greeting service answered " + std::to_string(response.result_int()) + ": " +
          response.body(),
      {.type = "HttpError", .non_retryable = response.result_int() < 500});
}

}  // namespace spanish
