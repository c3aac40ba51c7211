// SPDX-License-Identifier: MIT
// Which sanitizer a test was built with: they bring a heap of their own, take time, and defer signals.
#pragma once

namespace temporal::test {

#if defined( \
    TEMPORAL_THREAD_SANITIZER)  // proto/meson.build says why the compiler's macro is taken away
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif
inline constexpr bool kSanitizer = kThreadSanitizer || kAddressSanitizer;

}  // namespace temporal::test
