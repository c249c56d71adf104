#include "host/pages/finetune_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/pages/report_parts.h"
#include "host/report/units.h"

namespace corank {
namespace {

const std::vector<std::string>& memory_roles() {
  static const std::vector<std::string> roles = {
      "frozen", "adapter", "optimizer", "stash",       "activations",  "results",
      "fed",    "tables",  "programs",  "weight_ring", "command_ring", "gaps"};
  return roles;
}

std::string role_name(const std::string& role) {
  if (role == "frozen") return "frozen weights";
  if (role == "stash") return "stash for the backward pass";
  if (role == "fed") return "inputs";
  std::string name = role;
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// Older reports lack some roles.
std::vector<double> role_bytes(const JsonObject& bytes) {
  std::vector<double> amounts;
  for (const std::string& role : memory_roles())
    amounts.push_back(number_of(bytes, role).value_or(0));
  return amounts;
}

std::optional<Figure> device_memory_figure(const JsonObject& device) {
  const JsonObject memory = device.object("memory");
  const double us_per_cycle = 1 / device.object("machine").number("clock_mhz");
  MemoryOverTime over_time;
  for (const std::string& role : memory_roles()) over_time.roles.push_back(role_name(role));
  const std::vector<JsonObject> steps = objects_of(device, "steps");
  if (!steps.empty()) over_time.end = steps.front().number("step_ns") * 1e-9;
  for (const JsonObject& point : objects_of(device.object("first_step"), "memory_over_time"))
    over_time.points.push_back({point.number("cycle") * us_per_cycle * 1e-6, point.text("value"),
                                role_bytes(point.object("bytes"))});
  if (over_time.points.empty())
    over_time.points.push_back(
        {over_time.end, "the whole step", role_bytes(memory.object("bytes"))});
  over_time.capacity = number_of(memory, "capacity_bytes");
  Figure figure = memory_figure(over_time);
  if (over_time.points.size() == 1)
    figure.notes.push_back(
        "Layers were repeated, so that memory over time is not known: what the "
        "step takes when the most is alive.");
  if (const auto touched = number_of(memory, "touched_bytes"))
    figure.notes.push_back(fmt::format("Commands of the step touch {}.", with_unit(*touched, "B")));
  return figure;
}

Figure device_roofline(const JsonObject& device) {
  const JsonObject machine = device.object("machine"), memory = device.object("memory");
  Roofline roofline;
  roofline.operations_per_s = peak_operations_per_s(machine);
  if (const auto peak = number_of(memory, "peak_gb_per_s"))
    roofline.roofs.push_back({"memory's peak", *peak * 1e9});
  roofline.roofs.push_back({"memory port", port_bytes_per_s(machine)});
  roofline.dots = dots_of_work(device.object("first_step"), 1e-6 / machine.number("clock_mhz"));
  const std::vector<JsonObject> steps = objects_of(device, "steps");
  if (const auto link = number_of(device, "link_peak_gb_per_s"); link && !steps.empty())
    roofline.roofs.push_back(
        link_roof(*link, steps.front().object("link_bytes").number("streamed"), roofline.dots));
  return roofline_figure(roofline);
}

// Where there are no figures by action: energy by part, of all steps.
Figure energy_parts_figure(const JsonObject& energy) {
  const JsonObject parts = energy.object("parts");
  StackedBars bars;
  bars.id = "energy-parts";
  bars.title = "Energy by part";
  bars.parts = {{"c0", "dynamic"}, {"c1", "clock"}, {"c3", "leakage"}, {"c4", "standby"}};
  StackedBar bar{"all steps", {}};
  for (const char* part : {"dynamic_pj", "clock_pj", "leakage_pj", "standby_pj"})
    bar.amounts.push_back(number_of(parts, part).value_or(0));
  bars.bars = {bar};
  bars.shares = false;
  bars.unit = "J";
  bars.scale = 1e-12;
  bars.sentence = fmt::format("{} in all steps, by the table {}, {}.",
                              with_unit(energy.number("total_pj") * 1e-12, "J"),
                              energy.text("table"), energy.text("node"));
  return stacked_bars_figure(bars);
}

void add_device_cards(const JsonObject& device, Page& page) {
  const JsonObject first = device.object("first_step"), all = device.object("all_steps");
  const auto steps =
      static_cast<double>(std::max<std::size_t>(1, objects_of(device, "steps").size()));
  page.cards.push_back(
      {with_unit(all.number("step_ns") * 1e-9 / steps, "s"), "a training step",
       fmt::format("{:.0f} cycles; steps simulated: {:.0f}", all.number("cycles") / steps, steps)});
  page.cards.push_back(
      {with_unit(device.number("tokens_per_s"), ""), "tokens a second",
       fmt::format("with transfers over the link: {} tokens in {}", device.integer("tokens", 0),
                   with_unit(device.number("simulated_s"), "s"))});
  page.cards.push_back({percent_text(first.number("array_utilisation")), "of the array is used",
                        "bound by " + first.text("bound")});
  const JsonObject memory = device.object("memory");
  if (const auto planned = number_of(memory, "planned_bytes")) {
    Card card{with_unit(*planned, "B"), "of device memory", memory.text("name")};
    if (const auto capacity = number_of(memory, "capacity_bytes"))
      card.more = fmt::format("of {}; {}", with_unit(*capacity, "B"), card.more);
    page.cards.push_back(card);
  }
  const JsonObject energy = device.object("energy");
  const EnergyBars bars = energy_of(energy);
  page.cards.push_back(
      {with_unit(bars.pj * 1e-12 / steps, "J"), "energy of a step",
       fmt::format("all steps: {} to {} by the spans of the sources",
                   with_unit(bars.low_pj * 1e-12, "J"), with_unit(bars.high_pj * 1e-12, "J"))});
  add_silicon_cards(device.object("silicon"), device.object("machine").number("clock_mhz"),
                    page.cards);
  if (device.has("epoch")) {
    const JsonObject epoch = device.object("epoch");
    page.cards.push_back(
        {with_unit(epoch.number("s"), "s"), "an epoch",
         fmt::format("{} steps, {}; {} of them simulated", epoch.integer("steps", 1),
                     with_unit(epoch.number("energy_pj") * 1e-12, "J"),
                     epoch.integer("simulated_steps", 1))});
  }
}

void add_device(const JsonObject& device, const std::optional<Timeline>& timeline, Page& page) {
  add_device_cards(device, page);
  if (device.has("layers_repeated")) {
    const JsonObject repeated = device.object("layers_repeated");
    page.notes.push_back(
        fmt::format("Layers repeated: models of fewer layers, at most {} of {}, were simulated and "
                    "the rest extrapolated; that may be wrong by {} of the step.",
                    repeated.integer("simulated_layers", 1), repeated.integer("layers", 1),
                    percent_text(repeated.number("error"))));
  }
  const JsonObject first = device.object("first_step");
  const double seconds_per_cycle = 1e-6 / device.object("machine").number("clock_mhz");
  page.figures.push_back(device_roofline(device));
  page.figures.push_back(units_figure(first));
  if (timeline) add_timeline(*timeline, page);
  if (auto figure = work_time_figure(first, seconds_per_cycle)) page.figures.push_back(*figure);
  if (auto figure = work_energy_figure(first)) page.figures.push_back(*figure);
  const EnergyBars energy = energy_of(device.object("energy"));
  page.figures.push_back(energy.bars.empty() ? energy_parts_figure(device.object("energy"))
                                             : energy_figure(energy));
  if (auto figure = device_memory_figure(device)) page.figures.push_back(*figure);
  page.figures.push_back(
      silicon_figure(device.object("silicon"), device.object("machine").number("clock_mhz")));
  page.figures.push_back(trust_figure(device));
}

std::vector<double> numbers_of(const JsonObject& parent, const std::string& key) {
  std::vector<double> numbers;
  if (!parent.has(key)) return numbers;
  const Json& list = parent.json().at(key);
  if (!list.is_array()) parent.refuse(key, "a list of numbers");
  for (const Json& one : list) {
    if (!one.is_number()) parent.refuse(key, "a list of numbers");
    numbers.push_back(one.get<double>());
  }
  return numbers;
}

// From the shapes alone: of the reference, the only costs that there are.
Figure macs_figure(const JsonObject& step) {
  const JsonObject macs = step.object("macs");
  StackedBars bars;
  bars.id = "macs";
  bars.title = "Multiply-accumulates of a micro-batch";
  const std::vector<std::pair<const char*, const char*>> groups = {
      {"forward", "c0"},   {"input_gradient", "c2"}, {"weight_gradient", "c4"}, {"adapter", "c1"},
      {"attention", "c5"}, {"head", "c3"},           {"recompute", "c7"}};
  StackedBar bar{"all", {}};
  for (const auto& [group, style] : groups) {
    std::string name = group;
    std::replace(name.begin(), name.end(), '_', ' ');
    bars.parts.push_back({style, name});
    bar.amounts.push_back(number_of(macs, group).value_or(0));
  }
  bars.bars = {bar};
  bars.unit = "MACs";
  const double adapter = number_of(macs, "adapter").value_or(0), all = macs.number("total");
  bars.sentence = fmt::format("{} in all, from the shapes; the adapters are {} of them.",
                              with_unit(all, "MACs"), percent_text(all > 0 ? adapter / all : 0));
  return stacked_bars_figure(bars);
}

}  // namespace

Page finetune_page(const JsonObject& report, const std::optional<Timeline>& timeline) {
  Page page;
  const JsonObject workload = report.object("workload");
  const bool training = report.has("training");
  page.title = report.text("name");
  page.question = training ? "What does it take to fine-tune this model, and what holds it back?"
                           : "What do forward passes of this model take, and how good is it?";
  const JsonObject step = report.object("step");
  page.subtitle = fmt::format("{}, {}: {} trainable elements in {} modules; {} x {} tokens; {}",
                              workload.text("model"), workload.text("adapter"),
                              with_unit(step.number("trainable_elements"), ""),
                              workload.integer("adapted_modules", 0), workload.integer("batch", 1),
                              workload.integer("sequence", 1), report.text("numerics"));
  const bool incomplete = report.boolean("incomplete");
  if (report.has("device")) {
    const JsonObject device = report.object("device");
    page.subtitle += fmt::format("; on {}, {}, {}", machine_text(device.object("machine")),
                                 device.object("memory").text("name"), device.text("link"));
    page.good = device.boolean("right") && !incomplete;
    page.verdict = incomplete ? "Incomplete: the run was stopped; the steps up to then"
                              : verdict_text(device, page.good);
    add_device(device, timeline, page);
  } else {
    page.verdict = incomplete ? "Incomplete: the run was stopped; the steps up to then"
                              : "Computed by the reference: no device was simulated";
    page.good = !incomplete;
  }
  const JsonObject run = report.object(training ? "training" : "evaluation");
  const std::vector<double> losses = numbers_of(run, "losses");
  if (!training) {
    Card card{fmt::format("{:.4f}", run.number("loss")), "loss",
              fmt::format("the mean over {} labels", run.integer("labels", 0))};
    if (const auto perplexity = number_of(run, "perplexity"))
      card.more += fmt::format("; perplexity {:.4g}", *perplexity);
    if (const auto accuracy = number_of(run, "accuracy"))
      card.more += "; accuracy " + percent_text(*accuracy);
    page.cards.push_back(card);
  } else if (!losses.empty()) {
    page.cards.push_back({fmt::format("{:.4f}", losses.back()), "loss of the last step",
                          fmt::format("{:.4f} at the first", losses.front())});
  }
  if (losses.size() > 1)
    page.figures.push_back(
        losses_figure(losses, 1 + (training ? run.integer_or("steps_before", 0, 0) : 0)));
  if (!report.has("device")) page.figures.push_back(macs_figure(step));
  if (report.has("notes"))
    for (const std::string& note : report.texts("notes")) page.notes.push_back(note);
  return page;
}

}  // namespace corank
