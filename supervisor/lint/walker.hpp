// SPDX-License-Identifier: MIT
// Goes through a source, statement by statement: statements.cpp. What stands inside of one full
// expression is looked at in expressions.cpp, for the compiler's mistakes are about that.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/lint/lint.hpp"

namespace temporal::supervisor::lint {

class Walker {
 public:
  Walker(const Source& source, const Types& types) : tokens_(source.tokens), types_(types) {}
  std::vector<Finding> walk();

 private:
  struct Function {
    std::size_t begin = 0;  ///< with its parameters
    std::size_t body = 0;
    bool declares = false;
    std::vector<int> conditions{};  ///< lines of those that await
  };
  struct Declaration {
    std::size_t type = 0;
    std::size_t name = 0;  ///< the type's end too, but for * and &
  };
  struct Expression {
    std::optional<Declaration> declared{};
    int awaits = 0;
    std::vector<Finding> findings{};  ///< if it awaits at all
  };
  // What braces make that stand there without a type.
  enum class Place {
    unknown,
    trivial,  ///< what has nothing to destroy
    options,  ///< so do they, where they are empty
  };

  // Each takes where a thing begins and returns where the next does.
  std::size_t outer_statement(std::size_t i, std::size_t end);
  std::size_t class_or_enum(std::size_t i, std::size_t end);
  std::size_t function_or_variable(std::size_t i, std::size_t end);
  std::size_t statement(std::size_t i, std::size_t end);
  std::size_t controlled(std::size_t i);
  void outer_block(std::size_t begin, std::size_t end);
  void block(std::size_t begin, std::size_t end);
  void function(std::size_t begin, std::size_t body);
  void for_header(std::size_t open);
  void condition(std::size_t open);
  bool full_expression(std::size_t begin, std::size_t end);

  void scan(std::size_t begin, std::size_t end, Expression& in, Place place);
  void braces(std::size_t open, Expression& in, Place place);
  [[nodiscard]] Place place_in_call(std::size_t open, bool declared) const;
  [[nodiscard]] Making made_without_type(std::size_t open, const Expression& in, Place place) const;
  void parentheses(std::size_t open, Expression& in);
  std::size_t lambda(std::size_t open, std::size_t body, Expression& in);
  void captures(std::size_t open, std::size_t body, Expression& in) const;
  void capture(std::size_t begin, std::size_t end, std::size_t body, Expression& in) const;
  void conditional(std::size_t mark, std::size_t end, Expression& in) const;
  /// Nothing is made by it that must be destroyed.
  [[nodiscard]] bool trivial_branch(std::size_t begin, std::size_t end) const;

  [[nodiscard]] std::optional<Declaration> declaration(std::size_t begin, std::size_t end) const;
  [[nodiscard]] std::optional<std::size_t> lambda_body(std::size_t open, std::size_t begin) const;
  /// What is in a variable of the function; none: it is no variable of it.
  [[nodiscard]] std::optional<Making> variable(std::string_view name, std::size_t before) const;
  [[nodiscard]] std::size_t find(std::string_view mark, std::size_t begin, std::size_t end) const;
  void declares() {
    if (!functions_.empty()) functions_.back().declares = true;
  }

  const Tokens& tokens_;
  const Types& types_;
  std::vector<Function> functions_{};  ///< the innermost is the last
  std::vector<Finding> findings_{};
};

}  // namespace temporal::supervisor::lint
