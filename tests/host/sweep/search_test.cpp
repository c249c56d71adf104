#include "host/sweep/search.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

// So small a layer that its bound by sizes alone is far below the times of time_of().
const std::string kLayer = "workload: {shapes: {tokens: 4, layers: [{in: 8, out: 8, rank: 2}]}}\n";

/// Its files are there as long as the folder is.
SweepFile sweep_of(const TemporaryFolder& folder, const std::string& rest) {
  folder.write("layer.yaml", kLayer);
  return load_sweep(folder.write("s.yaml", R"(
configuration: layer.yaml
axes:
  accelerator.array.rows: [4, 8, 16, 32]
  accelerator.array.columns: [4, 8, 16, 32]
  accelerator.scratchpad.kib: [16, 32, 64]
  accelerator.vector.lanes: [4, 8, 32]
)" + rest));
}

const std::string kTimeAndArea = "objectives: [time, area]\n";

/// Time that falls with PEs and memory, and with lanes up to 8.
double time_of(const SweepFile& sweep, std::size_t design) {
  const auto at = sweep.places_of(design);
  const double pes =
      std::stod(sweep.axes[0].values[at[0]]) * std::stod(sweep.axes[1].values[at[1]]);
  const double kib = std::stod(sweep.axes[2].values[at[2]]);
  const double lanes = std::min(8.0, std::stod(sweep.axes[3].values[at[3]]));
  return 1e9 / pes + 1e8 / kib + 1e7 / lanes;
}

struct Counted {
  std::set<std::size_t> bounded;
};

/// Bounds that are `share` of the time. Design 7 cannot be compiled.
BoundDesigns bounds_of(const SweepFile& sweep, double share, Counted* counted = nullptr) {
  return [=](const std::vector<std::size_t>& designs) {
    std::vector<std::vector<Bounded>> all;
    for (const std::size_t design : designs) {
      if (counted != nullptr) counted->bounded.insert(design);
      all.emplace_back();
      for (std::size_t w = 0; w < sweep.workloads.size(); ++w) {
        Bounded one;
        one.tokens = 10;
        if (design == 7) {
          one.infeasible = "a block of 8 rows does not fit";
        } else {
          one.step = AnalyticStep();
          one.step->bound_ns = share * time_of(sweep, design) * static_cast<double>(w + 1);
          one.step->estimate_ns = one.step->bound_ns * 1.01;
          one.step->device_bytes = 1000 * (design + 1);
        }
        all.back().push_back(one);
      }
    }
    return all;
  };
}

std::vector<Outcome> outcome_of(const SweepFile& sweep, std::size_t design) {
  std::vector<Outcome> outcomes;
  for (std::size_t w = 0; w < sweep.workloads.size(); ++w) {
    Outcome outcome;
    outcome.figures = RunFigures();
    outcome.figures->step_ns = time_of(sweep, design) * static_cast<double>(w + 1);
    outcome.figures->device_bytes = 1000 * (design + 1);
    outcome.figures->tokens = 10;
    outcome.figures->bound_by = "the array";
    outcomes.push_back(outcome);
  }
  return outcomes;
}

/// Carries a search out; returns its designs by round.
std::vector<std::vector<std::size_t>> carry_out(Search& search, const SweepFile& sweep) {
  std::vector<std::vector<std::size_t>> rounds;
  for (;;) {
    const std::vector<std::size_t> designs = search.next_round();
    if (designs.empty()) return rounds;
    std::vector<std::vector<Outcome>> outcomes;
    for (const std::size_t design : designs) outcomes.push_back(outcome_of(sweep, design));
    REQUIRE_FALSE(search.tell(outcomes));
    rounds.push_back(designs);
  }
}

std::set<std::size_t> front_of_table(const SweepTable& table) {
  std::set<std::size_t> front;
  for (const SweepRow& row : table.rows)
    if (row.on_front) front.insert(row.design);
  return front;
}

std::size_t count_of(const SweepTable& table, DesignStatus status) {
  return static_cast<std::size_t>(
      std::count_if(table.rows.begin(), table.rows.end(),
                    [&](const SweepRow& row) { return row.status == status; }));
}

}  // namespace

TEST_CASE("a sweep that is proved has the front of the one that runs everything") {
  const TemporaryFolder folder;
  const SweepFile pruned = sweep_of(folder, kTimeAndArea);
  const SweepFile all = sweep_of(folder, kTimeAndArea + "search: {method: all}\n");
  Search search(pruned, bounds_of(pruned, 0.95)), whole(all, bounds_of(all, 0.95));
  carry_out(search, pruned);
  carry_out(whole, all);
  const SweepTable table = search.table(), truth = whole.table();
  CHECK(table.proved);
  CHECK(truth.proved);
  CHECK(front_of_table(table) == front_of_table(truth));
  CHECK(count_of(table, DesignStatus::kDone) < count_of(truth, DesignStatus::kDone) / 2);
  CHECK(count_of(table, DesignStatus::kDone) + count_of(table, DesignStatus::kPruned) ==
        count_of(truth, DesignStatus::kDone));
  CHECK(count_of(truth, DesignStatus::kPruned) == 0);
  CHECK(table.progress.back().hypervolume == 1);
  CHECK(table.progress.back().open == 0);
  CHECK(table.progress.front().runs == 16);
  CHECK(table.rows_left_out == 0);
}

TEST_CASE("designs that cannot be are counted by their reasons") {
  const TemporaryFolder folder;
  const SweepFile sweep =
      sweep_of(folder,
               "constraints:\n  - accelerator.array.rows >= accelerator.array.columns\n"
               "  - device_bytes != 112000\n  - area_mm2 < 1000000\n" +
                   kTimeAndArea + "search: {method: all}\n");
  Search search(sweep, bounds_of(sweep, 1));
  carry_out(search, sweep);
  const SweepTable table = search.table();
  // 6 of 16 pairs have more columns than rows. Lanes of 32 fit memory lines of 32 elements alone:
  // of the other ten pairs the four with 32 rows. 32 x 4 with 32 KiB and 4 lanes is design 111.
  const std::string lanes =
      "accelerator.vector.lanes: expected at most N, the elements of a memory line with N rows, N "
      "columns and N AXI data bits, found N";
  CHECK(table.infeasible.at("constraint: accelerator.array.rows >= accelerator.array.columns") ==
        6 * 9);
  CHECK(table.infeasible.at(lanes) == 6 * 3);
  CHECK(table.infeasible.at("constraint: device_bytes != 112000") == 1);
  CHECK(table.infeasible.at("a block of N rows does not fit") == 1);
  CHECK(count_of(table, DesignStatus::kDone) == 144 - 6 * 9 - 6 * 3 - 2);
  CHECK(table.rows.at(111).reason == "constraint: device_bytes != 112000");
  CHECK_THAT(table.rows.at(2).reason, Contains("expected at most 8, the elements"));
}

TEST_CASE("what an FPGA does not hold is no design, and what it holds has its share of it") {
  const TemporaryFolder folder;
  const SweepFile sweep = sweep_of(folder,
                                   "fpga: {target: xilinx7, part: XC7K325T}\n"
                                   "constraints: [bram <= 200]\n"
                                   "objectives: [time, lut, fpga_share]\nsearch: {method: all}\n");
  Search search(sweep, bounds_of(sweep, 1));
  carry_out(search, sweep);
  const SweepTable table = search.table();
  CHECK_THAT(table.fpga, Contains("XC7K325T (Xilinx 7 series): modelled: closed form of"));
  CHECK(table.infeasible.at("fpga: XC7K325T has too little: N LUTs of N, N DSPs of N") > 0);
  CHECK(table.infeasible.at("constraint: bram <= 200") > 0);
  // 32 x 32 takes more DSPs than there are, one a PE.
  CHECK_THAT(table.rows.at(143).reason,
             Contains("fpga: XC7K325T has too little: ") && Contains(" DSPs of 840"));
  std::size_t done = 0;
  for (const SweepRow& row : table.rows) {
    if (row.status != DesignStatus::kDone) continue;
    ++done;
    const FpgaCounts counts = fpga_counts(*sweep.fpga.fit, config_of(sweep, row.design, 0).machine);
    const double share =
        std::max({static_cast<double>(counts[0]) / 203800, static_cast<double>(counts[1]) / 407600,
                  static_cast<double>(counts[2]) / 890, static_cast<double>(counts[3]) / 840});
    CHECK(share <= 1);
    CHECK(counts[2] <= 200);
    CHECK(row.bounds[1] == static_cast<double>(counts[0]));  // known before a run
    CHECK(row.objectives[1] == static_cast<double>(counts[0]));
    CHECK(row.objectives[2] == Approx(share));
    CHECK(row.figures.at("dsp") == static_cast<double>(counts[3]));
  }
  CHECK(done > 0);
}

TEST_CASE("a sweep without a legal design is refused") {
  const TemporaryFolder folder;
  const SweepFile sweep =
      sweep_of(folder, "constraints: [accelerator.array.rows > 32]\n" + kTimeAndArea);
  CHECK_THAT(message_of<InputError>([&] { Search(sweep, bounds_of(sweep, 1)); }),
             Contains("s.yaml:4:3: axes: expected one legal design at least, found none among 144; "
                      "144 of them: constraint: accelerator.array.rows > 32"));
}

TEST_CASE("a bound that is none ends the sweep with the run that shows it") {
  const TemporaryFolder folder;
  const SweepFile sweep = sweep_of(folder, kTimeAndArea);
  Search search(sweep, bounds_of(sweep, 1.001));
  const std::vector<std::size_t> designs = search.next_round();
  std::vector<std::vector<Outcome>> outcomes;
  for (const std::size_t design : designs) outcomes.push_back(outcome_of(sweep, design));
  const auto violation = search.tell(outcomes);
  REQUIRE(violation);
  CHECK_THAT(*violation, Contains("time of an exact run is"));
  CHECK_THAT(*violation, Contains(run_line_of(sweep, designs.front(), 0)));
  CHECK(search.table().violations == designs.size());
  CHECK_FALSE(search.table().proved);
}

TEST_CASE("a bound that rounding alone lifts above the run is none the less one") {
  const TemporaryFolder folder;
  const SweepFile sweep = sweep_of(folder, kTimeAndArea);
  Search search(sweep, bounds_of(sweep, 1 + 1e-12));
  carry_out(search, sweep);
  CHECK(search.table().proved);
}

TEST_CASE("a sweep that is stopped after so many runs says what is open") {
  const TemporaryFolder folder;
  const SweepFile sweep = sweep_of(folder, kTimeAndArea + "stop: {runs: 20}\n");
  Search search(sweep, bounds_of(sweep, 0.5));
  carry_out(search, sweep);
  const SweepTable table = search.table();
  CHECK_FALSE(table.proved);
  CHECK(count_of(table, DesignStatus::kDone) == 20);
  CHECK(count_of(table, DesignStatus::kOpen) > 0);
  CHECK(table.progress.back().open ==
        static_cast<double>(count_of(table, DesignStatus::kOpen)) / 144);
}

TEST_CASE(
    "a design that failed leaves the front unproved, one that turns out infeasible does not") {
  const TemporaryFolder folder;
  const SweepFile sweep = sweep_of(folder, kTimeAndArea);
  for (const DesignStatus status : {DesignStatus::kFailed, DesignStatus::kInfeasible}) {
    Search search(sweep, bounds_of(sweep, 0.9));
    bool first = true;
    for (;;) {
      const std::vector<std::size_t> designs = search.next_round();
      if (designs.empty()) break;
      std::vector<std::vector<Outcome>> outcomes;
      for (const std::size_t design : designs) outcomes.push_back(outcome_of(sweep, design));
      if (first) outcomes.front().front() = {status, "died of 9", std::nullopt};
      first = false;
      search.tell(outcomes);
    }
    const SweepTable table = search.table();
    CHECK(table.proved == (status == DesignStatus::kInfeasible));
    CHECK(count_of(table, status) > 0);
  }
}

TEST_CASE("rounds are the same however the search is asked and replayed") {
  const TemporaryFolder folder;
  const SweepFile sweep = sweep_of(folder, kTimeAndArea + "search: {round: 24}\n");
  Search one(sweep, bounds_of(sweep, 0.8)), other(sweep, bounds_of(sweep, 0.8));
  const auto rounds = carry_out(one, sweep);
  CHECK(carry_out(other, sweep) == rounds);
  for (const auto& round : rounds) CHECK(round.size() <= 24);
}

TEST_CASE("every method runs designs once, and repeats itself by its seed") {
  const TemporaryFolder folder;
  for (const std::string method : {"random", "halton", "nsga2"}) {
    INFO(method);
    const auto sweep_with = [&](int seed) {
      return sweep_of(folder, kTimeAndArea + "search: {method: " + method +
                                  ", seed: " + std::to_string(seed) + "}\nstop: {runs: 40}\n");
    };
    const auto designs_with = [&](int seed) {
      const SweepFile sweep = sweep_with(seed);
      Search search(sweep, bounds_of(sweep, 0.9));
      std::vector<std::size_t> all;
      for (const auto& round : carry_out(search, sweep))
        all.insert(all.end(), round.begin(), round.end());
      CHECK_FALSE(search.table().proved);
      return all;
    };
    try {
      const auto designs = designs_with(3);
      CHECK(designs.size() == 40);
      CHECK(std::set<std::size_t>(designs.begin(), designs.end()).size() == 40);
      CHECK(designs_with(3) == designs);
      CHECK(designs_with(4) != designs);
    } catch (const InputError& error) {
      CHECK_THAT(error.what(),
                 Contains(".yaml: search.method: nsga2 needs pagmo 2 (Debian: libpagmo-dev)"));
    }
  }
}

TEST_CASE("of several workloads times are summed by weight, device memory is the most") {
  const TemporaryFolder folder;
  const SweepFile sweep =
      sweep_of(folder,
               "workloads:\n  - {name: a, weight: 2}\n  - {name: b, set: {name: b}}\n"
               "objectives: [time, device_memory]\nsearch: {method: all}\n");
  Search search(sweep, bounds_of(sweep, 1));
  carry_out(search, sweep);
  for (const SweepRow& row : search.table().rows) {
    if (row.status != DesignStatus::kDone) continue;
    // 2 x the time of a, and once that of b, which is twice as long.
    CHECK(row.objectives.at(0) == Approx(4 * time_of(sweep, row.design)));
    CHECK(row.objectives.at(1) == 1000.0 * (static_cast<double>(row.design) + 1));
    CHECK(row.figures.at("tokens") == 30);
  }
}

TEST_CASE("a space that is too large to be gone through is drawn from alone") {
  const TemporaryFolder folder;
  const auto large = [&](const std::string& search) {
    folder.write("layer.yaml", kLayer);
    return load_sweep(folder.write("s.yaml", R"(
configuration: layer.yaml
axes:
  accelerator.clock_mhz: {from: 1, to: 10000, step: 1}
  accelerator.array.rows: {from: 1, to: 32, step: 1}
  accelerator.array.columns: {from: 1, to: 32, step: 1}
  accelerator.queue_depth: {from: 1, to: 16, step: 1}
objectives: [time, area]
)" + search));
  };
  CHECK_THAT(message_of<InputError>([&] { Search(large(""), nullptr); }),
             Contains("axes: expected at most 20000000 designs, which search.method bound goes "
                      "through; found 163840000"));
  const SweepFile sweep = large("search: {method: halton}\nstop: {runs: 30}\n");
  Search search(sweep, [](const std::vector<std::size_t>& designs) {
    Bounded bounded;
    bounded.step = AnalyticStep();
    return std::vector<std::vector<Bounded>>(designs.size(), {bounded});
  });
  std::size_t ran = 0;
  for (;;) {
    const std::vector<std::size_t> designs = search.next_round();
    if (designs.empty()) break;
    ran += designs.size();
    Outcome outcome;
    outcome.figures = RunFigures();
    outcome.figures->step_ns = 5e9;
    search.tell(std::vector<std::vector<Outcome>>(designs.size(), {outcome}));
  }
  CHECK(ran == 30);
  CHECK(search.table().rows.size() >= 30);
  CHECK(search.table().rows_left_out == 163840000 - search.table().rows.size());
}
