// As a plain function: it blocks, in a child process or on a thread, and is as simple as that.
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <temporal/module.hpp>

#include "greeting.hpp"
#include "workflow.hpp"

std::string greet_in_spanish(std::string name) {
  boost::asio::io_context io;
  boost::beast::tcp_stream stream(io);
  stream.connect(spanish::service());
  spanish::http::write(stream, spanish::request_for(name));
  boost::beast::flat_buffer buffer;
  spanish::Response response;
  spanish::http::read(stream, buffer, response);
  return spanish::greeting_in(response);
}

void spanish_function(temporal::Module& m) {
  m.activity<greet_in_spanish>();
  m.workflow<GreetSomeone>();
}
TEMPORAL_EXPORT_MODULE(spanish_function);
