#include "host/analytic/closed_form.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "host/energy/machine_silicon.h"
#include "host/report/step_bound.h"
#include "host/verify/draw.h"

using namespace corank;

namespace {

Config config_of(const std::vector<std::string>& more) {
  std::vector<std::string> settings = {"values=off"};
  settings.insert(settings.end(), more.begin(), more.end());
  return load_config(std::string(CORANK_CONFIGS) + "/quickstart.yaml", settings);
}

ClosedBound bound_of(const Config& config) {
  return bound(closed_form_of(config), config.machine, config.limits, config.memory, config.link,
               EnergyPrices(config.energy), SiliconForm(45));
}

}  // namespace

TEST_CASE("the silicon of the closed form is that of the lists", "[analytic]") {
  draw::Random random(3);
  for (const int node : {180, 45, 28, 7}) {
    const SiliconForm form(node);
    for (int i = 0; i < 20; ++i) {
      MachineShape shape;
      shape.array_rows = draw::int_between(random, 1, 32);
      shape.array_columns = draw::int_between(random, 1, 32);
      shape.scratchpad_kib = 1 << draw::int_between(random, 4, 10);
      shape.accumulator_kib = 1 << draw::int_between(random, 4, 10);
      shape.axi_data_bits = 64 << draw::int_between(random, 0, 3);
      shape.queue_depth = draw::int_between(random, 1, 16);
      shape.decoder = draw::int_between(random, 0, 1);
      shape.parity = draw::int_between(random, 0, 1);
      const SiliconFigures figures = form.of(shape);
      const CostReport cost = composed_cost(shape, node);
      CHECK(figures.area_mm2 == Approx((cost.logic_um2 + cost.ram_um2) / 1e6));
      CHECK(figures.fmax_mhz == Approx(cost.fmax_mhz()));
      const MachineSilicon silicon = machine_silicon(shape, std::to_string(node) + " nm");
      CHECK(figures.flops == Approx(silicon.flops));
      CHECK(figures.logic_mm2 == Approx(silicon.logic_mm2));
      CHECK(figures.memory_kib == Approx(silicon.memory_kib()));
      for (const bool writes : {false, true}) {
        CHECK(form.access_ratio(shape, false, writes, 32, 64) ==
              Approx(macro_ratio(silicon, kScratchpadUnit, writes, 32, 64)));
        CHECK(form.access_ratio(shape, true, writes, 32, 64) ==
              Approx(macro_ratio(silicon, kAccumulatorUnit, writes, 32, 64)));
      }
    }
  }
}

// 16 x 8 -> 8 x 4 with r = 2. On 8 x 8 each of the products has one tile of the stationary operand:
// y and dx a pass each, twice for the two depth tiles of dx? Depths: y 8, u 8, y's second term 2,
// du 4, dx 4 and 2, dA 16 (two tiles), dB 16 (two).
TEST_CASE("the array's passes are counted tile by tile", "[analytic]") {
  const Config config =
      config_of({"workload={shapes: {tokens: 16, layers: [{in: 8, out: 4, rank: 2}]}}"});
  const ClosedForm form = closed_form_of(config);
  double macs = 0;
  for (const ClosedForm::Contraction& one : form.contractions)
    for (const ClosedForm::Product& term : one.terms)
      macs += one.times * term.rows * term.columns * term.depth;
  CHECK(macs == form.macs);
  // y: 16 x 4 x 8 and 16 x 4 x 2; u 16 x 2 x 8; du 16 x 2 x 4; dx 16 x 8 x 4 and 16 x 8 x 2;
  // dA 2 x 8 x 16; dB 4 x 2 x 16.
  CHECK(form.macs == 16 * (4 * 8 + 4 * 2 + 2 * 8 + 2 * 4 + 8 * 4 + 8 * 2 + 2 * 8 + 4 * 2));
  // x, dy, W, A, B and the moments of both, which are read; y, dx, both gradients, masters and
  // moments, which are written.
  const double adapter = 2 * 8 + 4 * 2;
  CHECK(form.uploaded == 2 * (16 * 8 + 16 * 4 + 4 * 8) + 4 * 3 * adapter);
  CHECK(form.written == 2 * (16 * 4 + 16 * 8) + 4 * 4 * adapter);
}

// The scratchpad's 64 KiB and the accumulators' 64 KiB are left out of the backward pass once.
TEST_CASE("a layer's reads are those of its frozen products and of all else once", "[analytic]") {
  const Config config =
      config_of({"workload={shapes: {tokens: 64, layers: [{in: 512, out: 512, rank: 8}]}}"});
  const ClosedForm form = closed_form_of(config);
  REQUIRE(form.frozen.size() == 2);
  const ClosedForm::FrozenProduct& backward = form.frozen[form.frozen[0].backward ? 0 : 1];
  CHECK(backward.rows == 64);
  CHECK(backward.depth == 512);
  // x, masters and moments.
  CHECK(backward.others == 2 * 64 * 512 + 4 * 3 * 8 * 1024);
  // Both masters, which the forward pass rounds.
  CHECK(form.other_reads == 4 * 8 * 1024);
}

TEST_CASE("a larger array, a faster memory or more room make no bound larger", "[analytic]") {
  const std::vector<std::string> layer = {
      "workload={shapes: {tokens: 256, layers: [{in: 512, out: 384, rank: 8}]}}"};
  const ClosedBound small = bound_of(config_of(layer));
  for (const char* more :
       {"accelerator.array={rows: 16, columns: 16}", "memory.bandwidth_gb_per_s=64",
        "accelerator.scratchpad.kib=256", "accelerator.accumulator.kib=256"}) {
    std::vector<std::string> settings = layer;
    settings.push_back(more);
    INFO(more);
    CHECK(bound_of(config_of(settings)).step_ns <= small.step_ns);
  }
}
