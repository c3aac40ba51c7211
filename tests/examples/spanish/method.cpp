// As a method: the object is built once in each process, before the first activity. Here it keeps a connection, and asks again
// over a new one when the old one is dead.
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <mutex>
#include <optional>
#include <temporal/module.hpp>

#include "greeting.hpp"
#include "workflow.hpp"

class Spanish {
 public:
  std::string greet_in_spanish(std::string name) {
    // A child runs one activity at a time; threads would come here together.
    const std::lock_guard alone(mutex_);
    const bool kept = stream_.has_value();
    try {
      return spanish::greeting_in(ask(name));
    } catch (const boost::system::system_error&) {
      stream_.reset();
      if (!kept) throw;
    }
    return spanish::greeting_in(ask(name));
  }

 private:
  spanish::Response ask(const std::string& name) {
    if (!stream_) stream_.emplace(io_).connect(spanish::service());
    spanish::http::write(*stream_, spanish::request_for(name));
    boost::beast::flat_buffer buffer;
    spanish::Response response;
    spanish::http::read(*stream_, buffer, response);
    return response;
  }

  std::mutex mutex_;
  boost::asio::io_context io_;
  std::optional<boost::beast::tcp_stream> stream_;
};

void spanish_method(temporal::Module& m) {
  auto spanish = m.object<Spanish>();
  m.activity<&Spanish::greet_in_spanish>(spanish);
  m.workflow<GreetSomeone>();
}
TEMPORAL_EXPORT_MODULE(spanish_method);
