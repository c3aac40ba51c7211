// SPDX-License-Identifier: MIT
#include "supervisor/control/table.hpp"

#include <algorithm>
#include <cstdint>
#include <iomanip>
#include <map>
#include <sstream>
#include <string_view>
#include <vector>

namespace temporal::supervisor::control {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Row = std::vector<std::string>;

std::string fixed(double value, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

// Another version may have sent less.
const json& part(const json& of, const char* key) {
  static const json kNone;
  return of.is_object() && of.contains(key) ? of[key] : kNone;
}
std::string text(const json& of, const char* key) {
  const auto& value = part(of, key);
  if (value.is_null()) return "-";
  return printable(value.is_string() ? value.get<std::string>() : value.dump());
}
std::int64_t number(const json& of, const char* key) {
  const auto& value = part(of, key);
  return value.is_number() ? value.get<std::int64_t>() : 0;
}
std::string duration(const json& of, const char* key) {
  return part(of, key).is_number() ? short_duration(milliseconds(number(of, key))) : "-";
}
std::string rss(const json& process) {
  return part(process, "rss_bytes").is_number()
             ? short_size(static_cast<std::size_t>(number(process, "rss_bytes")))
             : "-";
}
std::string cpu(const json& process) {
  const auto& percent = part(process, "cpu_percent");
  if (percent.is_number()) return fixed(percent.get<double>(), 0) + "%";
  if (!part(process, "cpu_ms").is_number()) return "-";
  return fixed(static_cast<double>(number(process, "cpu_ms")) / 1000, 2) + "s";
}

std::size_t characters(std::string_view said) {
  return static_cast<std::size_t>(std::ranges::count_if(
      said, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string aligned(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], characters(row[i]));
  std::string all;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      all += row[i];
      if (i + 1 < row.size()) all.append(widths[i] - characters(row[i]) + 2, ' ');
    }
    all += "\n";
  }
  return all;
}

// What ends a line: which task it is, for `kill`.
std::string name_of(const json& task) {
  return task.is_object() ? text(task, "workflow_id") + "/" + text(task, "activity_id") : "-";
}

Row row_of(const json& child, const json& task) {
  const bool busy = part(child, "activity_type").is_string();
  return {text(child, "pid"),
          text(child, "state"),
          text(child, "generation"),
          duration(child, "age_ms"),
          rss(child),
          cpu(child),
          text(child, "tasks"),
          text(child, "activity_type"),
          task.is_object() ? text(task, "attempt") : "-",
          duration(child, "task_ms"),
          busy ? text(child, "heartbeats") : "-",
          busy && !task.is_object() ? "(handed over)" : name_of(task)};
}

Row row_elsewhere(const json& task) {
  return {"-",
          text(task, "home"),
          "-",
          "-",
          "-",
          "-",
          "-",
          text(task, "activity_type"),
          text(task, "attempt"),
          duration(task, "age_ms"),
          "-",
          name_of(task)};
}

std::string table_of(const json& queue) {
  std::vector<Row> rows{{"PID", "STATE", "GEN", "AGE", "RSS", "CPU", "TASKS", "ACTIVITY", "ATTEMPT",
                         "FOR", "BEATS", "TASK"}};
  // By process, and by its place there: it may have several.
  const auto place_of = [](const json& one) {
    return std::pair(number(one, "pid"), number(one, "incarnation"));
  };
  std::map<std::pair<std::int64_t, std::int64_t>, const json*> in_children;
  for (const auto& task : part(queue, "tasks"))
    if (number(task, "pid") > 0) in_children[place_of(task)] = &task;
  for (const auto& child : part(queue, "children")) {
    const auto found = in_children.find(place_of(child));
    rows.push_back(row_of(child, found == in_children.end() ? json() : *found->second));
  }
  for (const auto& task : part(queue, "tasks"))
    if (number(task, "pid") == 0) rows.push_back(row_elsewhere(task));
  const auto left_out =
      number(queue, "activities") - static_cast<std::int64_t>(part(queue, "tasks").size());
  return aligned(rows) +
         (left_out > 0 ? "and " + std::to_string(left_out) + " tasks more\n" : std::string());
}

std::string used(const json& queue, const char* running, const char* slots) {
  return text(queue, running) + "/" + text(part(queue, "slots"), slots);
}

std::string summary_of(const json& queue) {
  const auto& polls = part(queue, "polls");
  std::string line = text(queue, "namespace") + "/" + text(queue, "task_queue") + ": polls " +
                     text(polls, "workflow") + " workflow, " + text(polls, "activity") +
                     " activity; running " + used(queue, "workflow_tasks", "workflow") +
                     " workflow tasks, " + used(queue, "activities", "activity") + " activities, " +
                     used(queue, "local_activities", "local") + " local";
  if (part(queue, "cached_workflows").is_number())
    line += "; cached " + text(queue, "cached_workflows") + " workflows, " +
            short_size(static_cast<std::size_t>(number(queue, "cached_bytes")));
  line += "\n";
  const auto& pool = part(queue, "pool");
  if (!pool.is_object()) return line;
  line += "zygote " + text(pool, "pid") + ", generation " + text(pool, "generation") +
          "; children wanted " + text(pool, "wanted");
  if (part(pool, "degraded") == true) line += ", DEGRADED: they die as fast as they are replaced";
  const auto& crash = part(pool, "last_crash");
  if (crash.is_object()) {
    line += "; last crash " + duration(crash, "ago_ms") + " ago: " + text(crash, "pid") + " " +
            text(crash, "how");
    if (part(crash, "activity_type").is_string()) line += " in " + text(crash, "activity_type");
  }
  return line + "\n";
}

}  // namespace

std::string ps_text(const json& view) {
  std::string all;
  const auto& queues = part(view, "queues");
  for (const auto& queue : queues) {
    if (queues.size() > 1)
      all += (all.empty() ? "" : "\n") + text(queue, "namespace") + "/" +
             text(queue, "task_queue") + "\n";
    all += table_of(queue);
  }
  return all;
}

std::string top_text(const json& view) {
  std::string all = "temporal-supervisor " + text(view, "version") + ", pid " + text(view, "pid") +
                    ", " + text(view, "phase") + ", up " + duration(view, "age_ms") + ", RSS " +
                    rss(view) + ", CPU " + cpu(view) + ", server " + text(view, "address") + "\n";
  if (view.contains("silent_ms"))
    all += "no answer for " + duration(view, "silent_ms") +
           ": its core loop is stuck, or it is stopped; its log names what holds the loop. RSS and "
           "CPU are of now, the rest is of then\n";
  for (const auto& queue : part(view, "queues")) all += "\n" + summary_of(queue) + table_of(queue);
  return all;
}

std::string stack_text(const json& told) {
  std::string all;
  for (const auto& thread : part(told, "threads")) {
    all += "thread " + text(thread, "thread") + " " + text(thread, "name") + "\n";
    if (part(thread, "stack").empty()) all += "  it did not answer\n";
    for (const auto& line : part(thread, "stack"))
      all += "  " + printable(line.is_string() ? line.get<std::string>() : line.dump()) + "\n";
  }
  return all;
}

std::string short_duration(milliseconds duration) {
  const std::int64_t ms = duration.count();
  const std::int64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;
  const auto two = [](std::int64_t value) {
    return (value < 10 ? "0" : "") + std::to_string(value);
  };
  if (ms < 1000) return std::to_string(ms) + "ms";
  if (s < 60) return std::to_string(s) + "s";
  if (m < 60) return std::to_string(m) + "m" + two(s % 60) + "s";
  if (h < 24) return std::to_string(h) + "h" + two(m % 60) + "m";
  return std::to_string(d) + "d" + two(h % 24) + "h";
}

std::string short_size(std::size_t bytes) {
  constexpr double kKibi = 1024;
  const auto kib = static_cast<double>(bytes) / kKibi;
  if (kib < kKibi) return fixed(kib, 0) + "K";
  if (kib < kKibi * kKibi) return fixed(kib / kKibi, 1) + "M";
  return fixed(kib / kKibi / kKibi, 1) + "G";
}

std::string printable(std::string said) {
  for (std::size_t i = 0; i < said.size(); ++i) {
    const auto c = static_cast<unsigned char>(said[i]);
    const auto next = i + 1 < said.size() ? static_cast<unsigned char>(said[i + 1]) : 0;
    if (c < 0x20 || c == 0x7f) said[i] = '?';
    // The other control characters, as UTF-8 has them.
    if (c == 0xc2 && next >= 0x80 && next < 0xa0) said.replace(i, 2, "?");
  }
  return said;
}

std::string cut_to(const std::string& said, std::size_t columns, std::size_t lines) {
  std::istringstream in(said);
  std::string out, line;
  for (std::size_t i = 0; i < lines && std::getline(in, line); ++i) {
    std::size_t seen = 0, end = 0;
    for (; end < line.size(); ++end)
      if ((static_cast<unsigned char>(line[end]) & 0xc0) != 0x80 && ++seen > columns) break;
    out += line.substr(0, end) + "\n";
  }
  return out;
}

}  // namespace temporal::supervisor::control
