// A mistake and how to mend it. Somebody's library blocks for a while; a coroutine that calls it stops its event loop and every
// other coroutine on it. The worker's log names it while it does.
#include <chrono>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <thread>

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace activity = temporal::activity;

int ask_the_old_library(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return milliseconds;
}

// Wrong: the loop waits with it.
asio::awaitable<int> block_the_loop(int milliseconds) {
  co_return ask_the_old_library(milliseconds);
}

// Mended: a thread waits, the loop goes on.
asio::awaitable<int> wait_on_a_thread(int milliseconds) {
  co_return co_await activity::to_thread([=] { return ask_the_old_library(milliseconds); });
}

// Mended, and simplest: a plain function may block. A child process waits, and may even crash.
int wait_in_a_child(int milliseconds) { return ask_the_old_library(milliseconds); }

void blocking(temporal::Module& m) {
  m.activity<block_the_loop>();
  m.activity<wait_on_a_thread>();
  m.activity<wait_in_a_child>();
}
TEMPORAL_EXPORT_MODULE(blocking);
