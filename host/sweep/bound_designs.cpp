#include "host/sweep/bound_designs.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "host/analytic/analytic.h"
#include "host/driver/device_executor.h"
#include "host/run/device_figures.h"
#include "host/run/prepare_finetune.h"
#include "host/run/simulate.h"
#include "host/sweep/forked.h"
#include "models/base/error.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

Bounded bound_layers(const Config& config) {
  Bounded bounded;
  const PreparedStep prepared = prepare_step(config);
  bounded.step = analyse(config, prepared);
  bounded.tokens = static_cast<double>(layers_of(prepared.workload).front().tokens *
                                       config.optimizer.accumulate);
  return bounded;
}

Bounded bound_model(const Config& config) {
  Bounded bounded;
  const PreparedFinetune prepared = prepare_for_device(config);
  bounded.step =
      analyse(config, prepared, values_named(prepared.program.graph, prepared.asked.of_step(0)));
  bounded.tokens = static_cast<double>(tokens_of(prepared, 1));
  return bounded;
}

// ---- between processes ----

template <class Fields, class Visit>
void visit(Fields& step, const Visit& field) {
  field("bound_ns", step.bound_ns);
  field("bound_total_ns", step.bound_total_ns);
  field("bound_by", step.bound_by);
  field("estimate_ns", step.estimate_ns);
  field("estimate_total_ns", step.estimate_total_ns);
  field("counters", step.counters);
  field("estimate_cycles", step.estimate_cycles);
  field("memory_bytes", step.memory_bytes);
  field("link_bytes", step.link_bytes);
  field("bound_energy_pj", step.bound_energy_pj);
  field("estimate_energy_pj", step.estimate_energy_pj);
  field("device_bytes", step.device_bytes);
}

std::string text_of(const std::vector<Bounded>& workloads) {
  nlohmann::json all = nlohmann::json::array();
  for (const Bounded& one : workloads) {
    nlohmann::json json = {{"tokens", one.tokens}, {"infeasible", one.infeasible}};
    if (one.step)
      visit(*one.step, [&](const char* name, const auto& value) { json["step"][name] = value; });
    all.push_back(std::move(json));
  }
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<Bounded> bounds_of(const std::string& text) {
  std::vector<Bounded> workloads;
  for (const nlohmann::json& json : nlohmann::json::parse(text)) {
    Bounded& one = workloads.emplace_back();
    json.at("tokens").get_to(one.tokens);
    json.at("infeasible").get_to(one.infeasible);
    if (json.count("step") == 0) continue;
    one.step.emplace();
    visit(*one.step,
          [&](const char* name, auto& value) { json.at("step").at(name).get_to(value); });
  }
  return workloads;
}

Bounded bound_or_reason(const SweepFile& sweep, std::size_t design, std::size_t workload) {
  Bounded bounded;
  try {
    return bound_design(config_of(sweep, design, workload));
  } catch (const InputError& error) {
    bounded.infeasible = error.reason();
  }
  return bounded;
}

}  // namespace

Bounded bound_design(const Config& config) {
  const Config measured = measured_config(config);
  // Of repeated layers a few are simulated and the rest is estimated: no command says how long that
  // takes.
  if (measured.layers == Layers::kRepeated) return {};
  return names_finetuning(measured) ? bound_model(measured) : bound_layers(measured);
}

BoundDesigns bound_in_processes(const SweepFile& sweep, int workers, std::function<bool()> stop) {
  return [&sweep, workers, stop = std::move(stop)](const std::vector<std::size_t>& designs) {
    std::vector<std::vector<Bounded>> all(designs.size());
    const auto bound = [&](std::size_t i) {
      std::vector<Bounded> workloads;
      for (std::size_t workload = 0; workload < sweep.workloads.size(); ++workload)
        workloads.push_back(bound_or_reason(sweep, designs[i], workload));
      return text_of(workloads);
    };
    std::size_t ended = 0;
    const auto done = [&](std::size_t i, const TaskEnd& end) {
      ++ended;
      Bounded died;
      died.infeasible = "the compiler's process ended: " + end.failure;
      all[i] = end.failure.empty() ? bounds_of(end.result)
                                   : std::vector<Bounded>(sweep.workloads.size(), died);
    };
    carry_out_forked(designs.size(), workers, bound, done, stop);
    if (ended < designs.size()) throw Interrupted();
    return all;
  };
}

}  // namespace corank
