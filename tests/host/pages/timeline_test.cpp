#include "host/pages/timeline.h"

#include <catch2/catch.hpp>

#include "tests/host/temporary_folder.h"

using namespace corank;

TEST_CASE("pieces of one work that follow each other closely become one, others stay") {
  TimelineBuilder builder(100, 1100);  // 1000 us: what is less than 0.1 us apart is not seen
  builder.add_track("load");
  builder.add("array", "gemm", 100, 200);
  builder.add("array", "gemm", 200.05, 300);
  builder.add("array", "gemm", 310, 400);
  builder.add("array", "other", 400, 1100);
  const Timeline timeline = builder.finish();
  REQUIRE(timeline.tracks.size() == 2);
  CHECK(timeline.tracks[0].spans.empty());
  const std::vector<TimelineSpan>& spans = timeline.tracks[1].spans;
  REQUIRE(spans.size() == 3);
  CHECK(spans[0].begin == 0);  // from the first command on
  CHECK(spans[0].end == 200);
  CHECK(spans[1].begin == 210);
  CHECK(timeline.end == 1000);
  CHECK(timeline.merged == 1);
}

TEST_CASE("a million pieces become as many as a screen shows, and keep what they cover") {
  TimelineBuilder builder(0, 1e6);
  for (int i = 0; i < 1000000; ++i)
    builder.add("array", i % 2 == 0 ? "even" : "odd", i, i + (i % 7 == 0 ? 0.2 : 0.9));
  const Timeline timeline = builder.finish();
  CHECK(timeline.tracks[0].spans.size() <= 2500);
  CHECK(timeline.tracks[0].spans.back().end == Approx(1e6).epsilon(1e-6));
  CHECK(timeline.merged + timeline.tracks[0].spans.size() == 1000000);
}

TEST_CASE("bandwidth over windows keeps the bytes") {
  TimelineBuilder builder(0, 100);
  builder.add("array", "gemm", 0, 100);
  builder.add_bandwidth(0, 10, 0);  // 10 GB/s for 30 us
  builder.add_bandwidth(30, 0, 4);  // 4 GB/s written for 50 us
  builder.add_bandwidth(80, 0, 0);
  const TimelineCurve curve = builder.finish().memory;
  double read = 0, written = 0;
  for (std::size_t i = 0; i < curve.read.size(); ++i) {
    read += curve.read[i] * curve.window;
    written += curve.written[i] * curve.window;
  }
  CHECK(read == Approx(300));
  CHECK(written == Approx(200));
}

TEST_CASE("a trace's commands lose their numbers, not their tracks") {
  const TemporaryFolder folder;
  const std::string path = folder.write("trace.json", R"json({"traceEvents": [
    {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "accelerator"}},
    {"ph": "M", "pid": 1, "tid": 0, "name": "thread_name", "args": {"name": "load"}},
    {"ph": "M", "pid": 1, "tid": 4, "name": "thread_name", "args": {"name": "array waits for"}},
    {"ph": "X", "pid": 1, "tid": 0, "ts": 5, "dur": 2.5, "name": "command 7 (load for y (2))"},
    {"ph": "X", "pid": 1, "tid": 4, "ts": 6, "dur": 4, "name": "memory latency"}]})json");
  const Timeline timeline = timeline_of_trace(path);
  CHECK(timeline.names == std::vector<std::string>{"load for y (2)", "memory latency"});
  REQUIRE(timeline.tracks.size() == 5);  // the four units come first
  CHECK(timeline.tracks[0].name == "load");
  CHECK(timeline.tracks[0].spans[0].end == 2.5);
  CHECK(timeline.tracks[4].name == "array waits for");
  CHECK(timeline.end == 5);
}
