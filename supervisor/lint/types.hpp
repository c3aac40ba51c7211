// SPDX-License-Identifier: MIT
// What is known of the types that a source names: from the sources that were read, of the standard
// library and of this one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/lint/tokens.hpp"

namespace temporal::supervisor::lint {

struct Type {
  std::vector<std::string> path{};  ///< std::chrono::seconds: three; empty: could not be read
  std::vector<Type> arguments{};
  bool indirect = false;  ///< a pointer
};

/// The type that is written there.
[[nodiscard]] Type read_type(const Tokens& tokens, std::size_t begin, std::size_t end);

enum class Making {
  trivial,      ///< has nothing to destroy
  constructed,  ///< by a constructor
  aggregate,    ///< that owns something
  unknown,
};

class Types {
 public:
  /// Takes over what classes, enums and aliases are defined there.
  void learn(const Source& source);

  /// What `T{...}` makes.
  [[nodiscard]] Making making(const Type& type) const { return making(type, 0); }
  [[nodiscard]] bool trivial(const Type& type) const { return making(type) == Making::trivial; }
  /// What `{.a = ..., .b = ...}` makes where the type is not said.
  [[nodiscard]] Making making(const std::vector<std::string>& designated) const;

 private:
  struct Definition {
    bool aggregate = true;
    bool destructor = false;
    std::vector<Type> parts{};  ///< of bases and members
    std::vector<std::string> members{};
  };

  void learn_class(const Tokens& tokens, std::size_t i);
  void learn_members(const Tokens& tokens, std::size_t body, std::string_view name, bool is_private,
                     Definition& into);
  void learn_member(const Tokens& tokens, std::size_t begin, std::size_t end, Definition& into);
  void learn_alias(const Tokens& tokens, std::size_t i);
  [[nodiscard]] Making making(const Type& type, int depth) const;
  [[nodiscard]] Making making(const Definition& definition, int depth) const;
  [[nodiscard]] Type expanded(Type type) const;

  std::multimap<std::string, Definition> classes_{};
  std::set<std::string> enums_{};
  std::map<std::string, Type> aliases_{};
};

}  // namespace temporal::supervisor::lint
