// SPDX-License-Identifier: MIT
#include "supervisor/threads/tripwire.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/types.h>
#include <unwind.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "supervisor/threads/workflow_chain.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(TEMPORAL_THREAD_SANITIZER)
#define FUNCTIONS_ARE_THE_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FUNCTIONS_ARE_THE_SANITIZERS 1
#endif
#endif

// Their headers are not here: they may declare them under other names (open64), or inline.
struct timespec;
struct timeval;
struct sockaddr;
struct _IO_FILE;

namespace temporal::supervisor {

namespace {

struct Unwinding {
  ThreadSnapshot& into;
  std::uintptr_t start;
  bool started = false;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  auto& unwinding = *static_cast<Unwinding*>(argument);
  int at_instruction = 0;
  const auto address = static_cast<std::uintptr_t>(_Unwind_GetIPInfo(context, &at_instruction));
  if (address == 0) return _URC_END_OF_STACK;
  if (address == unwinding.start) unwinding.started = true;
  if (!unwinding.started) return _URC_NO_REASON;
  auto& into = unwinding.into;
  into.frames[into.frame_count++] = at_instruction ? address : address - 1;
  return into.frame_count < into.frames.size() ? _URC_NO_REASON : _URC_END_OF_STACK;
}

std::atomic<std::uint64_t> steps = 0;

// Where memory comes from, if not from libc. Such libraries ask the clock when they tidy up; nobody's result depends on it.
const void* allocator_of_its_own = nullptr;

const void* object_at(const void* address) {
  dl_find_object found{};
  return _dl_find_object(const_cast<void*>(address), &found) == 0 ? found.dlfo_map_start : nullptr;
}

[[gnu::constructor]] void find_allocator() noexcept {
  dl_find_object found{};
  if (_dl_find_object(::dlsym(RTLD_DEFAULT, "malloc"), &found) != 0) return;
  const bool of_the_program = *found.dlfo_link_map->l_name == '\0';  // where user code may be, too
  if (!of_the_program && found.dlfo_map_start != object_at(::dlsym(RTLD_DEFAULT, "getpid")))
    allocator_of_its_own = found.dlfo_map_start;
}

constexpr const char* kSleep = "wait by co_await workflow::sleep()";
constexpr const char* kClock = "ask workflow::now()";
constexpr const char* kRandom = "ask workflow::random(), or uuid4()";
constexpr const char* kActivity = "do that in an activity";
constexpr const char* kThread = "use workflow::spawn(), or compute in an activity";

}  // namespace

Tripwire::Tripwire() noexcept : before_(detail::guarded_step) {
  number = steps.fetch_add(1, std::memory_order_relaxed) + 1;
  detail::guarded_step = this;
}

Tripwire::~Tripwire() { detail::guarded_step = before_; }

void Tripwire::note(const GuardedCall& call, const void* caller) noexcept {
  auto& wire = static_cast<Tripwire&>(*detail::guarded_step);
  if (wire.allowed > 0 || wire.trip_) return;
  if (allocator_of_its_own && object_at(caller) == allocator_of_its_own) return;
  const int saved = errno;
  auto& where = wire.trip_.emplace(Trip{call, {}}).where;
  Unwinding unwinding{where, reinterpret_cast<std::uintptr_t>(caller)};
  _Unwind_Backtrace(add_frame, &unwinding);
  where.has_task = true;  // what lies below user code is ours
  where.chain_count = read_workflow_chain(where.chain);
  errno = saved;
}

}  // namespace temporal::supervisor

// symbol, result, parameters, arguments, name, advice
#define TEMPORAL_GUARDED(X)                                                                      \
  X(sleep, unsigned, (unsigned a), (a), "sleep", kSleep)                                         \
  X(usleep, int, (unsigned a), (a), "usleep", kSleep)                                            \
  X(nanosleep, int, (const timespec* a, timespec* b), (a, b), "nanosleep", kSleep)               \
  X(clock_nanosleep, int, (int a, int b, const timespec* c, timespec* d), (a, b, c, d),          \
    "clock_nanosleep", kSleep)                                                                   \
  X(time, long, (long* a), (a), "time", kClock)                                                  \
  X(gettimeofday, int, (timeval * a, void* b), (a, b), "gettimeofday", kClock)                   \
  X(clock_gettime, int, (int a, timespec* b), (a, b), "clock_gettime", kClock)                   \
  X(timespec_get, int, (timespec * a, int b), (a, b), "timespec_get", kClock)                    \
  X(rand, int, (), (), "rand", kRandom)                                                          \
  X(random, long, (), (), "random", kRandom)                                                     \
  X(drand48, double, (), (), "drand48", kRandom)                                                 \
  X(lrand48, long, (), (), "lrand48", kRandom)                                                   \
  X(mrand48, long, (), (), "mrand48", kRandom)                                                   \
  X(arc4random, std::uint32_t, (), (), "arc4random", kRandom)                                    \
  X(arc4random_uniform, std::uint32_t, (std::uint32_t a), (a), "arc4random_uniform", kRandom)    \
  X(arc4random_buf, void, (void* a, std::size_t b), (a, b), "arc4random_buf", kRandom)           \
  X(getrandom, ssize_t, (void* a, std::size_t b, unsigned c), (a, b, c), "getrandom", kRandom)   \
  X(getentropy, int, (void* a, std::size_t b), (a, b), "getentropy", kRandom)                    \
  X(_ZNSt13random_device9_M_getvalEv, unsigned, (void* a), (a), "std::random_device", kRandom)   \
  X(socket, int, (int a, int b, int c), (a, b, c), "socket", kActivity)                          \
  X(connect, int, (int a, const sockaddr* b, unsigned c), (a, b, c), "connect", kActivity)       \
  X(getaddrinfo, int, (const char* a, const char* b, const void* c, void** d), (a, b, c, d),     \
    "getaddrinfo", kActivity)                                                                    \
  X(open, int, (const char* a, int b, unsigned c), (a, b, c), "open", kActivity)                 \
  X(open64, int, (const char* a, int b, unsigned c), (a, b, c), "open", kActivity)               \
  X(openat, int, (int a, const char* b, int c, unsigned d), (a, b, c, d), "openat", kActivity)   \
  X(openat64, int, (int a, const char* b, int c, unsigned d), (a, b, c, d), "openat", kActivity) \
  X(creat, int, (const char* a, unsigned b), (a, b), "creat", kActivity)                         \
  X(creat64, int, (const char* a, unsigned b), (a, b), "creat", kActivity)                       \
  X(fopen, _IO_FILE*, (const char* a, const char* b), (a, b), "fopen", kActivity)                \
  X(fopen64, _IO_FILE*, (const char* a, const char* b), (a, b), "fopen", kActivity)              \
  X(pthread_create, int, (unsigned long* a, const void* b, void* (*c)(void*), void* d),          \
    (a, b, c, d), "pthread_create", kThread)

#ifndef FUNCTIONS_ARE_THE_SANITIZERS

namespace {

// At load, so that no handler of a signal is the first to ask. Whatever is loaded before this may
// call earlier.
[[gnu::constructor]] void find_next() noexcept;

}  // namespace

// Under names of their own, for those of the C library may be declared otherwise.
#define TEMPORAL_DEFINE(symbol, result, parameters, arguments, name, advice)                     \
  namespace {                                                                                    \
  using Function_##symbol = result(*) parameters;                                                \
  constinit Function_##symbol next_##symbol = nullptr;                                           \
  constexpr temporal::supervisor::GuardedCall call_##symbol{name, temporal::supervisor::advice}; \
  }                                                                                              \
  extern "C" [[gnu::visibility("default")]] result guarded_##symbol parameters asm(#symbol);     \
  extern "C" result guarded_##symbol parameters {                                                \
    if (temporal::detail::guarded_step) [[unlikely]]                                             \
      temporal::supervisor::Tripwire::note(call_##symbol, __builtin_return_address(0));          \
    if (!next_##symbol) [[unlikely]]                                                             \
      find_next();                                                                               \
    return next_##symbol arguments;                                                              \
  }
TEMPORAL_GUARDED(TEMPORAL_DEFINE)

namespace {

void find_next() noexcept {
#define TEMPORAL_FIND(symbol, result, parameters, arguments, name, advice) \
  next_##symbol = reinterpret_cast<Function_##symbol>(::dlsym(RTLD_NEXT, #symbol));
  TEMPORAL_GUARDED(TEMPORAL_FIND)
}

}  // namespace

const bool temporal::supervisor::Tripwire::kAvailable = true;

std::span<const temporal::supervisor::GuardedCall* const>
temporal::supervisor::Tripwire::listed() noexcept {
#define TEMPORAL_LIST(symbol, result, parameters, arguments, name, advice) &call_##symbol,
  static constexpr std::array kCalls{TEMPORAL_GUARDED(TEMPORAL_LIST)};
  return kCalls;
}

#else

const bool temporal::supervisor::Tripwire::kAvailable = false;

std::span<const temporal::supervisor::GuardedCall* const>
temporal::supervisor::Tripwire::listed() noexcept {
  return {};
}

#endif
