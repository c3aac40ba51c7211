#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <vector>

namespace asio = boost::asio;
namespace activity = temporal::activity;

// Untrusted bytes through a decoder with a history: better it dies alone.
std::vector<int> histogram(activity::Context& ctx, temporal::BytesView image) {
  std::vector<int> counts(256);
  for (std::byte b : image) ++counts[std::to_integer<std::size_t>(b)];
  ctx.heartbeat("decoded");
  return counts;
}

// A coroutine: it may wait, never block. So the file is read on a thread, and decoded in a child.
asio::awaitable<int> brightest(activity::Context& ctx, std::string path) {
  temporal::Bytes image(co_await activity::to_thread([&] {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }));
  auto counts = co_await activity::in_child<histogram>(ctx, image);
  co_return int(std::max_element(counts.begin(), counts.end()) - counts.begin());
}

void images(temporal::Module& m) { m.activity<brightest>(); }
TEMPORAL_EXPORT_MODULE(images);
