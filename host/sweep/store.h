// The exact runs of a sweep, kept so that nothing that is finished is ever lost.
//
// Function: FOLDER/runs has a segment file for each life of a process that runs designs, and a line
//   in it for each run, JSON, written at once and synchronised. Only the last line of a segment may
//   be torn: a process that was killed, or a disk that was full, ended there.
// Line: {"check":"8 hex","key":"64 hex","fidelity":..,"timing":..,"status":..,"reason":..,
//   "figures":{..},"settings":[..],"workload":..,"run":{"host":..,"seconds":..,"start":..}};
//   "check" is the beginning of the SHA-256 of what comes behind it. From "fidelity" to "figures"
//   is what the run came to: two runs of one key that differ there contradict each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/sweep/engine.h"
#include "host/sweep/search.h"
#include "models/base/error.h"

namespace corank {

/// Of a sweep's folder: where the segments are.
inline constexpr const char* kRunsFolder = "runs";

/// The disk does not keep what it is given, or gives what nobody has written.
class StoreError : public MachineError {
 public:
  using MachineError::MachineError;
};

/// The only writer of a segment.
class SegmentWriter {
 public:
  explicit SegmentWriter(const std::string& folder);
  ~SegmentWriter();
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  /// Keeps what became of a run. Throws StoreError if the disk refuses; what came before is kept,
  /// and this process must not go on.
  void append(const Job& job, const std::string& workload, const Outcome& outcome, double seconds,
              double start);

 private:
  void open_segment();

  std::string folder_, path_;
  int file_ = -1;
};

class Store {
 public:
  /// Failed runs that were begun before `failed_before` (time_of_day()) are as if they were not
  /// here: they are to be tried again.
  explicit Store(const std::string& folder, double failed_before = 0);

  /// Reads what has come since. Throws StoreError with file and line for a line that is damaged and
  /// not its segment's last one, and for two runs of one key that contradict each other.
  void refresh();

  bool has(const std::string& key) const { return runs_.count(key) > 0; }
  /// What became of the run; nothing: it is not here. Throws StoreError with file and line for one
  /// that says what no run came to.
  std::optional<Outcome> find(const std::string& key) const;
  std::size_t size() const { return runs_.size(); }
  /// The middle of the seconds that a run took; 0: none did yet.
  double usual_seconds() const;

 private:
  struct Segment {
    std::list<std::string> texts;  // whole lines, as they came
    std::size_t read = 0;          // bytes of it
    std::size_t lines = 0;
  };
  struct Line {
    std::string_view key, result;  // in the texts
    DesignStatus status = DesignStatus::kDone;
    double seconds = 0, start = 0;
    const std::string* segment = nullptr;
    std::size_t number = 0;
  };

  void read_segment(const std::string& name);
  bool parse(std::string_view line, Line& found) const;
  void add(const Line& line);

  std::string folder_;
  double failed_before_;
  std::map<std::string, Segment> segments_;  // by name
  std::unordered_map<std::string_view, Line> runs_;
  std::vector<double> seconds_;
};

/// Seconds since 1970.
double time_of_day();

}  // namespace corank
