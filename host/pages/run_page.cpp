#include "host/pages/run_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/pages/finetune_page.h"
#include "host/pages/report_parts.h"
#include "host/report/units.h"
#include "models/base/error.h"

namespace corank {
namespace {

std::string fidelity_text(const std::string& fidelity) {
  if (fidelity == "rtl") return "simulated at RTL fidelity";
  if (fidelity == "cycle") return "simulated by the cycle model, which has the cycles of the RTL";
  return "computed by the reference";
}

std::string layers_text(const JsonObject& workload) {
  const std::vector<JsonObject> layers = objects_of(workload, "layers");
  if (layers.empty()) return "no layers";
  const JsonObject& first = layers.front();
  std::string text =
      fmt::format("{} tokens, {} → {}, r = {}", first.integer("tokens", 1), first.integer("in", 1),
                  first.integer("out", 1), first.integer("rank", 0));
  if (layers.size() > 1) text = fmt::format("{} layers, the first: {}", layers.size(), text);
  return text;
}

void add_layer_cards(const JsonObject& report, Page& page) {
  const JsonObject latency = report.object("latency"), memory = report.object("memory");
  const double step_ns = latency.number("step_ns");
  page.cards.push_back(
      {with_unit(step_ns * 1e-9, "s"), "a training step",
       fmt::format("{:.0f} cycles; {} with transfers over the link", latency.number("step_cycles"),
                   with_unit(latency.number("with_transfers_ns") * 1e-9, "s"))});
  page.cards.push_back({percent_text(report.number("array_utilisation")), "of the array is used",
                        "bound by " + report.text("bound")});
  const JsonObject energy = report.object("energy");
  const EnergyBars bars = energy_of(energy);
  page.cards.push_back(
      {with_unit(bars.pj * 1e-12, "J"), "energy of a step",
       fmt::format("{} to {} by the spans of the sources", with_unit(bars.low_pj * 1e-12, "J"),
                   with_unit(bars.high_pj * 1e-12, "J"))});
  page.cards.push_back(
      {with_unit(memory.number("bytes_read") + memory.number("bytes_written"), "B"),
       "memory traffic of a step",
       fmt::format("{:.3g} of {:.3g} GB/s ({}); {}", memory.number("bandwidth_gb_per_s"),
                   memory.number("peak_gb_per_s"), percent_text(memory.number("share_of_peak")),
                   memory.text("name"))});
}

Figure layer_roofline(const JsonObject& report) {
  const JsonObject machine = report.object("machine"), memory = report.object("memory"),
                   link = report.object("link");
  const double seconds = report.object("latency").number("step_ns") * 1e-9;
  Roofline roofline;
  roofline.operations_per_s = peak_operations_per_s(machine);
  const double peak = memory.number("peak_gb_per_s") * 1e9;
  roofline.roofs = {{"memory's peak", peak}, {"memory port", port_bytes_per_s(machine)}};
  if (memory.has("dram"))
    roofline.roofs.push_back(
        {"memory when asked", peak * memory.object("dram").number("efficiency")});
  roofline.dots = dots_of_work(report, 1e-6 / machine.number("clock_mhz"));
  if (roofline.dots.empty()) {
    double macs = 0;
    for (const JsonObject& gemm : objects_of(report, "gemms")) macs += gemm.number("macs");
    roofline.dots.push_back({"the whole step", 2 * macs,
                             memory.number("bytes_read") + memory.number("bytes_written"),
                             seconds});
  }
  roofline.roofs.push_back(
      link_roof(link.number("peak_gb_per_s"), link.number("streamed_weight_bytes"), roofline.dots));
  return roofline_figure(roofline);
}

/// What lies in device memory, and how often it is read: a step of layers has no curve over time.
Figure tensors_figure(const JsonObject& report) {
  StackedBars bars;
  bars.id = "tensors";
  bars.title = "Bytes moved, tensor by tensor";
  bars.parts = {{"c0", "read"}, {"c1", "written"}};
  bars.shares = false;
  bars.unit = "B";
  PageTable table;
  table.head = {"tensor", "bytes in device memory", "read", "written", "times read"};
  std::vector<JsonObject> tensors = objects_of(report, "tensors");
  std::stable_sort(tensors.begin(), tensors.end(), [](const JsonObject& a, const JsonObject& b) {
    return a.number("loaded_bytes") + a.number("stored_bytes") >
           b.number("loaded_bytes") + b.number("stored_bytes");
  });
  double all = 0, held = 0;
  for (const JsonObject& tensor : tensors) {
    const double loaded = tensor.number("loaded_bytes"), stored = tensor.number("stored_bytes");
    all += loaded + stored;
    held += tensor.number("bytes");
    if (bars.bars.size() < 10 && loaded + stored > 0)
      bars.bars.push_back({tensor.text("name"), {loaded, stored}});
    table.rows.push_back({tensor.text("name"), with_unit(tensor.number("bytes"), "B"),
                          with_unit(loaded, "B"), with_unit(stored, "B"),
                          fmt::format("{:.2f}", tensor.number("reread_factor"))});
  }
  if (bars.bars.empty()) return stacked_bars_figure(bars);
  const StackedBar& first = bars.bars.front();
  bars.sentence = fmt::format("{} in device memory, {} moved; most of it is {} ({}).",
                              with_unit(held, "B"), with_unit(all, "B"), first.name,
                              percent_text((first.amounts[0] + first.amounts[1]) / all));
  Figure figure = stacked_bars_figure(bars);
  figure.table = table;
  if (tensors.size() > bars.bars.size())
    figure.notes.push_back(fmt::format(
        "The {} tensors that move the most; the others are in the table.", bars.bars.size()));
  return figure;
}

std::optional<Figure> lost_figure(const JsonObject& report) {
  const std::vector<JsonObject> phases = objects_of(report, "phases");
  if (phases.empty()) return std::nullopt;
  static const std::vector<std::pair<const char*, const char*>> kCauses = {
      {"memory bandwidth", "c5"},
      {"memory latency", "c1"},
      {"vector unit", "c0"},
      {"store unit", "c4"},
      {"link", "c3"},
      {"commands", "c6"},
      {"array", "c7"}};
  StackedBars bars;
  bars.id = "products";
  bars.title = "Products: cycles, and what the array lost of them";
  bars.shares = false;
  bars.unit = "cycles";
  bars.parts = {{"c2", "takes in rows"}};
  for (const auto& [cause, style] : kCauses) bars.parts.push_back({style, cause});
  double all = 0, lost = 0;
  PageTable table;
  table.head = {"product", "cycles", "utilisation", "bound by", "lost cycles"};
  for (const JsonObject& phase : phases) {
    const JsonObject causes = phase.object("lost_cycles");
    StackedBar bar{phase.text("value"), {phase.number("streaming_cycles")}};
    std::string what;
    for (const auto& [cause, style] : kCauses) {
      bar.amounts.push_back(causes.number(cause));
      lost += bar.amounts.back();
      if (bar.amounts.back() > 0)
        what += fmt::format("{}{} {:.0f}", what.empty() ? "" : ", ", cause, bar.amounts.back());
    }
    all += phase.number("cycles");
    bars.bars.push_back(bar);
    table.rows.push_back({bar.name, fmt::format("{:.0f}", phase.number("cycles")),
                          percent_text(phase.number("utilisation")), phase.text("bound"),
                          what.empty() ? "-" : what});
  }
  const std::size_t count = bars.bars.size();
  std::stable_sort(bars.bars.begin(), bars.bars.end(),
                   [](const StackedBar& a, const StackedBar& b) {
                     const auto sum = [](const StackedBar& bar) {
                       double cycles = 0;
                       for (const double amount : bar.amounts) cycles += amount;
                       return cycles;
                     };
                     return sum(a) > sum(b);
                   });
  if (bars.bars.size() > 12) bars.bars.resize(12);
  bars.sentence = fmt::format("Of {} the array takes in no row in {}.", with_unit(all, "cycles"),
                              percent_text(all > 0 ? lost / all : 0));
  Figure figure = stacked_bars_figure(bars);
  figure.table = table;
  if (count > bars.bars.size())
    figure.notes.push_back(fmt::format(
        "The {} longest of {} products; the others are in the table.", bars.bars.size(), count));
  return figure;
}

void add_notes(const JsonObject& report, Page& page) {
  if (report.has("layers_repeated"))
    page.notes.push_back(fmt::format(
        "Layers repeated: {} of {} groups of layers were simulated, the others are extrapolated; "
        "that may be wrong by {} of the step.",
        report.object("layers_repeated").integer("simulated_groups", 1),
        report.object("layers_repeated").integer("groups", 1),
        percent_text(report.object("layers_repeated").number("error"))));
  if (report.has("all_steps"))
    page.notes.push_back(fmt::format(
        "{} of {} steps were done. All figures but the comparisons are those of the first one.",
        report.object("all_steps").integer("ended", 0),
        report.object("all_steps").integer("asked", 1)));
}

Page layers_page(const JsonObject& report, const std::optional<Timeline>& timeline) {
  Page page;
  const JsonObject machine = report.object("machine");
  const double clock = machine.number("clock_mhz");
  const std::string fidelity = report.text("fidelity");
  page.title = report.text("name");
  page.question = "What does a LoRA training step cost on this machine, and what holds it back?";
  page.subtitle = fmt::format("{} on {}; {}, {}; {}", layers_text(report.object("workload")),
                              machine_text(machine), report.object("memory").text("name"),
                              report.object("link").text("name"), fidelity_text(fidelity));
  const Figure trust = trust_figure(report);
  const bool incomplete = report.boolean("incomplete");
  page.good = report.boolean("right") && !incomplete;
  page.verdict = incomplete
                     ? "Incomplete: the run was stopped; figures up to then, nothing compared"
                     : verdict_text(report, page.good);
  add_layer_cards(report, page);
  add_silicon_cards(report.object("silicon"), clock, page.cards);
  add_notes(report, page);
  page.figures.push_back(layer_roofline(report));
  page.figures.push_back(units_figure(report));
  const double seconds_per_cycle = 1e-6 / clock;
  const std::vector<JsonObject> phases = objects_of(report, "phases");
  if (timeline)
    add_timeline(*timeline, page);
  else if (!phases.empty())
    add_timeline(timeline_of_phases(phases, 1 / clock), page);
  if (auto figure = lost_figure(report)) page.figures.push_back(*figure);
  if (auto figure = work_time_figure(report, seconds_per_cycle)) page.figures.push_back(*figure);
  const EnergyBars energy = energy_of(report.object("energy"));
  if (!energy.bars.empty()) page.figures.push_back(energy_figure(energy));
  if (auto figure = work_energy_figure(report)) page.figures.push_back(*figure);
  page.figures.push_back(tensors_figure(report));
  page.figures.push_back(silicon_figure(report.object("silicon"), clock));
  page.figures.push_back(trust);
  return page;
}

}  // namespace

bool is_finetuning(const JsonObject& report) {
  return report.has("step") && (report.has("training") || report.has("evaluation"));
}

Page run_page(const JsonObject& report, const std::optional<Timeline>& timeline) {
  if (is_finetuning(report)) return finetune_page(report, timeline);
  if (!report.has("latency"))
    throw InputError(report.where() +
                     ": expected a report.json of corank run, found neither "
                     "'latency' nor 'training' nor 'evaluation' in it");
  return layers_page(report, timeline);
}

}  // namespace corank
