// Hello from an event loop: the activity is a coroutine, which waits without holding a thread.
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
namespace asio = boost::asio;

asio::awaitable<std::string> say_hello(std::string name) {
  asio::steady_timer moment(co_await asio::this_coro::executor, 10ms);
  co_await moment.async_wait(asio::use_awaitable);
  co_return "Hello, " + name + "!";
}

struct SayHello {
  temporal::Task<std::string> run(std::string name) {
    co_return co_await temporal::workflow::execute_activity<say_hello>(
        {.start_to_close_timeout = 10s}, name);
  }
};

void hello_async(temporal::Module& m) {
  m.activity<say_hello>();
  m.workflow<SayHello>();
}
TEMPORAL_EXPORT_MODULE(hello_async);
