// SPDX-License-Identifier: MIT
#include "supervisor/lint/known_names.hpp"

#include <algorithm>
#include <array>

namespace temporal::supervisor::lint {

namespace {

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool fundamental(std::string_view name) {
  static constexpr std::array<std::string_view, 18> kNames{
      "bool",     "char",     "short",   "int",       "long", "unsigned",
      "signed",   "float",    "double",  "size_t",    "byte", "char8_t",
      "char16_t", "char32_t", "wchar_t", "nullptr_t", "void", "ptrdiff_t"};
  return among(kNames, name) ||
         ((name.starts_with("int") || name.starts_with("uint")) && name.ends_with("_t"));
}

bool duration(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kNames{
      "nanoseconds", "microseconds", "milliseconds", "seconds", "minutes",
      "hours",       "days",         "weeks",        "months",  "years"};
  return among(kNames, name);
}

bool standard_and_trivial(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kNames{"string_view",       "span",
                                                           "initializer_list",  "error_code",
                                                           "monostate",         "source_location",
                                                           "reference_wrapper", "coroutine_handle",
                                                           "nullopt_t",         "strong_ordering"};
  return among(kNames, name);
}

bool standard_and_as_its_arguments(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kNames{"optional", "pair",   "tuple",  "array",
                                                          "variant",  "atomic", "complex"};
  return among(kNames, name);
}

bool standard_and_constructed(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kNames{
      "string", "vector",   "map",        "set",        "unordered_map", "unordered_set",
      "deque",  "function", "unique_ptr", "shared_ptr", "path",          "list"};
  return among(kNames, name) || (standard_and_as_its_arguments(name) && name != "array");
}

bool constructed_library(std::string_view root) {
  static constexpr std::array<std::string_view, 7> kRoots{"std",  "boost",  "asio", "nlohmann",
                                                          "grpc", "google", "fmt"};
  return among(kRoots, root);
}

bool of_this_library_and_trivial(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kNames{"RetryPolicy", "Priority", "ErrorTypes",
                                                          "Duration", "Time"};
  return among(kNames, name) || name.ends_with("Options") || name.ends_with("Registration");
}

bool option(std::string_view name) {
  static constexpr std::array<std::string_view, 35> kNames{"start_to_close_timeout",
                                                           "schedule_to_close_timeout",
                                                           "schedule_to_start_timeout",
                                                           "heartbeat_timeout",
                                                           "retry",
                                                           "task_queue",
                                                           "id",
                                                           "on_cancel",
                                                           "eager",
                                                           "priority",
                                                           "summary",
                                                           "local_retry_threshold",
                                                           "run_timeout",
                                                           "task_timeout",
                                                           "memo",
                                                           "search_attributes",
                                                           "start_delay",
                                                           "version",
                                                           "execution_timeout",
                                                           "cron_schedule",
                                                           "id_reuse",
                                                           "parent_close",
                                                           "details",
                                                           "name",
                                                           "executor",
                                                           "description",
                                                           "unfinished",
                                                           "initial_interval",
                                                           "backoff_coefficient",
                                                           "maximum_interval",
                                                           "maximum_attempts",
                                                           "non_retryable",
                                                           "key",
                                                           "fairness_key",
                                                           "fairness_weight"};
  return among(kNames, name);
}

}  // namespace temporal::supervisor::lint
