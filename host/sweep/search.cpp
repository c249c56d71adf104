#include "host/sweep/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "host/report/step_bound.h"
#include "host/report/work.h"
#include "host/sweep/bound_search.h"
#include "host/sweep/design_space.h"
#include "host/sweep/samplers.h"
#include "models/base/error.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

using Clock = std::chrono::steady_clock;

// Of spaces that are gone through whole.
constexpr std::size_t kMostEnumerated = 20'000'000;
// Of spaces of which each design has a row in the table.
constexpr std::size_t kMostRows = 100'000;

bool proves(SearchMethod method) {
  return method == SearchMethod::kBound || method == SearchMethod::kAll;
}

// A space may take minutes to go through.
void end_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

}  // namespace

struct Search::State {
  /// What the commands of a design say of it.
  struct Refined {
    std::vector<double> bounds;  // by objective
    double estimate_ns = 0, bound_ns = 0, device_bytes = 0;
    std::string bound_by;
  };

  struct Result {
    DesignStatus status = DesignStatus::kDone;
    std::string reason;
    std::vector<double> objectives;
    std::map<std::string, double> figures;
    std::string bound_by;
  };

  State(SweepFile given, BoundDesigns bound_designs);

  void enumerate();
  [[noreturn]] void refuse_space() const;
  std::vector<std::optional<std::vector<double>>> refine(const std::vector<std::size_t>& designs);
  std::optional<Refined> refined_of(std::size_t design, const std::vector<Bounded>& bounds);
  void leave_out(std::size_t design, const std::string& reason);
  std::size_t round_size() const;
  std::vector<std::size_t> sampled(std::size_t most);
  Result result_of(std::size_t design, const std::vector<Outcome>& outcomes);
  std::optional<std::string> violation_of(std::size_t design, const Result& result) const;
  double pruned_share() const;
  double open_share() const;
  std::map<std::size_t, DesignStatus> shown() const;
  SweepRow row_of(std::size_t design, DesignStatus status);
  std::vector<SweepRow> rows();
  std::vector<SweepProgress> progress_with_hypervolume() const;
  bool proved() const;

  SweepFile sweep;
  BoundDesigns bound;
  DesignSpace space;
  std::vector<double> weights;
  std::unique_ptr<BoundSearch> core;                      // of methods that prove
  std::unique_ptr<Sampler> sampler;                       // of the others
  std::map<std::string, std::size_t> infeasible;          // by reason
  std::unordered_map<std::size_t, std::string> left_out;  // found when commands were made
  std::unordered_map<std::size_t, Refined> refined;
  std::unordered_map<std::size_t, Result> results;
  std::vector<std::size_t> order;       // of results
  std::vector<std::size_t> round;       // given, and not told yet
  std::vector<SweepProgress> progress;  // shares of hypervolume: when it is asked for
  std::size_t violations = 0;
  Clock::time_point begin = Clock::now();
};

Search::State::State(SweepFile given, BoundDesigns bound_designs)
    : sweep(std::move(given)),
      bound(std::move(bound_designs)),
      space(sweep),
      weights(space.weights()) {
  const std::size_t designs = sweep.designs();
  if (proves(sweep.method)) {
    if (designs > kMostEnumerated)
      throw InputError(sweep.axes_place,
                       fmt::format("axes: expected at most {} designs, which search.method {} goes "
                                   "through; found {}: random, halton and nsga2 draw some of them",
                                   kMostEnumerated, name_of(sweep.method), designs));
    enumerate();
    return;
  }
  SampledSpace sampled;
  for (const SweepAxis& axis : sweep.axes) sampled.axis_sizes.push_back(axis.values.size());
  sampled.objectives = sweep.objectives.size();
  sampled.legal = [this](std::size_t design) {
    end_if_interrupted();
    return left_out.count(design) == 0 && space.examine(design).illegal.empty();
  };
  try {
    sampler = make_sampler(sweep.method, sampled, sweep.seed);
  } catch (const InputError& error) {
    throw InputError(sweep.file + ": " + error.what());
  }
}

void Search::State::enumerate() {
  std::vector<std::size_t> legal;
  Points bounds{sweep.objectives.size(), {}};
  const std::size_t designs = sweep.designs();
  for (std::size_t design = 0; design < designs; ++design) {
    end_if_interrupted();
    const DesignSpace::Examined examined = space.examine(design);
    if (examined.illegal.empty()) {
      legal.push_back(design);
      bounds.add(examined.bounds);
    } else {
      ++infeasible[kind_of_reason(examined.illegal)];
    }
  }
  if (legal.empty()) refuse_space();
  core = std::make_unique<BoundSearch>(
      legal, bounds, [this](const std::vector<std::size_t>& asked) { return refine(asked); },
      sweep.tolerance, sweep.method == SearchMethod::kBound);
}

void Search::State::refuse_space() const {
  const auto most =
      std::max_element(infeasible.begin(), infeasible.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  throw InputError(sweep.axes_place,
                   fmt::format("axes: expected one legal design at least, found none among {}; {} "
                               "of them: {}",
                               sweep.designs(), most->second, most->first));
}

void Search::State::leave_out(std::size_t design, const std::string& reason) {
  left_out[design] = reason;
  ++infeasible[kind_of_reason(reason)];
}

std::optional<Search::State::Refined> Search::State::refined_of(
    std::size_t design, const std::vector<Bounded>& bounds) {
  Refined made;
  std::vector<StepFigures> steps;
  for (std::size_t workload = 0; workload < bounds.size(); ++workload) {
    const Bounded& one = bounds[workload];
    if (!one.infeasible.empty()) {
      leave_out(design, one.infeasible);
      return std::nullopt;
    }
    const auto [config, closed] = space.design_of(design, workload);
    steps.push_back(bound_figures(one.step.value_or(AnalyticStep()),
                                  closed.silicon.of(config.machine).area_mm2, one.tokens));
    steps.back().fpga = space.fpga_of(config);
    if (!one.step) continue;
    made.bound_ns += weights[workload] * one.step->bound_ns;
    made.estimate_ns += weights[workload] * one.step->estimate_ns;
    made.device_bytes = std::max(made.device_bytes, steps.back().device_bytes);
    if (workload == 0) made.bound_by = one.step->bound_by;
  }
  if (const std::string broken = space.broken_when_compiled(design, made.device_bytes);
      !broken.empty()) {
    leave_out(design, broken);
    return std::nullopt;
  }
  made.bounds = bounds_of(sweep, steps, weights);
  return made;
}

std::vector<std::optional<std::vector<double>>> Search::State::refine(
    const std::vector<std::size_t>& designs) {
  std::vector<std::optional<std::vector<double>>> all;
  const std::vector<std::vector<Bounded>> bounds = bound(designs);
  for (std::size_t i = 0; i < designs.size(); ++i) {
    std::optional<Refined> made = refined_of(designs[i], bounds.at(i));
    all.emplace_back();
    if (!made) continue;
    all.back() = made->bounds;
    refined[designs[i]] = std::move(*made);
  }
  return all;
}

std::size_t Search::State::round_size() const {
  if (sweep.most_seconds > 0 &&
      std::chrono::duration<double>(Clock::now() - begin).count() >= sweep.most_seconds)
    return 0;
  const std::size_t size =
      std::min(corank::round_size(order.size()), static_cast<std::size_t>(sweep.round));
  if (sweep.most_runs == 0) return size;
  const auto most = static_cast<std::size_t>(sweep.most_runs);
  return std::min(size, most - std::min(most, order.size()));
}

// What cannot be run is drawn, too, and left out.
std::vector<std::size_t> Search::State::sampled(std::size_t most) {
  for (;;) {
    const std::vector<std::size_t> drawn = sampler->next(most);
    if (drawn.empty()) return {};
    const auto bounds = refine(drawn);
    std::vector<std::size_t> designs;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      if (bounds[i])
        designs.push_back(drawn[i]);
      else
        sampler->tell(drawn[i], std::nullopt);
    }
    if (!designs.empty()) return designs;
  }
}

std::vector<std::size_t> Search::next_round() {
  const std::size_t size = state_->round_size();
  state_->round.clear();
  if (size == 0) return {};
  state_->round = state_->core ? state_->core->next(size) : state_->sampled(size);
  return state_->round;
}

Search::State::Result Search::State::result_of(std::size_t design,
                                               const std::vector<Outcome>& outcomes) {
  Result result;
  for (const Outcome& outcome : outcomes) {
    if (outcome.status == DesignStatus::kDone) continue;
    result.status = outcome.status;
    result.reason = outcome.reason;
    if (outcome.status == DesignStatus::kFailed) break;
  }
  if (result.status != DesignStatus::kDone) return result;
  std::vector<StepFigures> steps;
  double macs = 0, slots = 0, longest = -1;
  for (std::size_t workload = 0; workload < outcomes.size(); ++workload) {
    const RunFigures& figures = outcomes[workload].figures.value();
    const auto [config, closed] = space.design_of(design, workload);
    const SiliconFigures silicon = closed.silicon.of(config.machine);
    steps.push_back(exact_figures(config, space.silicon_of(config), silicon.area_mm2, figures));
    steps.back().fpga = space.fpga_of(config);
    macs += weights[workload] * figures.macs;
    slots += weights[workload] * static_cast<double>(figures.cycles) * pes_of(config.machine);
    const LocalBytes local = local_bytes(config.machine);
    result.figures["local_bytes"] = local.scratchpad + local.accumulators;
    result.figures["memory_bytes"] += weights[workload] * static_cast<double>(figures.memory_bytes);
    result.figures["fmax_mhz"] = silicon.fmax_mhz;
    if (weights[workload] * figures.step_ns > longest) {
      longest = weights[workload] * figures.step_ns;
      result.bound_by = figures.bound_by;
    }
  }
  const auto value = [&](Objective objective) {
    return value_of(objective, steps, weights, sweep.prices);
  };
  for (const Objective objective : sweep.objectives) result.objectives.push_back(value(objective));
  result.figures["step_ns"] = value(Objective::kTime);
  result.figures["energy_pj"] = value(Objective::kEnergy);
  result.figures["area_mm2"] = value(Objective::kArea);
  result.figures["device_bytes"] = value(Objective::kDeviceMemory);
  if (sweep.fpga.part != nullptr)
    for (std::size_t i = kFirstOfFpga; i < kObjectiveNames.size(); ++i)
      result.figures[kObjectiveNames[i]] = value(static_cast<Objective>(i));
  result.figures["utilisation"] = slots > 0 ? macs / slots : 0;
  double& tokens = result.figures["tokens"];
  for (std::size_t i = 0; i < steps.size(); ++i) tokens += weights[i] * steps[i].tokens;
  return result;
}

std::optional<std::string> Search::State::violation_of(std::size_t design,
                                                       const Result& result) const {
  const auto known = refined.find(design);
  if (known == refined.end()) return std::nullopt;
  for (std::size_t i = 0; i < result.objectives.size(); ++i) {
    if (result.objectives[i] >= known->second.bounds[i]) continue;
    const auto objective = static_cast<std::size_t>(sweep.objectives[i]);
    std::string text = fmt::format(
        "the bound of design {} is none: {} of an exact run is {:.12g} {}, its lower bound "
        "{:.12g}; "
        "the sweep proves nothing. To repeat it:",
        design, kObjectiveNames[objective], result.objectives[i], kObjectiveUnits[objective],
        known->second.bounds[i]);
    for (std::size_t workload = 0; workload < sweep.workloads.size(); ++workload)
      text += "\n  " + run_line_of(sweep, design, workload);
    return text;
  }
  return std::nullopt;
}

std::optional<std::string> Search::tell(const std::vector<std::vector<Outcome>>& outcomes) {
  State& state = *state_;
  std::optional<std::string> violation;
  for (std::size_t i = 0; i < state.round.size(); ++i) {
    const std::size_t design = state.round[i];
    State::Result result = state.result_of(design, outcomes.at(i));
    const bool done = result.status == DesignStatus::kDone;
    const auto exact = done ? std::optional(result.objectives) : std::nullopt;
    if (state.core)
      state.core->tell(design, exact);
    else
      state.sampler->tell(design, exact);
    if (result.status == DesignStatus::kInfeasible)
      ++state.infeasible[kind_of_reason(result.reason)];
    if (const auto found = state.violation_of(design, result)) {
      ++state.violations;
      if (!violation) violation = found;
    }
    const auto known = state.refined.find(design);
    if (known != state.refined.end()) result.figures["estimate_ns"] = known->second.estimate_ns;
    state.results[design] = std::move(result);
    state.order.push_back(design);
  }
  state.round.clear();
  if (state.core) state.core->prune();
  state.progress.push_back({state.order.size(), 0, state.pruned_share(), state.open_share()});
  return violation;
}

double Search::State::pruned_share() const {
  if (!core) return 0;
  return static_cast<double>(core->pruned()) / static_cast<double>(sweep.designs());
}

double Search::State::open_share() const {
  const auto designs = static_cast<double>(sweep.designs());
  if (core) return static_cast<double>(core->open()) / designs;
  return (designs - static_cast<double>(order.size() + left_out.size())) / designs;
}

// The designs that have a row, and what became of them.
std::map<std::size_t, DesignStatus> Search::State::shown() const {
  std::map<std::size_t, DesignStatus> shown;
  const std::vector<std::size_t> open = core ? core->open_designs() : std::vector<std::size_t>();
  if (sweep.designs() <= kMostRows) {
    const DesignStatus others = core ? DesignStatus::kInfeasible : DesignStatus::kOpen;
    for (std::size_t design = 0; design < sweep.designs(); ++design) shown[design] = others;
    if (core)
      core->for_each_first_bound(
          [&](std::size_t design, const double*) { shown[design] = DesignStatus::kPruned; });
    for (const std::size_t design : open) shown[design] = DesignStatus::kOpen;
  } else {
    const std::size_t nearest = std::min(open.size(), kMostRows);
    for (std::size_t i = 0; i < nearest; ++i) shown[open[i]] = DesignStatus::kOpen;
  }
  for (const std::size_t design : round) shown[design] = DesignStatus::kOpen;
  for (const auto& [design, reason] : left_out) shown[design] = DesignStatus::kInfeasible;
  for (const auto& [design, result] : results) shown[design] = result.status;
  return shown;
}

SweepRow Search::State::row_of(std::size_t design, DesignStatus status) {
  SweepRow row;
  row.design = design;
  row.values = sweep.places_of(design);
  row.status = status;
  row.run_line = run_line_of(sweep, design, 0);
  const auto known = refined.find(design);
  if (known != refined.end()) {
    row.bounds = known->second.bounds;
    row.figures = {{"bound_ns", known->second.bound_ns},
                   {"estimate_ns", known->second.estimate_ns},
                   {"device_bytes", known->second.device_bytes}};
  }
  const auto left = left_out.find(design);
  const auto result = results.find(design);
  if (result != results.end()) {
    row.reason = result->second.reason;
    row.objectives = result->second.objectives;
    for (const auto& [name, value] : result->second.figures) row.figures[name] = value;
    row.bound_by = result->second.bound_by;
  } else if (left != left_out.end()) {
    row.reason = left->second;
  } else if (status == DesignStatus::kInfeasible || row.bounds.empty()) {
    DesignSpace::Examined examined = space.examine(design);
    if (!examined.illegal.empty()) row.status = DesignStatus::kInfeasible;
    row.reason = std::move(examined.illegal);
    row.bounds = std::move(examined.bounds);
  }
  return row;
}

std::vector<SweepRow> Search::State::rows() {
  std::vector<SweepRow> all;
  Points exact{sweep.objectives.size(), {}};
  std::vector<std::size_t> places;
  for (const auto& [design, status] : shown()) {
    all.push_back(row_of(design, status));
    if (all.back().objectives.empty()) continue;
    exact.add(all.back().objectives);
    places.push_back(all.size() - 1);
  }
  for (const std::size_t i : front_of(exact)) all[places[i]].on_front = true;
  return all;
}

// Shares of what the exact designs dominate in the end.
std::vector<SweepProgress> Search::State::progress_with_hypervolume() const {
  std::vector<Points> fronts;
  Points front{sweep.objectives.size(), {}};
  std::size_t done = 0;
  for (const SweepProgress& step : progress) {
    for (; done < step.runs; ++done)
      if (const Result& result = results.at(order[done]); !result.objectives.empty())
        front.add(result.objectives);
    Points kept{front.dimensions, {}};
    for (const std::size_t i : front_of(front)) kept.add({front[i], front[i] + front.dimensions});
    front = kept;
    fronts.push_back(front);
  }
  std::vector<SweepProgress> all = progress;
  if (front.size() == 0) return all;
  const LogHypervolume volume(front);
  const double whole = volume(front);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i].hypervolume = whole > 0 ? volume(fronts[i]) / whole : 1;
  return all;
}

bool Search::State::proved() const {
  const bool failed = std::any_of(results.begin(), results.end(), [](const auto& one) {
    return one.second.status == DesignStatus::kFailed;
  });
  return core && core->open() == 0 && round.empty() && !failed && violations == 0;
}

SweepProgress Search::progress() const {
  return state_->progress.empty() ? SweepProgress() : state_->progress.back();
}

const Config& Search::config_of_design(std::size_t design, std::size_t workload) const {
  return state_->space.design_of(design, workload).config;
}

SweepTable Search::table() const {
  State& state = *state_;
  SweepTable table;
  table.name = state.sweep.name;
  table.axes = state.sweep.axes;
  table.objectives = state.sweep.objectives;
  table.rows = state.rows();
  table.designs = state.sweep.designs();
  table.rows_left_out = table.designs - table.rows.size();
  table.infeasible = state.infeasible;
  table.violations = state.violations;
  table.proved = state.proved();
  if (const SweepFpga& fpga = state.sweep.fpga; fpga.part != nullptr)
    table.fpga = fmt::format("{} ({}): {}", fpga.part->name, fpga.family->title,
                             source_of(*fpga.fit, *fpga.family));
  table.tolerance = state.sweep.tolerance;
  table.progress = state.progress_with_hypervolume();
  return table;
}

Search::Search(SweepFile sweep, BoundDesigns bound)
    : state_(std::make_shared<State>(std::move(sweep), std::move(bound))) {}

}  // namespace corank
