#include "host/verify/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace corank {
namespace {

constexpr std::size_t kBefore = 6, kAfter = 3;  // lines of context

const char* name_of(EventKind kind) {
  switch (kind) {
    case EventKind::kCommand:
      return "command";
    case EventKind::kTransaction:
      return "transaction";
    case EventKind::kCounter:
      return "counter";
    case EventKind::kFigure:
      return "figure";
    case EventKind::kResult:
      return "result";
    case EventKind::kError:
      return "error";
  }
  return "";
}

}  // namespace

std::size_t Comparison::index_of(EventKind kind) {
  return static_cast<std::size_t>(std::find(kEventKinds.begin(), kEventKinds.end(), kind) -
                                  kEventKinds.begin());
}

void Comparison::take(Side side, EventKind kind, std::string line) {
  if (!difference_.empty()) return;
  lines_[index_of(kind)].ahead[static_cast<std::size_t>(side)].push_back(std::move(line));
  compare(kind);
}

void Comparison::end(Side side) {
  ended_[static_cast<std::size_t>(side)] = true;
  if (!ended_[0] || !ended_[1]) return;
  for (const EventKind kind : kEventKinds) compare(kind);
}

void Comparison::compare(EventKind kind) {
  if (!difference_.empty()) return;
  auto& [ahead, before] = lines_[index_of(kind)];
  auto& [rtl, cycle] = ahead;
  while (!rtl.empty() && !cycle.empty() && rtl.front() == cycle.front()) {
    before.push_back(std::move(rtl.front()));
    if (before.size() > kBefore) before.pop_front();
    rtl.pop_front();
    cycle.pop_front();
    ++equal_[index_of(kind)];
  }
  const bool all_there = ended_[0] && ended_[1];
  if (all_there ? rtl.empty() && cycle.empty() : rtl.size() < kAfter || cycle.size() < kAfter)
    return;
  difference_ = fmt::format("{} {} differs:\n", name_of(kind), equal(kind));
  const auto say = [&](const std::string& who, const std::string& line) {
    difference_ += fmt::format("  {:<6} {}\n", who, line);
  };
  for (const std::string& line : before) say("both", line);
  for (std::size_t i = 0; i < std::min(kAfter, std::max(rtl.size(), cycle.size())); ++i) {
    if (i < rtl.size() && i < cycle.size() && rtl[i] == cycle[i]) {
      say("both", rtl[i]);
      continue;
    }
    say(names_[0], i < rtl.size() ? rtl[i] : "-");
    say(names_[1], i < cycle.size() ? cycle[i] : "-");
  }
}

}  // namespace corank
