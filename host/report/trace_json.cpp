#include "host/report/trace_json.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

namespace corank {
namespace {

constexpr int kProcess = 1;
constexpr int kStallTrack = 4;

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

class Writer {
 public:
  Writer(OutputFile& file, double clock_mhz) : file_(file), us_per_cycle_(1 / clock_mhz) {
    file_.write("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n");
  }
  void event(const std::string& text) {
    if (!first_) file_.write(",\n");
    file_.write(text);
    first_ = false;
  }
  // The format's unit of time is the microsecond; six digits are picoseconds.
  std::string us(std::int64_t cycles) const {
    return fmt::format("{:.6f}", static_cast<double>(cycles) * us_per_cycle_);
  }
  void finish() {
    file_.write("\n]}\n");
    file_.finish();
  }

 private:
  OutputFile& file_;
  double us_per_cycle_;
  bool first_ = true;
};

void write_names(Writer& writer) {
  writer.event(fmt::format(
      R"({{"ph": "M", "pid": {}, "name": "process_name", "args": {{"name": "accelerator"}}}})",
      kProcess));
  for (int track = 0; track <= kStallTrack; ++track) {
    const std::string name = track == kStallTrack
                                 ? "array waits for"
                                 : interface::kUnitNames[1 + static_cast<std::size_t>(track)];
    writer.event(fmt::format(
        R"({{"ph": "M", "pid": {}, "tid": {}, "name": "thread_name", "args": {{"name": "{}"}}}})",
        kProcess, track, name));
  }
}

// Of a command only: the device may hold several of a unit at a time, so tracks may overlap; the
// format nests them.
void write_commands(Writer& writer, const CompiledStep& step, const Graph& graph,
                    const std::vector<TraceEvent>& events) {
  for (const TraceEvent& event : events) {
    if (event.start < 0 || event.end < 0) continue;
    writer.event(fmt::format(
        R"({{"ph": "X", "pid": {}, "tid": {}, "ts": {}, "dur": {}, "name": {}, "args": {{"issue_cycle": {}, "start_cycle": {}, "end_cycle": {}}}}})",
        kProcess, static_cast<int>(event.unit), writer.us(event.start),
        writer.us(event.end - event.start), quoted(describe_command(step, graph, event.command)),
        event.issue, event.start, event.end));
  }
}

void write_stalls(Writer& writer, const std::vector<Stall>& stalls) {
  for (const Stall& stall : stalls) {
    writer.event(fmt::format(
        R"({{"ph": "X", "pid": {}, "tid": {}, "ts": {}, "dur": {}, "name": "{}"}})", kProcess,
        kStallTrack, writer.us(stall.end - stall.cycles), writer.us(stall.cycles),
        kStallCauseNames[static_cast<std::size_t>(stall.cause)]));
  }
}

void write_bandwidth(Writer& writer, double clock_mhz,
                     const std::vector<MemoryTransaction>& transactions) {
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> windows;  // bytes read, written
  for (const MemoryTransaction& t : transactions) {
    auto& [read, written] = windows[t.cycle / kBandwidthWindow];
    (t.write ? written : read) += t.bytes;
  }
  if (!windows.empty()) windows[windows.rbegin()->first + 1];  // back to 0
  const double gb_per_s = clock_mhz / 1e3 / static_cast<double>(kBandwidthWindow);
  for (const auto& [window, bytes] : windows) {
    writer.event(fmt::format(
        R"({{"ph": "C", "pid": {}, "ts": {}, "name": "memory GB/s", "args": {{"read": {:.6f}, "written": {:.6f}}}}})",
        kProcess, writer.us(window * kBandwidthWindow), static_cast<double>(bytes.first) * gb_per_s,
        static_cast<double>(bytes.second) * gb_per_s));
  }
}

}  // namespace

void write_trace(OutputFile& file, const CompiledStep& step, const Graph& graph,
                 const StepTrace& trace) {
  Writer writer(file, trace.clock_mhz);
  write_names(writer);
  write_commands(writer, step, graph, trace.events);
  write_stalls(writer, trace.stalls);
  write_bandwidth(writer, trace.clock_mhz, trace.transactions);
  writer.finish();
}

}  // namespace corank
