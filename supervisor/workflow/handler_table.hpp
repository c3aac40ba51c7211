// SPDX-License-Identifier: MIT
// Who answers a signal, a query or an update: handlers of the class, which all of its runs share, and those that this run set
// itself, which go first. Knows too which handlers are in the middle of their work, and keeps signals for which there is no
// handler yet.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/workflow/job.hpp"
#include "temporal/handlers.hpp"

namespace temporal::engine {

/// A signal's or an update's handler between its beginning and its end.
struct RunningHandler {
  std::string name;
  std::string update_id;  ///< empty for a signal
  Unfinished unfinished;
};

class HandlerTable {
 public:
  template <class Handler>
  using Found = std::shared_ptr<const Handler>;  ///< stays what it is when the name is set anew

  void bind(const detail::Handlers& of_the_class) noexcept { of_the_class_ = &of_the_class; }

  [[nodiscard]] Found<detail::SignalHandler> signal(const std::string& name) const;
  [[nodiscard]] Found<detail::QueryHandler> query(const std::string& name) const;
  [[nodiscard]] Found<detail::UpdateHandler> update(const std::string& name) const;

  /// An empty name is the catch-all's.
  void set(std::string name, detail::SignalHandler handler);
  void set(std::string name, detail::QueryHandler handler);
  void set(std::string name, detail::UpdateHandler handler);

  /// Names and descriptions, sorted; a catch-all has no name.
  using Described = std::vector<std::pair<std::string, std::string>>;
  [[nodiscard]] Described signals() const;
  [[nodiscard]] Described queries() const;
  [[nodiscard]] Described updates() const;

  std::list<RunningHandler> running;
  std::list<SignalJob> unhandled_signals;  ///< kept until somebody handles their name

 private:
  // Most runs set none.
  template <class Handler>
  struct Own {
    std::map<std::string, Found<Handler>> by_name;
    Found<Handler> catch_all;
  };
  struct OfTheRun {
    Own<detail::SignalHandler> signals;
    Own<detail::QueryHandler> queries;
    Own<detail::UpdateHandler> updates;
  };
  template <class Handler>
  Found<Handler> find(Own<Handler> OfTheRun::*own,
                      detail::HandlersOf<Handler> detail::Handlers::*fixed,
                      const std::string& name) const;
  template <class Handler>
  void set_own(Own<Handler> OfTheRun::*own, std::string name, Handler handler);
  template <class Handler>
  Described describe(Own<Handler> OfTheRun::*own,
                     detail::HandlersOf<Handler> detail::Handlers::*fixed) const;

  const detail::Handlers* of_the_class_ = nullptr;
  std::unique_ptr<OfTheRun> of_the_run_;
};

}  // namespace temporal::engine
