// SPDX-License-Identifier: MIT
#include "supervisor/lint/lint.hpp"

#include <algorithm>

#include "supervisor/lint/walker.hpp"

namespace temporal::supervisor::lint {

std::vector<Finding> lint(const Source& source, const Types& types) {
  auto findings = Walker(source, types).walk();
  std::erase_if(findings, [&](const Finding& f) { return source.silenced.contains(f.line); });
  std::ranges::stable_sort(findings, {}, &Finding::line);
  const auto same = std::ranges::unique(findings, [](const Finding& a, const Finding& b) {
    return a.line == b.line && a.sentence == b.sentence;
  });
  findings.erase(same.begin(), same.end());
  return findings;
}

}  // namespace temporal::supervisor::lint
