// SPDX-License-Identifier: MIT
// What is said on the standard streams of C++, while it lives.
#pragma once

#include <iostream>
#include <sstream>
#include <string>

namespace temporal::test {

class Captured {
 public:
  Captured() = default;
  ~Captured() {
    std::cout.rdbuf(real_out_);
    std::cerr.rdbuf(real_error_);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  [[nodiscard]] std::string out() const { return out_.str(); }
  [[nodiscard]] std::string error() const { return error_.str(); }

 private:
  std::ostringstream out_, error_;
  std::streambuf* real_out_ = std::cout.rdbuf(out_.rdbuf());
  std::streambuf* real_error_ = std::cerr.rdbuf(error_.rdbuf());
};

}  // namespace temporal::test
