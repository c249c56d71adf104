#include "host/report/phases.h"

#include <catch2/catch.hpp>

using namespace corank;
using namespace corank::interface;

namespace {

// A step of commands made by hand, on the 8 x 8 machine with a bus of 16 bytes.
struct Handmade {
  Graph graph;
  CompiledStep step;
  MachineShape machine;
  double memory_bytes_per_cycle = 64;
  std::vector<TraceEvent> events;
  std::vector<RingFilled> doorbells;

  Handmade() {
    const ValueId x = add_value(graph, {"x", {64, 8}, DType::BF16, Role::kInput});
    const ValueId w = add_value(graph, {"w", {8, 8}, DType::BF16, Role::kFrozen});
    add_contraction(graph, "y", {{x, false, w, true, {}}}, 1.0f, std::nullopt, DType::BF16,
                    Role::kResult);
  }

  std::size_t add(const CommandWords& words, int op, Engine unit, std::int64_t issue,
                  std::int64_t start, std::int64_t end, Waits waits) {
    CompiledCommand command;
    command.words = words;
    command.op = op;
    command.waits_for = waits;
    step.commands.push_back(command);
    const auto index = static_cast<std::uint32_t>(step.commands.size() - 1);
    events.push_back({unit, index, issue, start, end});
    return index;
  }
  // 64 rows of 128 bytes: 512 beats.
  std::size_t load(std::int64_t issue, std::int64_t start, std::int64_t end, bool take = false) {
    LoadCommand command;
    command.rows = 64;
    command.columns = 64;
    command.stream_take = take;
    return add(encode(command), 0, Engine::kLoad, issue, start, end, {-1, -1, -1, -1});
  }
  void store(std::int64_t start, std::int64_t end) {
    StoreCommand command;
    command.rows = 64;
    command.columns = 64;
    add(encode(command), 0, Engine::kStore, start, start, end, {-1, -1, -1, -1});
  }
  // 64 rows x 8 columns, 8 deep: one pass, 64 cycles.
  std::size_t gemm(std::int64_t start, std::int64_t end, Waits waits) {
    GemmCommand command;
    command.rows = 64;
    command.columns = command.depth = 8;
    return add(encode(command), 0, Engine::kArray, 1, start, end, waits);
  }
  PhaseReport phase() {
    const ArrayTimes times =
        array_times(step, graph, machine, memory_bytes_per_cycle, events, doorbells);
    REQUIRE(times.phases.size() == 1);
    CHECK(times.phases[0].kinds[0] == times.phases[0].cycles);
    return times.phases[0];
  }
};

std::uint64_t lost(const PhaseReport& phase, StallCause cause) {
  return phase.lost[static_cast<std::size_t>(cause)];
}

}  // namespace

TEST_CASE("a product whose rows follow each other is bound by compute", "[phases]") {
  Handmade h;
  h.gemm(10, 74, {-1, -1, -1, -1});
  h.gemm(60, 138, {-1, -1, -1, -1});
  const PhaseReport phase = h.phase();
  CHECK(phase.value == "y");
  CHECK(phase.cycles == 128);  // from the first start to the last end
  CHECK(phase.streaming == 128);
  CHECK(phase.macs == 2 * 64 * 8 * 8);
  CHECK(phase.utilisation == 1.0);
  CHECK(phase.bound == "compute");
}

TEST_CASE("a product is named within its layer", "[phases]") {
  const auto product_of = [](const std::string& module, const std::string& value) {
    Handmade h;
    h.graph.values.back().origin.module = module;
    h.graph.values.back().name = value;
    h.gemm(10, 74, {-1, -1, -1, -1});
    const PhaseReport phase = h.phase();
    CHECK(phase.value == value);
    return phase.product;
  };
  CHECK(product_of("", "model.norm") == "model.norm");
  CHECK(product_of("3", "3.y") == "y");
  CHECK(product_of("3", "13.y") == "13.y");  // another layer's
  CHECK(product_of("model.layers.3", "model.layers.3.self_attn.q_proj") == "self_attn.q_proj");
  CHECK(product_of("model.layers.3", "base_model.model.layers.3.mlp.u") == "mlp.u");
  CHECK(product_of("model.layers.3", "lm_head") == "lm_head");
}

TEST_CASE("a gap before a gemm that waited for a load is the memory's", "[phases]") {
  Handmade h;
  h.gemm(10, 74, {-1, -1, -1, -1});
  SECTION("its bandwidth, if data came in most cycles") {
    const std::size_t load = h.load(20, 22, 622);  // 512 beats in 600 cycles
    h.gemm(623, 700, {static_cast<std::int32_t>(load), -1, -1, -1});
    CHECK(lost(h.phase(), StallCause::kMemoryBandwidth) == 700 - 74 - 64);
    CHECK(h.phase().bound == "memory bandwidth");
  }
  SECTION("its bandwidth, if loads follow each other at the port's pace") {
    h.load(20, 22, 600);
    const std::size_t load =
        h.load(20, 24, 1120);  // 512 beats in 520 cycles, although it waited long
    h.gemm(1121, 1200, {static_cast<std::int32_t>(load), -1, -1, -1});
    CHECK(lost(h.phase(), StallCause::kMemoryBandwidth) == 1200 - 74 - 64);
  }
  SECTION("its bandwidth, if a slower memory gave what it can") {
    h.memory_bytes_per_cycle = 10;
    const std::size_t load = h.load(20, 22, 922);  // 8192 bytes in 900 cycles
    h.gemm(923, 1000, {static_cast<std::int32_t>(load), -1, -1, -1});
    CHECK(lost(h.phase(), StallCause::kMemoryBandwidth) == 1000 - 74 - 64);
  }
  SECTION("its bandwidth, if with the stores beside it moved what it can") {
    h.memory_bytes_per_cycle = 20;
    h.store(22, 922);
    const std::size_t load = h.load(20, 22, 922);  // 2 x 8192 bytes in 900 cycles
    h.gemm(923, 1000, {static_cast<std::int32_t>(load), -1, -1, -1});
    CHECK(lost(h.phase(), StallCause::kMemoryBandwidth) == 1000 - 74 - 64);
  }
  SECTION("its latency, if not") {
    const std::size_t load = h.load(20, 22, 922);
    h.gemm(923, 1000, {static_cast<std::int32_t>(load), -1, -1, -1});
    CHECK(lost(h.phase(), StallCause::kMemoryLatency) == 1000 - 74 - 64);
  }
  SECTION("the link's, if the load waited for a tile of the host") {
    const std::size_t load = h.load(20, 400, 922, true);
    h.gemm(923, 1000, {static_cast<std::int32_t>(load), -1, -1, -1});
    CHECK(lost(h.phase(), StallCause::kLink) == 1000 - 74 - 64);
    CHECK(h.phase().bound == "link");
  }
  SECTION("nobody's, if the load had ended long before") {
    const std::size_t load = h.load(5, 6, 30);
    h.gemm(60, 138, {static_cast<std::int32_t>(load), -1, -1, -1});
    CHECK(h.phase().bound == "compute");
  }
}

TEST_CASE("a gap before a gemm that waited for a command of the host is the link's", "[phases]") {
  Handmade h;
  h.gemm(10, 74, {-1, -1, -1, -1});
  h.doorbells = {{0, 1}};
  SECTION("its own, if that came last") {
    h.gemm(301, 400, {-1, -1, -1, -1});
    h.events.back().issue = 300;
    h.doorbells.push_back({280, 2});
    CHECK(lost(h.phase(), StallCause::kLink) == 400 - 74 - 64);
  }
  SECTION("not if the fetch took the longer part of the gap from 74 to 336") {
    h.gemm(301, 400, {-1, -1, -1, -1});
    h.events.back().issue = 300;
    h.doorbells.push_back({204, 2});
    CHECK(lost(h.phase(), StallCause::kCommands) == 400 - 74 - 64);
    h.doorbells.back().cycle = 205;  // 131 of 262 cycles
    CHECK(lost(h.phase(), StallCause::kLink) == 400 - 74 - 64);
  }
  SECTION("that of the load with its token, one of several that a doorbell brought") {
    h.load(700, 702, 720);
    const std::size_t load = h.load(704, 722, 740);
    h.gemm(742, 840, {static_cast<std::int32_t>(load), -1, -1, -1});
    h.doorbells.push_back({690, 4});
    CHECK(lost(h.phase(), StallCause::kLink) == 840 - 74 - 64);
    CHECK(h.phase().bound == "link");
  }
  SECTION("not if the load was there and its data took the time") {
    const std::size_t load = h.load(70, 72, 740);
    h.gemm(742, 840, {static_cast<std::int32_t>(load), -1, -1, -1});
    h.doorbells = {{0, 2}, {690, 3}};
    h.events.back().issue = 700;
    CHECK(lost(h.phase(), StallCause::kMemoryBandwidth) == 840 - 74 - 64);
  }
}

TEST_CASE("a gap before a gemm that waited for the vector unit, or for its command, is theirs",
          "[phases]") {
  Handmade h;
  h.gemm(10, 74, {-1, -1, -1, -1});
  SECTION("vector unit") {
    VectorCommand vector;
    vector.length = vector.rows = vector.columns = 1;
    const std::size_t command =
        h.add(encode(vector), 0, Engine::kVector, 1, 20, 300, {-1, -1, -1, -1});
    h.gemm(301, 400, {-1, -1, static_cast<std::int32_t>(command), -1});
    CHECK(lost(h.phase(), StallCause::kVector) == 400 - 74 - 64);
  }
  SECTION("commands") {
    h.gemm(301, 400, {-1, -1, -1, -1});
    h.events.back().issue = 300;
    CHECK(lost(h.phase(), StallCause::kCommands) == 400 - 74 - 64);
  }
}
