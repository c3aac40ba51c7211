// SPDX-License-Identifier: MIT
// A coroutine is resumed by whatever handler its operation ends with: how does each of its steps
// wear its task's name? Its executor puts the name on. Timers, sockets and further coroutines that
// user code makes from this_coro::executor inherit it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <utility>

#include "supervisor/threads/current_task.hpp"

namespace temporal::supervisor {

template <typename Property, typename Executor>
concept QueriedOf = boost::asio::can_query<const Executor&, Property>::value;
template <typename Property, typename Executor>
concept RequiredOf = boost::asio::can_require<const Executor&, Property>::value;
template <typename Property, typename Executor>
concept PreferredOf = boost::asio::can_prefer<const Executor&, Property>::value;

/// `Inner`, and each function it runs is a step of one task. An executor in Asio's sense: fits into
/// any_io_executor (without an allocation), under a strand, and into Beast's streams.
/// Thread rule: that of `Inner`.
template <typename Inner>
class BasicTaskExecutor {
 public:
  BasicTaskExecutor(Inner inner, std::shared_ptr<const TaskIdentity> task) noexcept
      : inner_(std::move(inner)), task_(std::move(task)) {}

  [[nodiscard]] const std::shared_ptr<const TaskIdentity>& task() const noexcept { return task_; }

  template <typename Function>
  void execute(Function&& function) const {
    inner_.execute([task = task_, f = std::forward<Function>(function)]() mutable {
      const CurrentTask step(*task);
      std::move(f)();
    });
  }

  // Properties are the inner executor's: those it has, and no others.
  template <QueriedOf<Inner> Property>
  decltype(auto) query(const Property& property) const {
    return boost::asio::query(inner_, property);
  }
  template <RequiredOf<Inner> Property>
  auto require(const Property& property) const {
    return with(boost::asio::require(inner_, property));
  }
  template <PreferredOf<Inner> Property>
  auto prefer(const Property& property) const {
    return with(boost::asio::prefer(inner_, property));
  }

  friend bool operator==(const BasicTaskExecutor&, const BasicTaskExecutor&) noexcept = default;

 private:
  template <typename Other>
  BasicTaskExecutor<Other> with(Other other) const {
    return {std::move(other), task_};
  }

  Inner inner_;
  std::shared_ptr<const TaskIdentity> task_;
};

using TaskExecutor = BasicTaskExecutor<boost::asio::io_context::executor_type>;

}  // namespace temporal::supervisor
