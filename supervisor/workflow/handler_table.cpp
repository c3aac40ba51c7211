// SPDX-License-Identifier: MIT
#include "supervisor/workflow/handler_table.hpp"

namespace temporal::engine {

using detail::Handlers;
using detail::HandlersOf;
using detail::QueryHandler;
using detail::SignalHandler;
using detail::UpdateHandler;

namespace {

// Those of the class outlive every run.
template <class Handler>
std::shared_ptr<const Handler> lent(const Handler& handler) {
  return {std::shared_ptr<const Handler>(), &handler};
}

}  // namespace

// A name goes before a catch-all, whoever set it.
template <class Handler>
HandlerTable::Found<Handler> HandlerTable::find(Own<Handler> OfTheRun::*own,
                                                HandlersOf<Handler> Handlers::*fixed,
                                                const std::string& name) const {
  const auto* mine = of_the_run_ ? &((*of_the_run_).*own) : nullptr;
  if (mine) {
    const auto found = mine->by_name.find(name);
    if (found != mine->by_name.end()) return found->second;
  }
  const auto& theirs = of_the_class_->*fixed;
  const auto found = theirs.by_name.find(name);
  if (found != theirs.by_name.end()) return lent(found->second);
  if (mine && mine->catch_all) return mine->catch_all;
  return theirs.catch_all ? lent(*theirs.catch_all) : nullptr;
}

template <class Handler>
void HandlerTable::set_own(Own<Handler> OfTheRun::*own, std::string name, Handler handler) {
  if (!of_the_run_) of_the_run_ = std::make_unique<OfTheRun>();
  auto& mine = (*of_the_run_).*own;
  auto kept = std::make_shared<const Handler>(std::move(handler));
  (name.empty() ? mine.catch_all : mine.by_name[std::move(name)]) = std::move(kept);
}

template <class Handler>
HandlerTable::Described HandlerTable::describe(Own<Handler> OfTheRun::*own,
                                               HandlersOf<Handler> Handlers::*fixed) const {
  std::map<std::string, std::string> described;
  const auto& theirs = of_the_class_->*fixed;
  if (theirs.catch_all) described[""] = theirs.catch_all->description;
  for (const auto& [name, handler] : theirs.by_name) described[name] = handler.description;
  if (of_the_run_) {
    const auto& mine = (*of_the_run_).*own;
    if (mine.catch_all) described[""] = mine.catch_all->description;
    for (const auto& [name, handler] : mine.by_name) described[name] = handler->description;
  }
  return {described.begin(), described.end()};
}

HandlerTable::Found<SignalHandler> HandlerTable::signal(const std::string& name) const {
  return find(&OfTheRun::signals, &Handlers::signals, name);
}
HandlerTable::Found<QueryHandler> HandlerTable::query(const std::string& name) const {
  return find(&OfTheRun::queries, &Handlers::queries, name);
}
HandlerTable::Found<UpdateHandler> HandlerTable::update(const std::string& name) const {
  return find(&OfTheRun::updates, &Handlers::updates, name);
}

void HandlerTable::set(std::string name, SignalHandler handler) {
  set_own(&OfTheRun::signals, std::move(name), std::move(handler));
}
void HandlerTable::set(std::string name, QueryHandler handler) {
  set_own(&OfTheRun::queries, std::move(name), std::move(handler));
}
void HandlerTable::set(std::string name, UpdateHandler handler) {
  set_own(&OfTheRun::updates, std::move(name), std::move(handler));
}

HandlerTable::Described HandlerTable::signals() const {
  return describe(&OfTheRun::signals, &Handlers::signals);
}
HandlerTable::Described HandlerTable::queries() const {
  return describe(&OfTheRun::queries, &Handlers::queries);
}
HandlerTable::Described HandlerTable::updates() const {
  return describe(&OfTheRun::updates, &Handlers::updates);
}

}  // namespace temporal::engine
