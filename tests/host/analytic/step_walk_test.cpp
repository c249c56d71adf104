// The walk over commands whose times are worked out by hand: 16 bytes a beat, 1 ns a cycle, a
// memory of 100 ns and 64 bytes a ns.
#include "host/analytic/step_walk.h"

#include <catch2/catch.hpp>

using namespace corank;
using namespace corank::interface;
using cycle_model::Cycle;

namespace {

class NoTiles : public HostTimes {
 public:
  Cycle tile_there(std::uint64_t) override { return 0; }
  void released(Cycle) override {}
};

MemoryConfig memory_of(double latency_ns, double bandwidth) {
  MemoryConfig memory;
  memory.latency_ns = latency_ns;
  memory.bandwidth_gb_per_s = bandwidth;
  return memory;
}

WalkTimes walked(const std::vector<CommandWords>& commands, bool expected = false) {
  CompiledStep step;
  for (const CommandWords& words : commands) step.commands.push_back({words});
  step.ring_entries = 64;
  const MemoryConfig memory = memory_of(100, 64);
  WalkLimits limits;
  limits.period = period_of(1000);
  limits.expected = expected;
  NoTiles host;
  const auto times = expected ? expected_fixed_latency(memory) : least_memory(memory);
  return walk(step, MachineShape{}, memory, limits, *times, host, nullptr);
}

constexpr std::uint32_t kSignalLsb = 0;

LoadCommand a_row() {
  LoadCommand load;
  load.rows = 1;
  load.columns = 64;
  load.panel_stride = 128;
  return load;
}

}  // namespace

// Its address leaves in cycle 2, the answer is there at 2 + 100 + 1 ns, so its 4 beats come in
// cycles 104 to 107, and it is looked at 4 + 2 cycles later.
TEST_CASE("a halt alone takes its fetch", "[analytic]") {
  CHECK(walked({encode(HaltCommand{})}).halt == 113);
}

// The load is handed over in cycle 113, starts in 116, cuts its burst in 117 and offers it in 118:
// 128 bytes are there at 118 + 100 + 2 ns, in beats of cycles 221 to 228, and complete in 230. By
// then the halt has long been there.
TEST_CASE("a load takes its burst", "[analytic]") {
  const WalkTimes times = walked({encode(a_row()), encode(HaltCommand{})});
  CHECK(times.halt == 230);
  CHECK(times.read_beats == 4 + 8 + 4);
  // Two commands and the row.
  CHECK(times.bus == 4 * 1000000);
}

// 1 row of 8 x 8 is one pass. The gemm is handed over 6 cycles after the load before it, in 119,
// but starts a cycle after the load's token, in 231: it reads its tile from 232 on, streams its row
// in 233 and has its sum 2 * 8 + 3 + 1 cycles later.
TEST_CASE("a gemm waits for the token of its load", "[analytic]") {
  LoadCommand load = a_row();
  load.signal_tokens = token(Engine::kLoad, Engine::kArray) << kSignalLsb;
  GemmCommand gemm;
  gemm.wait_tokens = token(Engine::kLoad, Engine::kArray);
  gemm.rows = 1;
  gemm.depth = gemm.columns = 8;
  const WalkTimes times = walked({encode(load), encode(gemm), encode(HaltCommand{})});
  CHECK(times.halt == 233 + 1 + 20);
  CHECK(times.array_busy == 1);
}

// It starts in 116, reads from 117 on, and has its first beat of 8 at the port in 121, the last in
// 128. The memory answers at 128 + 100 + 2 ns, seen in cycle 231.
TEST_CASE("a store takes its beats and the answer", "[analytic]") {
  StoreCommand store;
  store.rows = 1;
  store.columns = 64;
  store.panel_stride = 128;
  const WalkTimes times = walked({encode(store), encode(HaltCommand{})});
  CHECK(times.halt == 232);
  CHECK(times.written_beats == 8);
}

// Two rows of 64 bytes a ns apart: the second load's burst is behind the first on the bus, but
// behind a memory that everybody has to himself, too, since both are the load unit's.
TEST_CASE("bursts of one unit follow each other", "[analytic]") {
  LoadCommand load = a_row();
  load.rows = 8;  // 1 KiB: 64 beats, which take longer than the 16 ns of the bus
  const WalkTimes least = walked({encode(load), encode(load), encode(HaltCommand{})});
  // The first: 118 + 100 + 16 ns, beats of cycles 235 to 298; the second's follow.
  CHECK(least.halt == 298 + 64 + 2);
  CHECK(walked({encode(load), encode(load), encode(HaltCommand{})}, true).halt == least.halt);
}

TEST_CASE("a token that nobody gives is told", "[analytic]") {
  GemmCommand gemm;
  gemm.wait_tokens = token(Engine::kLoad, Engine::kArray);
  gemm.rows = gemm.depth = gemm.columns = 8;
  CHECK_THROWS_WITH(walked({encode(gemm), encode(HaltCommand{})}),
                    "the commands of the step wait for each other");
}
