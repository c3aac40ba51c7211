// SPDX-License-Identifier: MIT
// An object whose methods are activities. m.object<T>(args...) makes a handle, not a T: the T is
// built once in each process where its activities run, and nowhere else.
//
//  its activities run in    built                                        destroyed
//  children                 in the zygote, before the first fork; all    in the zygote, when that ends
//                           children share its pages copy-on-write,      (never in a child)
//                           what one changes stays its own
//  threads, loops           in the supervisor, before the first poll;    after the last attempt, in
//                           shared by all attempts                       reverse order
//  both                     once in each                                 each as above
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "temporal/export.hpp"
#include "temporal/payload.hpp"

namespace temporal {

namespace detail {

class TEMPORAL_API ObjectBase {
 public:
  explicit ObjectBase(std::string type) : type_(std::move(type)) {}
  virtual ~ObjectBase();
  ObjectBase(const ObjectBase&) = delete;
  ObjectBase& operator=(const ObjectBase&) = delete;

  /// Throws what the constructor throws.
  virtual void build() = 0;
  virtual void destroy() noexcept = 0;
  [[nodiscard]] const std::string& type() const { return type_; }

 private:
  std::string type_;
};

[[noreturn]] TEMPORAL_API void throw_not_built(const std::string& type);

template <class T>
class ObjectHolder : public ObjectBase {
 public:
  ObjectHolder() : ObjectBase(demangled(typeid(T))) {}
  T& get() {
    if (!object_) throw_not_built(type());
    return *object_;
  }
  void destroy() noexcept override { object_.reset(); }

 protected:
  std::optional<T> object_;
};

template <class T, class... Args>
class ObjectOf final : public ObjectHolder<T> {
 public:
  explicit ObjectOf(Args... args) : args_(std::move(args)...) {}
  void build() override {
    std::apply([this](const auto&... args) { this->object_.emplace(args...); }, args_);
  }

 private:
  std::tuple<Args...> args_;
};

}  // namespace detail

/// A handle on the T of this process. Copyable. Dereferencing it throws std::logic_error in a
/// process where it is not built.
template <class T>
class Object {
 public:
  explicit Object(std::shared_ptr<detail::ObjectHolder<T>> holder) : holder_(std::move(holder)) {}
  T& operator*() const { return holder_->get(); }
  T* operator->() const { return &holder_->get(); }
  [[nodiscard]] const std::shared_ptr<detail::ObjectHolder<T>>& holder() const { return holder_; }

 private:
  std::shared_ptr<detail::ObjectHolder<T>> holder_;
};

}  // namespace temporal
