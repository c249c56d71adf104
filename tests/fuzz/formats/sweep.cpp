// Sweeps' files: what `corank sweep show` makes of one whose runs are still to be done, bounds
// included, and the first steps of `corank sweep`. No design is run.
#include <array>
#include <string>
#include <vector>

#include "host/sweep/objectives.h"
#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {
namespace {

using draw::one_of;

constexpr const char* kRange = "{from: 64, to: 64, times: 2}";

void replace(std::string& text, const std::string& part, const std::string& by) {
  const std::size_t at = text.find(part);
  if (at != std::string::npos) text.replace(at, part.size(), by);
}

/// configs/sweeps/small.yaml for a layer of milliseconds, in a folder of its own.
std::string small_sweep() {
  std::string text = source_file("configs/sweeps/small.yaml");
  replace(text, "to: 256", "to: 64");
  replace(text, "../cycle.yaml", "config.yaml");
  replace(text, "tokens: 64", "tokens: 4");
  replace(text, "in: 256, out: 256", "in: 8, out: 8");
  replace(text, "[8, 16, 32]", "[8, 16]");
  replace(text, "[8, 16, 32]", "[8, 16]");
  for (const char* memory : {"fixed-100ns-16gb", "lpddr4-3200", "hbm2"})
    replace(text, std::string("../memory/") + memory, std::string("memory/") + memory);
  return text;
}

/// Of the first so many names: axes, what is derived, what a machine comes to.
std::string some_name(Random& random, std::size_t most) {
  constexpr std::array<const char*, 8> kNames = {"accelerator.array.rows",
                                                 "accelerator.array.columns",
                                                 "accelerator.scratchpad.kib",
                                                 "accelerator.vector.lanes",
                                                 "area_mm2",
                                                 "fmax_mhz",
                                                 "clock_mhz",
                                                 "device_bytes"};
  return percent(random, 98) ? kNames.at(random() % most) : one_of(random, schema_keys()).path;
}

std::string formula(Random& random, std::size_t names, int depth = 0) {
  constexpr std::array<const char*, 12> kOperators = {
      "+", "-", "*", "/", "<=", ">=", "<", "==", "!=", "&&", "||", "^"};
  constexpr std::array<const char*, 8> kFunctions = {"min",  "max", "floor", "ceil",
                                                     "sqrt", "ln",  "abs",   "mod"};
  const int kind = depth > 2 ? 0 : draw::int_between(random, 0, 6);
  if (kind <= 1) return some_name(random, names);
  if (kind == 2)
    return percent(random, 95) ? std::to_string(draw::between(random, 0, 1 << random() % 14))
                               : odd_scalar(random);
  const std::string first = formula(random, names, depth + 1);
  const std::string second = formula(random, names, depth + 1);
  if (kind > 3) return "(" + first + " " + one_of(random, kOperators) + " " + second + ")";
  const std::string function = one_of(random, kFunctions);
  const bool two = function == "min" || function == "max" || function == "mod";
  return function + "(" + first + (two != percent(random, 5) ? ", " + second : "") + ")";
}

std::string range(Random& random) {
  const auto least = std::int64_t{1} << random() % 8;
  const bool geometric = percent(random, 70);
  std::array<std::string, 3> numbers = {std::to_string(least),
                                        std::to_string(least << random() % 4),
                                        std::to_string(geometric ? 2 : 64 << random() % 4)};
  if (percent(random, 20)) numbers.at(random() % 3) = odd_scalar(random);
  return "{from: " + numbers[0] + ", to: " + numbers[1] + (geometric ? ", times: " : ", step: ") +
         numbers[2] + "}";
}

/// An axis of any key, with values that it takes as a rule.
std::string any_axis(Random& random) {
  const SchemaKey key = one_of(random, schema_keys());
  std::string values;
  for (int left = draw::int_between(random, 1, 3); left > 0; --left)
    values += (values.empty() ? "" : ", ") + draw_value(random, key.type, 95);
  return "  " + key.path + ": [" + values + "]\n";
}

std::string any_search(Random& random) {
  constexpr std::array<const char*, 5> kMethods = {"bound", "random", "halton", "nsga2", "all"};
  std::string text = std::string("search: {method: ") + one_of(random, kMethods);
  if (percent(random, 40)) text += ", tolerance: " + draw_value(random, "number, 0..1", 90);
  if (percent(random, 40)) text += ", round: " + draw_value(random, "integer, 1..1048576", 90);
  if (percent(random, 40)) text += ", seed: " + draw_value(random, "integer, 0..1000", 90);
  return text + "}\n";
}

std::string any_stop(Random& random) {
  return "stop: {runs: " + draw_value(random, "integer, 1..1000", 90) +
         ", seconds: " + draw_value(random, "number, 0.1..1000", 90) + "}\n";
}

std::string any_objectives(Random& random) {
  // Those that need no FPGA.
  const std::vector<const char*> known(kObjectiveNames.begin(),
                                       kObjectiveNames.begin() + kFirstOfFpga);
  std::string names = one_of(random, known);
  for (const char* name : known)
    if (percent(random, 30) && (names.find(name) == std::string::npos || percent(random, 5)))
      names += std::string(", ") + name;
  return "[" + names + "]";
}

void draw_parts(Random& random, std::string& text) {
  if (percent(random, 30)) replace(text, kRange, range(random));
  if (percent(random, 20)) replace(text, "  memory: [", any_axis(random) + "  memory: [");
  if (percent(random, 20))
    replace(text, "derived:\n",
            "derived:\n  accelerator.queue_depth: " + formula(random, 3) + "\n");
  if (percent(random, 30))
    replace(text, "constraints:\n", "constraints:\n  - " + formula(random, 8) + "\n");
  if (percent(random, 30)) replace(text, "[time, energy, area]", any_objectives(random));
  if (percent(random, 70))
    text += "prices: {usd_per_kwh: 0.3, usd_per_mm2: 1, lifetime_hours: 30000}\n";
  if (percent(random, 40)) text += any_search(random);
}

}  // namespace

Input make_sweep(Random& random) {
  Input input;
  for (const char* name : {"memory/fixed-100ns-16gb.yaml", "memory/lpddr4-3200.yaml",
                           "memory/hbm2.yaml", "dram/lpddr4-3200.yaml", "dram/hbm2.yaml"})
    input.files[name] = source_file(std::string("configs/") + name);
  input.files["config.yaml"] = "energy: energy/45nm.yaml\nvalues: off\n";
  input.files["energy/45nm.yaml"] = source_file("configs/energy/45nm.yaml");
  std::string& text = input.files["sweep.yaml"] = small_sweep();
  draw_parts(random, text);
  const bool shown = percent(random, 60);
  if (shown && percent(random, 70)) text += any_stop(random);
  if (percent(random, 35)) mutate_files(random, input, percent(random, 90) ? "sweep" : "");
  if (shown) {
    input.files["out/sweep.yaml"] = text;
    input.files["out/sweep.json"] =
        R"({"name": "small", "file": "sweep.yaml", "directory": ".", "settings": []})";
    input.arguments = {"sweep", "show", "out"};
    return input;
  }
  text += "\nstop: {seconds: 1e-9}\n";
  input.arguments = {"sweep", "sweep.yaml", "--out", "out", "--workers", "1"};
  if (percent(random, 15)) {
    const SchemaKey key = one_of(random, schema_keys());
    input.arguments.insert(input.arguments.end(),
                           {"--set", key.path + "=" + draw_value(random, key.type, 80)});
  }
  return input;
}

}  // namespace corank::fuzz
