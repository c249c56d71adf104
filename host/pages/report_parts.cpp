#include "host/pages/report_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "host/report/units.h"
#include "models/base/error.h"

namespace corank {
namespace {

struct ActivityName {
  const char *key, *name, *style;
};
constexpr ActivityName kShownActivities[] = {
    {"busy", "busy", "c2"},
    {"latency", "fills or drains its pipeline", "c4"},
    {"wait_memory", "waits for memory", "c5"},
    {"wait_token", "waits for another unit", "c1"},
    {"wait_host", "waits for the host", "c3"},
    {"idle", "has no command", "none"},
};

struct WorkSum {
  double array = 0, vector = 0, waiting = 0, macs = 0, bytes = 0, pj = 0;
  double cycles() const { return array + vector + waiting; }
};

void add(WorkSum& sum, const JsonObject& work) {
  sum.array += work.number("array_cycles");
  sum.vector += work.number("vector_cycles");
  sum.waiting += work.number("waiting_cycles");
  sum.macs += work.number("macs");
  sum.bytes += work.number("bytes_read") + work.number("bytes_written");
  sum.pj += work.number("energy_pj");
}

std::string kind_name(const std::string& kind) {
  if (kind == "frozen") return "frozen weights";
  if (kind == "adapter") return "adapters";
  return kind;
}

// In the order of the report.
class SumsByName {
 public:
  void add_to(const std::string& name, const JsonObject& work) {
    if (places_.try_emplace(name, sums_.size()).second) sums_.push_back({name, {}});
    add(sums_[places_.at(name)].second, work);
  }
  const std::vector<std::pair<std::string, WorkSum>>& sums() const { return sums_; }

 private:
  std::map<std::string, std::size_t> places_;
  std::vector<std::pair<std::string, WorkSum>> sums_;
};

std::vector<std::pair<std::string, WorkSum>> by_kind(const std::vector<JsonObject>& work) {
  SumsByName sums;
  for (const JsonObject& one : work) sums.add_to(kind_name(one.text("kind")), one);
  std::vector<std::pair<std::string, WorkSum>> sorted = sums.sums();
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.cycles() > b.second.cycles();
  });
  return sorted;
}

std::string units_sentence(const std::vector<StackedBar>& bars) {
  const auto array = std::find_if(bars.begin(), bars.end(),
                                  [](const StackedBar& bar) { return bar.name == "array"; });
  if (array == bars.end()) return "What each unit did with its cycles.";
  double sum = 0;
  for (const double amount : array->amounts) sum += amount;
  if (sum == 0) return "No cycle was counted.";
  std::size_t most = 1;
  for (std::size_t i = 2; i < array->amounts.size(); ++i)
    if (array->amounts[i] > array->amounts[most]) most = i;
  std::string text =
      fmt::format("The array is busy in {} of the cycles", percent_text(array->amounts[0] / sum));
  if (array->amounts[most] > 0)
    text += fmt::format("; of the rest, most goes to: {} ({})", kShownActivities[most].name,
                        percent_text(array->amounts[most] / sum));
  return text + ".";
}

}  // namespace

std::vector<JsonObject> objects_of(const JsonObject& parent, const std::string& key) {
  std::vector<JsonObject> objects;
  if (!parent.has(key)) return objects;
  const Json& list = parent.json().at(key);
  if (!list.is_array()) parent.refuse(key, "a list");
  objects.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i)
    objects.emplace_back(list[i], fmt::format("{}: {}[{}]", parent.where(), key, i));
  return objects;
}

std::optional<double> number_of(const JsonObject& parent, const std::string& key) {
  if (!parent.has(key)) return std::nullopt;
  return parent.number(key);
}

std::string machine_text(const JsonObject& machine) {
  return fmt::format("{}x{} at {:g} MHz", machine.integer("array_rows", 1),
                     machine.integer("array_columns", 1), machine.number("clock_mhz"));
}

double peak_operations_per_s(const JsonObject& machine) {
  return 2 * machine.number("array_rows") * machine.number("array_columns") *
         machine.number("clock_mhz") * 1e6;
}

double port_bytes_per_s(const JsonObject& machine) {
  return machine.number("axi_data_bits") / 8 * machine.number("clock_mhz") * 1e6;
}

Figure units_figure(const JsonObject& report) {
  StackedBars bars;
  bars.id = "units";
  bars.title = "Where the cycles go, unit by unit";
  for (const ActivityName& activity : kShownActivities)
    bars.parts.push_back({activity.style, activity.name});
  for (const JsonObject& unit : objects_of(report, "units")) {
    const JsonObject cycles = unit.object("cycles");
    StackedBar bar{unit.text("unit"), {}};
    for (const ActivityName& activity : kShownActivities)
      bar.amounts.push_back(cycles.number(activity.key));
    bars.bars.push_back(bar);
  }
  bars.sentence = units_sentence(bars.bars);
  bars.unit = "cycles";
  return stacked_bars_figure(bars);
}

std::vector<RooflineDot> dots_of_work(const JsonObject& parent, double seconds_per_cycle) {
  SumsByName sums;
  for (const JsonObject& work : objects_of(parent, "work"))
    if (work.number("macs") > 0)
      sums.add_to(kind_name(work.text("kind")) + ", " + work.text("pass"), work);
  std::vector<RooflineDot> dots;
  for (const auto& [name, sum] : sums.sums())
    dots.push_back({name, 2 * sum.macs, sum.bytes, sum.cycles() * seconds_per_cycle});
  return dots;
}

Roof link_roof(double gb_per_s, double streamed_bytes, const std::vector<RooflineDot>& dots) {
  double bytes = 0;
  for (const RooflineDot& dot : dots) bytes += dot.bytes;
  if (!(streamed_bytes > 0) || !(bytes > 0)) return {};
  return {"link", gb_per_s * 1e9 * bytes / streamed_bytes,
          fmt::format("link, {:.4g} GB/s for {} of the bytes", gb_per_s,
                      percent_text(streamed_bytes / bytes))};
}

std::optional<Figure> work_time_figure(const JsonObject& parent, double seconds_per_cycle) {
  const std::vector<JsonObject> work = objects_of(parent, "work");
  if (work.empty()) return std::nullopt;
  StackedBars bars;
  bars.id = "work";
  bars.title = "Where the time goes, by kind of work";
  bars.parts = {{"c2", "the array takes in rows"},
                {"c0", "only the vector unit works"},
                {"c5", "neither works: waits for memory and order"}};
  bars.shares = false;
  bars.unit = "s";
  bars.scale = seconds_per_cycle;
  double all = 0;
  const auto kinds = by_kind(work);
  for (const auto& [name, sum] : kinds) {
    bars.bars.push_back({name, {sum.array, sum.vector, sum.waiting}});
    all += sum.cycles();
  }
  if (all > 0)
    bars.sentence =
        fmt::format("Most of the step, {}, goes to: {}.",
                    percent_text(kinds.front().second.cycles() / all), kinds.front().first);
  Figure figure = stacked_bars_figure(bars);
  figure.notes = {
      "Each cycle of the first step counts once: for what the array takes in; if it "
      "takes in nothing, for what the vector unit works on; else for what the array "
      "waits for."};
  return figure;
}

std::optional<Figure> work_energy_figure(const JsonObject& parent) {
  const std::vector<JsonObject> work = objects_of(parent, "work");
  if (work.empty()) return std::nullopt;
  StackedBars bars;
  bars.id = "work-energy";
  bars.title = "Energy by kind of work";
  bars.shares = false;
  bars.unit = "J";
  bars.scale = 1e-12;
  std::vector<std::string> passes;
  for (const JsonObject& one : work)
    if (std::find(passes.begin(), passes.end(), one.text("pass")) == passes.end())
      passes.push_back(one.text("pass"));
  const std::vector<std::string> styles = {"c0", "c2", "c1", "c3", "c5"};
  for (std::size_t i = 0; i < passes.size(); ++i)
    bars.parts.push_back({styles[i % styles.size()], passes[i]});
  std::map<std::string, std::vector<double>> amounts;
  for (const JsonObject& one : work) {
    auto& of_kind =
        amounts.try_emplace(kind_name(one.text("kind")), passes.size(), 0.0).first->second;
    of_kind[static_cast<std::size_t>(std::find(passes.begin(), passes.end(), one.text("pass")) -
                                     passes.begin())] += one.number("energy_pj");
  }
  double all = 0;
  for (const auto& [kind, of_kind] : amounts) {
    bars.bars.push_back({kind, of_kind});
    for (const double pj : of_kind) all += pj;
  }
  const auto sum = [](const StackedBar& bar) {
    double pj = 0;
    for (const double amount : bar.amounts) pj += amount;
    return pj;
  };
  if (!(all > 0)) return std::nullopt;
  std::stable_sort(bars.bars.begin(), bars.bars.end(),
                   [&](const auto& a, const auto& b) { return sum(a) > sum(b); });
  bars.sentence =
      fmt::format("Most of the step's {}, {}, goes to: {}.", with_unit(all * 1e-12, "J"),
                  percent_text(sum(bars.bars.front()) / all), bars.bars.front().name);
  Figure figure = stacked_bars_figure(bars);
  figure.notes = {
      "Without the transfers before and after the step. What memory and link took goes "
      "by bytes; clock, leakage and standby go by cycles."};
  return figure;
}

EnergyBars energy_of(const JsonObject& energy) {
  EnergyBars bars;
  bars.table = energy.text("table") + ", " + energy.text("node");
  bars.pj = energy.number("total_pj");
  const auto pair_of = [](const JsonObject& parent, const char* key) {
    if (!parent.has(key)) return std::pair<double, double>{0, 0};
    const Json& span = parent.json().at(key);
    const bool right =
        span.is_array() && span.size() == 2 && span[0].is_number() && span[1].is_number();
    if (!right) parent.refuse(key, "two numbers");
    return std::pair<double, double>{span[0].get<double>(), span[1].get<double>()};
  };
  std::tie(bars.low_pj, bars.high_pj) = pair_of(energy, "span_pj");
  for (const JsonObject& action : objects_of(energy, "actions")) {
    EnergyBar bar;
    bar.action = action.text("action");
    bar.part = action.text("part");
    bar.quality = action.text("quality");
    bar.source = action.text("source");
    bar.unit = action.text("unit");
    bar.count = action.number("count");
    bar.pj_each = action.number("pj_each");
    std::tie(bar.low_pj_each, bar.high_pj_each) = pair_of(action, "span_pj_each");
    bar.pj = action.number("total_pj");
    bars.bars.push_back(bar);
  }
  return bars;
}

void add_silicon_cards(const JsonObject& silicon, double clock_mhz, std::vector<Card>& cards) {
  if (const auto j_per_token = number_of(silicon, "j_per_token")) {
    Card card{with_unit(*j_per_token, "J"), "energy a token", ""};
    if (const auto macs = number_of(silicon, "macs_per_joule"))
      card.more = with_unit(*macs, "MACs a joule");
    cards.push_back(card);
  }
  const double logic = silicon.number("logic_mm2"), memory = silicon.number("memory_mm2");
  const std::int64_t node = silicon.integer("node_nm", 1);
  cards.push_back({fmt::format("{:.3g} mm²", logic + memory), "silicon",
                   fmt::format("{} nm; {}", node, silicon.text("quality"))});
  const bool reached = silicon.boolean("clock_reached");
  cards.push_back({fmt::format("{:.0f} MHz", clock_mhz), "clock",
                   fmt::format("{}: {:.0f} MHz at {} nm", reached ? "reached" : "not reached",
                               silicon.number("fmax_mhz"), node),
                   !reached});
}

Figure silicon_figure(const JsonObject& silicon, double clock_mhz) {
  const double logic = silicon.number("logic_mm2"), memory = silicon.number("memory_mm2");
  const double fmax = silicon.number("fmax_mhz");
  const std::int64_t node = silicon.integer("node_nm", 1);
  StackedBars bars;
  bars.id = "silicon";
  bars.title = "Silicon: area and clock";
  bars.sentence = fmt::format(
      "{:.3g} mm² at {} nm, {} of it memories; the machine reaches {:.0f} MHz, asked for are "
      "{:.0f}.",
      logic + memory, node, percent_text(logic + memory > 0 ? memory / (logic + memory) : 0), fmax,
      clock_mhz);
  bars.parts = {{"c0", "logic"}, {"c1", "memories"}};
  bars.bars = {{"area", {logic, memory}}};
  bars.shares = false;
  bars.unit = "mm²";
  bars.prefixes = false;
  Figure figure = stacked_bars_figure(bars);
  if (silicon.boolean("beyond_fit"))
    figure.notes.push_back("The machine is larger than those that the closed form was fitted to.");
  if (silicon.boolean("other_rtl"))
    figure.notes.push_back("The closed form was fitted to RTL of another version.");
  const std::string quality = silicon.text("quality"), source = silicon.text("source");
  figure.sources.head = {"what", "quality", "error on machines held out", "source"};
  figure.sources.rows = {{"area", quality, percent_text(silicon.number("area_error")), source},
                         {"clock", quality, percent_text(silicon.number("delay_error")), source}};
  return figure;
}

Figure trust_figure(const JsonObject& run) {
  Figure figure;
  figure.id = "trust";
  figure.title = "Is it right?";
  const std::vector<JsonObject> comparisons = objects_of(run, "comparisons");
  const std::vector<JsonObject> counters = objects_of(run, "counter_mismatches");
  figure.table.head = {"result", "elements", "differ from the reference", "error against FP64"};
  double elements = 0, mismatches = 0;
  for (const JsonObject& one : comparisons) {
    elements += one.number("elements");
    mismatches += one.number("mismatches");
    std::string error = "-";
    if (one.has("fp64"))
      if (const auto relative = number_of(one.object("fp64"), "relative_frobenius_error"))
        error = fmt::format("{:.2e}", *relative);
    figure.table.rows.push_back({one.text("tensor"), fmt::format("{:.0f}", one.number("elements")),
                                 fmt::format("{:.0f}", one.number("mismatches")), error});
  }
  for (const JsonObject& one : counters)
    figure.table.rows.push_back(
        {"counter " + one.text("counter"), "1",
         fmt::format("{:.0f} in place of {:.0f}", one.number("device"), one.number("expected")),
         "-"});
  figure.sentence = comparisons.empty()
                        ? std::string("No value was computed, so none was compared; ")
                        : fmt::format("{:.0f} of {:.0f} elements have the bits of the reference; ",
                                      elements - mismatches, elements);
  figure.sentence +=
      counters.empty()
          ? "every counter is what the commands must cost."
          : fmt::format("{} counters are not what the commands must cost.", counters.size());
  if (run.has("simulation")) {
    const JsonObject cost = run.object("simulation");
    figure.notes.push_back(fmt::format("The simulation took {} of CPU for {:.0f} cycles.",
                                       with_unit(cost.number("cpu_s"), "s"),
                                       cost.number("cycles")));
  }
  figure.table_title = "What was compared";
  return figure;
}

std::string verdict_text(const JsonObject& run, bool right) {
  const bool compared = !objects_of(run, "comparisons").empty();
  const std::string sentence = trust_figure(run).sentence;
  if (!right) return "Wrong: " + sentence;
  return (compared ? "Right: " : "Consistent: ") + sentence;
}

}  // namespace corank
