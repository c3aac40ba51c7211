// SPDX-License-Identifier: MIT
#include "supervisor/threads/coroutine_chain.hpp"

#include <boost/version.hpp>

#include "supervisor/threads/peek.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

#if BOOST_VERSION == 108100

namespace {

using AnyFrame = asio::detail::awaitable_frame_base<asio::any_io_executor>;
using AnyThread = asio::detail::awaitable_thread<asio::any_io_executor>;

struct FrameMembers : AnyFrame {
  static constexpr auto kThread = &FrameMembers::attached_thread_;
  static constexpr auto kCaller = &FrameMembers::caller_;
  static constexpr auto kHandle = &FrameMembers::coro_;
};

// A private member: an explicit instantiation may name it.
using TopOfStack = AnyFrame* CoroutineEntry::*;
constexpr TopOfStack top_of_stack();
template <TopOfStack kMember>
struct Key {
  friend constexpr TopOfStack top_of_stack() { return kMember; }
};
template struct Key<&CoroutineEntry::top_of_stack_>;

}  // namespace

asio::awaitable<const CoroutineEntry*> coroutine_entry() {
  const CoroutineEntry* entry = nullptr;
  // Asio calls it with the frame once that is suspended, and resumes the frame when it keeps its
  // thread.
  auto look = [&entry](AnyFrame* frame) {
    auto* thread = frame->*FrameMembers::kThread;
    entry = thread->entry_point();
    return thread;
  };
  co_await look;
  co_return entry;
}

std::size_t CoroutineChain::read(std::span<std::uintptr_t> into) const noexcept {
  if (!entry_) return 0;
  std::size_t count = 0;
  for (auto frame = peek(&(entry_->*top_of_stack())); frame && *frame && count < into.size();
       frame = peek(&(*frame->*FrameMembers::kCaller))) {
    const auto handle = peek(&(*frame->*FrameMembers::kHandle));
    if (!handle) break;
    const auto resume = peek(static_cast<const std::uintptr_t*>(handle->address()));
    if (!resume) break;
    into[count++] = *resume;
  }
  return count;
}

#else

asio::awaitable<const CoroutineEntry*> coroutine_entry() { co_return nullptr; }
std::size_t CoroutineChain::read(std::span<std::uintptr_t>) const noexcept { return 0; }

#endif

CoroutineChain::CoroutineChain(TaskIdentity& task, const CoroutineEntry* entry) noexcept
    : task_(task), entry_(entry) {
  task_.chain_.store(this, std::memory_order_relaxed);
}

CoroutineChain::~CoroutineChain() { task_.chain_.store(nullptr, std::memory_order_relaxed); }

}  // namespace temporal::supervisor
