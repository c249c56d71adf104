#include "host/sweep/bound_designs.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <unordered_map>
#include <utility>

#include "host/analytic/analytic.h"
#include "host/driver/device_executor.h"
#include "host/run/device_figures.h"
#include "host/run/prepare_finetune.h"
#include "host/run/simulate.h"
#include "host/sweep/forked.h"
#include "host/sweep/run_key.h"
#include "host/sweep/sha256.h"
#include "host/sweep/sweep_folder.h"
#include "models/base/error.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

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

std::vector<Bounded> bounds_of(const nlohmann::json& list) {
  std::vector<Bounded> workloads;
  for (const nlohmann::json& json : list) {
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

// ---- between lives ----

/// Lines {"key":.., "bounds":[..]} in a file for each life of a driver. A line that is damaged is
/// as if it were not there.
class KeptBounds {
 public:
  KeptBounds(const SweepFile& sweep, const std::string& folder)
      : sweep_(sweep), folder_(fs::path(folder) / "bounds") {
    std::error_code error;
    for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error))
      read(entry->path().string());
    ContentDigests digests;
    for (const std::string& file : files_of_sweep(sweep)) made_from_[file] = digests.of(file);
    struct stat program {};
    if (stat("/proc/self/exe", &program) == 0)
      made_from_["program"] = {program.st_dev, program.st_ino, program.st_size,
                               program.st_mtim.tv_sec, program.st_mtim.tv_nsec};
  }

  std::string key_of(std::size_t design) const {
    nlohmann::json json = {made_from_, sweep_.configuration};
    for (std::size_t workload = 0; workload < sweep_.workloads.size(); ++workload)
      json.push_back(with_settings(sweep_, settings_of(sweep_, design), workload));
    return sha256(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  /// By workload; none: they were not kept.
  std::vector<Bounded> find(const std::string& key) const {
    const auto kept = by_key_.find(key);
    return kept == by_key_.end() ? std::vector<Bounded>() : kept->second;
  }
  void keep(const std::string& key, const std::vector<Bounded>& bounds) {
    by_key_[key] = bounds;
    if (!file_.is_open()) {
      std::error_code error;
      fs::create_directory(folder_, error);
      std::random_device random;
      file_.open(folder_ / fmt::format("{}-{:08x}.jsonl", getpid(), random()), std::ios::app);
    }
    // Without room on the disk they are worked out again.
    file_ << fmt::format("{{\"key\":\"{}\",\"bounds\":{}}}\n", key, text_of(bounds)) << std::flush;
  }

 private:
  void read(const std::string& path) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      try {
        const nlohmann::json json = nlohmann::json::parse(line);
        std::vector<Bounded> bounds = bounds_of(json.at("bounds"));
        if (bounds.size() == sweep_.workloads.size())
          by_key_[json.at("key").get<std::string>()] = std::move(bounds);
      } catch (const nlohmann::json::exception&) {
        continue;
      }
    }
  }

  const SweepFile& sweep_;
  fs::path folder_;
  nlohmann::json made_from_;
  std::unordered_map<std::string, std::vector<Bounded>> by_key_;
  std::ofstream file_;
};

}  // namespace

Bounded bound_design(const Config& config) {
  const Config measured = measured_config(config);
  // Of repeated layers a few are simulated and the rest is estimated: no command says how long that
  // takes.
  if (measured.layers == Layers::kRepeated) return {};
  return names_finetuning(measured) ? bound_model(measured) : bound_layers(measured);
}

BoundDesigns bound_in_processes(const SweepFile& sweep, const std::string& folder, int workers,
                                std::function<bool()> stop) {
  const auto kept = std::make_shared<KeptBounds>(sweep, folder);
  return [&sweep, kept, workers, stop = std::move(stop)](const std::vector<std::size_t>& designs) {
    std::vector<std::vector<Bounded>> all(designs.size());
    std::vector<std::string> keys;
    std::vector<std::size_t> missing;  // places in designs
    for (std::size_t i = 0; i < designs.size(); ++i) {
      keys.push_back(kept->key_of(designs[i]));
      all[i] = kept->find(keys[i]);
      if (all[i].empty()) missing.push_back(i);
    }
    const auto bound = [&](std::size_t task) {
      std::vector<Bounded> workloads;
      for (std::size_t workload = 0; workload < sweep.workloads.size(); ++workload)
        workloads.push_back(bound_or_reason(sweep, designs[missing[task]], workload));
      return text_of(workloads);
    };
    std::size_t ended = 0;
    const auto done = [&](std::size_t task, const TaskEnd& end) {
      ++ended;
      const std::size_t i = missing[task];
      if (end.failure.empty()) {
        all[i] = bounds_of(nlohmann::json::parse(end.result));
        kept->keep(keys[i], all[i]);
        return;
      }
      Bounded died;
      died.infeasible = "the compiler's process ended: " + end.failure;
      all[i].assign(sweep.workloads.size(), died);
    };
    carry_out_forked(missing.size(), workers, bound, done, stop);
    if (ended < missing.size()) throw Interrupted();
    return all;
  };
}

}  // namespace corank
