// What every unit did when, coarse enough for a page.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/huggingface/json_object.h"
#include "host/pages/page.h"
#include "host/report/trace_json.h"

namespace corank {

struct TimelineSpan {
  double begin = 0, end = 0;  // microseconds
  std::size_t name = 0;       // place in the timeline's names
};

struct TimelineTrack {
  std::string name;
  std::vector<TimelineSpan> spans;  // in order; they may overlap
};

/// Means over windows of the same length.
struct TimelineCurve {
  double begin = 0, window = 0;       // microseconds
  std::vector<double> read, written;  // GB/s
};

struct Timeline {
  double begin = 0, end = 0;  // microseconds; of what finish() gives, from 0
  std::vector<std::string> names;
  std::vector<TimelineTrack> tracks;
  TimelineCurve memory;  // empty: not known
  std::vector<std::string> notes;
  std::size_t merged = 0;  // spans that became part of others
};

/// Makes one of any number of spans: those of one name that follow each other with less between
/// them than can be seen become one.
class TimelineBuilder {
 public:
  /// Of all spans, in microseconds.
  TimelineBuilder(double begin, double end);
  /// Tracks stand in the order in which they are named first.
  void add_track(const std::string& name);
  /// Of one track in the order of their begins, or nearly so.
  void add(const std::string& track, const std::string& name, double begin, double end);
  void add_bandwidth(double begin, double read, double written);
  Timeline finish();

 private:
  struct Track {
    std::string name;
    double gap = 0;
    std::size_t added = 0;
    std::vector<TimelineSpan> spans;
    std::map<std::size_t, std::size_t> last;  // span of a name
  };
  void add(Track& track, const TimelineSpan& span);
  /// Fewer spans, by merging what lies further apart.
  void thin(Track& track);
  TimelineCurve curve();

  std::map<std::string, std::size_t> places_;
  Timeline timeline_;
  std::vector<Track> tracks_;
  std::vector<std::pair<double, std::pair<double, double>>> bandwidth_;
};

/// Of a file that corank run --trace wrote. Throws InputError.
Timeline timeline_of_trace(const std::string& path);
/// The same of the step itself.
Timeline timeline_of(const CompiledStep& step, const Graph& graph, const StepTrace& trace);
/// Of a report's phases: the products one after the other, and what the array lost cycles to.
Timeline timeline_of_phases(const std::vector<JsonObject>& phases, double us_per_cycle);

nlohmann::ordered_json to_json(const Timeline& timeline);
/// Its picture, data and program.
void add_timeline(const Timeline& timeline, Page& page);

}  // namespace corank
