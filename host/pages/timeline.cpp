#include "host/pages/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <tuple>

#include "host/formats/input_file.h"
#include "host/pages/texts.h"
#include "host/report/units.h"
#include "models/base/error.h"

namespace corank {
namespace {

// So many spans a track are more than a screen shows.
constexpr double kResolution = 2500;
constexpr std::size_t kMostWindows = 600;  // of memory's curve

constexpr interface::Engine kShownUnits[] = {interface::Engine::kLoad, interface::Engine::kArray,
                                             interface::Engine::kVector, interface::Engine::kStore};
const char* unit_name(interface::Engine unit) {
  return interface::kUnitNames[1 + static_cast<std::size_t>(unit)];
}

// "command 12 (load for y)" of a trace becomes "load for y".
std::string without_number(const std::string& text) {
  const std::size_t open = text.find(" (");
  if (text.rfind("command ", 0) != 0 || open == std::string::npos || text.back() != ')')
    return text;
  return text.substr(open + 2, text.size() - open - 3);
}

class TraceReader {
 public:
  explicit TraceReader(std::string path) : path_(std::move(path)) {}

  /// Takes each event as it is complete, and keeps none.
  bool event(int depth, nlohmann::json::parse_event_t kind, nlohmann::json& value) {
    if (depth != 2 || kind != nlohmann::json::parse_event_t::object_end) return true;
    take(value);
    return false;
  }
  Timeline finish() {
    double begin = INFINITY, end = 0;
    for (const Span& span : spans_) {
      begin = std::min(begin, span.begin);
      end = std::max(end, span.end);
    }
    std::stable_sort(spans_.begin(), spans_.end(),
                     [](const Span& a, const Span& b) { return a.begin < b.begin; });
    TimelineBuilder builder(spans_.empty() ? 0 : begin, end);
    for (const interface::Engine unit : kShownUnits) builder.add_track(unit_name(unit));
    for (const Span& span : spans_) {
      const auto name = tracks_.find(span.track);
      builder.add(name == tracks_.end() ? "track " + std::to_string(span.track) : name->second,
                  names_[span.name], span.begin, span.end);
    }
    for (const auto& [time, read, written] : bandwidth_) builder.add_bandwidth(time, read, written);
    return builder.finish();
  }

 private:
  struct Span {
    std::int64_t track;
    std::size_t name;
    double begin, end;
  };

  void take(const nlohmann::json& event) {
    ++events_;
    try {
      const std::string phase = event.at("ph").get<std::string>();
      const std::string name = event.at("name").get<std::string>();
      if (phase == "M" && name == "thread_name")
        tracks_[event.at("tid").get<std::int64_t>()] =
            event.at("args").at("name").get<std::string>();
      if (phase == "X") {
        const double begin = event.at("ts").get<double>();
        const auto [known, is_new] = places_.try_emplace(without_number(name), names_.size());
        if (is_new) names_.push_back(known->first);
        spans_.push_back({event.at("tid").get<std::int64_t>(), known->second, begin,
                          begin + event.at("dur").get<double>()});
      }
      if (phase == "C")
        bandwidth_.push_back({event.at("ts").get<double>(),
                              event.at("args").at("read").get<double>(),
                              event.at("args").at("written").get<double>()});
    } catch (const nlohmann::json::exception&) {
      throw InputError(
          fmt::format("{}: event {}: expected one of a trace of corank run --trace, found {}",
                      path_, events_, excerpt(event)));
    }
  }

  std::string path_;
  std::size_t events_ = 0;
  std::map<std::int64_t, std::string> tracks_;
  std::map<std::string, std::size_t> places_;
  std::vector<std::string> names_;
  std::vector<Span> spans_;
  std::vector<std::array<double, 3>> bandwidth_;  // time, read, written
};

// Commands of the same kind for the same op are called the same, and there are millions of them.
class CommandNames {
 public:
  CommandNames(const CompiledStep& step, const Graph& graph) : step_(step), graph_(graph) {}
  const std::string& of(std::size_t command) {
    CompiledCommand known{};  // of one beyond the step's
    if (command < step_.commands.size()) known = step_.commands[command];
    const std::uint32_t opcode = known.words[0] & 0xff;
    const std::uint32_t kind =
        opcode == interface::GemmCommand::kOpcode ? interface::decode_gemm(known.words).kind : 0;
    const auto [name, is_new] = names_.try_emplace({opcode, kind, known.op});
    if (is_new) name->second = without_number(describe_command(step_, graph_, command));
    return name->second;
  }

 private:
  const CompiledStep& step_;
  const Graph& graph_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, int>, std::string> names_;
};

double rounded(double us) { return std::round(us * 1000) / 1000; }

std::string timeline_sentence(const Timeline& timeline) {
  std::string text = with_unit((timeline.end - timeline.begin) * 1e-6, "s") + " of the step";
  for (const TimelineTrack& track : timeline.tracks) {
    if (track.name != "array waits for") continue;
    double waits = 0;
    for (const TimelineSpan& span : track.spans) waits += span.end - span.begin;
    text += fmt::format(": the array waits in about {} of them",
                        fmt::format("{:.1f} %", 100 * waits / (timeline.end - timeline.begin)));
  }
  return text + ".";
}

}  // namespace

TimelineBuilder::TimelineBuilder(double begin, double end) {
  timeline_.begin = begin;
  timeline_.end = std::max(begin, end);
}

void TimelineBuilder::add_track(const std::string& name) {
  const bool there = std::any_of(tracks_.begin(), tracks_.end(),
                                 [&](const Track& track) { return track.name == name; });
  if (there) return;
  tracks_.emplace_back();
  tracks_.back().name = name;
  tracks_.back().gap = (timeline_.end - timeline_.begin) / kResolution / 4;
}

void TimelineBuilder::add(const std::string& track, const std::string& name, double begin,
                          double end) {
  add_track(track);
  const auto [found, is_new] = places_.try_emplace(name, timeline_.names.size());
  if (is_new) timeline_.names.push_back(name);
  const auto at = std::find_if(tracks_.begin(), tracks_.end(),
                               [&](const Track& one) { return one.name == track; });
  ++at->added;
  add(*at, {begin, std::max(begin, end), found->second});
  if (static_cast<double>(at->spans.size()) > 2 * kResolution) thin(*at);
}

void TimelineBuilder::add(Track& track, const TimelineSpan& span) {
  const auto found = track.last.find(span.name);
  if (found != track.last.end() && span.begin - track.spans[found->second].end <= track.gap) {
    TimelineSpan& before = track.spans[found->second];
    before.end = std::max(before.end, span.end);
    return;
  }
  track.last[span.name] = track.spans.size();
  track.spans.push_back(span);
}

void TimelineBuilder::thin(Track& track) {
  const double length = timeline_.end - timeline_.begin;
  while (static_cast<double>(track.spans.size()) > kResolution && track.gap < length) {
    track.gap *= 2;
    std::vector<TimelineSpan> spans;
    spans.swap(track.spans);
    track.last.clear();
    for (const TimelineSpan& span : spans) add(track, span);
  }
}

void TimelineBuilder::add_bandwidth(double begin, double read, double written) {
  bandwidth_.push_back({begin, {read, written}});
}

TimelineCurve TimelineBuilder::curve() {
  TimelineCurve curve;
  const double length = timeline_.end - timeline_.begin;
  if (bandwidth_.empty() || !(length > 0)) return curve;
  std::sort(bandwidth_.begin(), bandwidth_.end());
  const std::size_t windows = std::min(kMostWindows, bandwidth_.size());
  curve.window = length / static_cast<double>(windows);
  curve.read.assign(windows, 0);
  curve.written.assign(windows, 0);
  // Each figure holds until the next one; a window has the mean of its time.
  for (std::size_t i = 0; i + 1 < bandwidth_.size(); ++i) {
    const double from = std::max(bandwidth_[i].first, timeline_.begin) - timeline_.begin;
    const double to = std::min(bandwidth_[i + 1].first, timeline_.end) - timeline_.begin;
    for (auto window = static_cast<std::size_t>(from / curve.window); window < windows; ++window) {
      const double begin = curve.window * static_cast<double>(window);
      const double time = std::min(to, begin + curve.window) - std::max(from, begin);
      if (!(time > 0)) break;
      curve.read[window] += bandwidth_[i].second.first * time / curve.window;
      curve.written[window] += bandwidth_[i].second.second * time / curve.window;
    }
  }
  return curve;
}

Timeline TimelineBuilder::finish() {
  timeline_.memory = curve();
  for (Track& track : tracks_) {
    thin(track);
    timeline_.merged += track.added - track.spans.size();
    for (TimelineSpan& span : track.spans) {
      span.begin -= timeline_.begin;
      span.end -= timeline_.begin;
    }
    timeline_.tracks.push_back({track.name, std::move(track.spans)});
  }
  timeline_.end -= timeline_.begin;
  timeline_.begin = 0;
  return std::move(timeline_);
}

Timeline timeline_of_trace(const std::string& path) {
  input_file_size(path);
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(path + ": cannot be read");
  TraceReader reader(path);
  try {
    const nlohmann::json whole = nlohmann::json::parse(
        file, [&](int depth, nlohmann::json::parse_event_t kind, nlohmann::json& value) {
          return reader.event(depth, kind, value);
        });
    if (!whole.is_object() || !whole.contains("traceEvents"))
      throw InputError(path + ": expected a trace of corank run --trace, found " + excerpt(whole));
  } catch (const nlohmann::json::parse_error& error) {
    throw InputError(fmt::format("{}: is not valid JSON, at byte {}", path, error.byte));
  }
  Timeline timeline = reader.finish();
  if (!(timeline.end > 0))
    throw InputError(path + ": expected a trace of corank run --trace, found no command in it");
  return timeline;
}

Timeline timeline_of(const CompiledStep& step, const Graph& graph, const StepTrace& trace) {
  const double us_per_cycle = 1 / trace.clock_mhz;
  const auto us = [&](std::int64_t cycle) { return static_cast<double>(cycle) * us_per_cycle; };
  std::int64_t first = -1, last_end = 0;
  for (const TraceEvent& event : trace.events) {
    if (event.start < 0 || event.end < 0) continue;
    first = first < 0 ? event.start : std::min(first, event.start);
    last_end = std::max(last_end, event.end);
  }
  TimelineBuilder builder(us(std::max<std::int64_t>(0, first)), us(last_end));
  for (const interface::Engine unit : kShownUnits) builder.add_track(unit_name(unit));
  CommandNames names(step, graph);
  for (const TraceEvent& event : trace.events)
    if (event.start >= 0 && event.end >= 0)
      builder.add(unit_name(event.unit), names.of(event.command), us(event.start), us(event.end));
  for (const Stall& stall : trace.stalls)
    builder.add("array waits for", kStallCauseNames[static_cast<std::size_t>(stall.cause)],
                us(stall.end - stall.cycles), us(stall.end));
  std::map<std::int64_t, std::pair<double, double>> windows;  // bytes read, written
  for (const MemoryTransaction& t : trace.transactions) {
    auto& [read, written] = windows[t.cycle / kBandwidthWindow];
    (t.write ? written : read) += static_cast<double>(t.bytes);
  }
  const double gb_per_s = trace.clock_mhz / 1e3 / static_cast<double>(kBandwidthWindow);
  std::int64_t last = -1;
  for (const auto& [window, bytes] : windows) {
    if (last >= 0 && window > last + 1)
      builder.add_bandwidth(us((last + 1) * kBandwidthWindow), 0, 0);
    builder.add_bandwidth(us(window * kBandwidthWindow), bytes.first * gb_per_s,
                          bytes.second * gb_per_s);
    last = window;
  }
  if (last >= 0) builder.add_bandwidth(us((last + 1) * kBandwidthWindow), 0, 0);
  return builder.finish();
}

Timeline timeline_of_phases(const std::vector<JsonObject>& phases, double us_per_cycle) {
  double all = 0;
  for (const JsonObject& phase : phases) all += phase.number("cycles") * us_per_cycle;
  TimelineBuilder builder(0, all);
  double now = 0;
  for (const JsonObject& phase : phases) {
    const double end = now + phase.number("cycles") * us_per_cycle;
    builder.add("products", "product " + phase.text("value"), now, end);
    double waited = now;
    const JsonObject lost = phase.object("lost_cycles");
    for (const auto& [cause, cycles] : lost.json().items()) {
      if (!cycles.is_number()) phase.refuse("lost_cycles", "numbers");
      const double until = waited + cycles.get<double>() * us_per_cycle;
      if (until > waited) builder.add("array waits for", cause, waited, until);
      waited = until;
    }
    now = end;
  }
  Timeline timeline = builder.finish();
  timeline.notes = {
      "Of the report's phases: what was lost while a product was carried out is drawn "
      "at its begin, not where it was. A run's own report.html, or --trace, has every "
      "unit."};
  return timeline;
}

nlohmann::ordered_json to_json(const Timeline& timeline) {
  nlohmann::ordered_json json = {{"begin", rounded(timeline.begin)},
                                 {"end", rounded(timeline.end)},
                                 {"names", timeline.names},
                                 {"tracks", nlohmann::ordered_json::array()}};
  for (const TimelineTrack& track : timeline.tracks) {
    nlohmann::ordered_json one = {{"name", track.name}};
    // Begin, length and name of each.
    auto begin = nlohmann::ordered_json::array();
    auto length = nlohmann::ordered_json::array(), name = nlohmann::ordered_json::array();
    for (const TimelineSpan& span : track.spans) {
      begin.push_back(rounded(span.begin));
      length.push_back(rounded(span.end - span.begin));
      name.push_back(span.name);
    }
    one["begin"] = std::move(begin);
    one["length"] = std::move(length);
    one["of"] = std::move(name);
    json["tracks"].push_back(std::move(one));
  }
  if (!timeline.memory.read.empty()) {
    const auto list = [](const std::vector<double>& values) {
      nlohmann::ordered_json rounded_values = nlohmann::ordered_json::array();
      for (const double value : values) rounded_values.push_back(std::round(value * 100) / 100);
      return rounded_values;
    };
    json["memory"] = {{"begin", timeline.memory.begin},
                      {"window", timeline.memory.window},
                      {"read", list(timeline.memory.read)},
                      {"written", list(timeline.memory.written)}};
  }
  return json;
}

void add_timeline(const Timeline& timeline, Page& page) {
  Figure figure;
  figure.id = "timeline";
  figure.title = "Timeline: what every unit did when";
  figure.sentence = timeline_sentence(timeline);
  figure.wide = true;
  figure.picture =
      "<div id=\"timeline\" class=\"stage\"></div>\n<noscript>This picture needs JavaScript; the "
      "table below does not.</noscript>\n";
  figure.notes = timeline.notes;
  if (timeline.merged > 0)
    figure.notes.push_back(fmt::format(
        "{} short pieces are drawn together with neighbours of the same work; corank run --trace "
        "writes each of them for ui.perfetto.dev.",
        timeline.merged));
  figure.table.head = {"track", "what", "pieces", "time", "share"};
  for (const TimelineTrack& track : timeline.tracks) {
    std::map<std::size_t, std::pair<std::size_t, double>> sums;
    for (const TimelineSpan& span : track.spans) {
      auto& [count, us] = sums[span.name];
      ++count;
      us += span.end - span.begin;
    }
    for (const auto& [name, sum] : sums)
      figure.table.rows.push_back(
          {track.name, timeline.names[name], std::to_string(sum.first),
           with_unit(sum.second * 1e-6, "s"),
           fmt::format("{:.1f} %", 100 * sum.second / (timeline.end - timeline.begin))});
  }
  page.figures.push_back(figure);
  if (!page.data) page.data = nlohmann::ordered_json::object();
  (*page.data)["timeline"] = to_json(timeline);
  page.scripts.push_back(kTimelineScript);
}

}  // namespace corank
