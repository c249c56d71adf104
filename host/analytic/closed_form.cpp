#include "host/analytic/closed_form.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "host/analytic/dram_counts.h"
#include "host/cost/cost_data.h"
#include "host/cost/gate_energy_data.h"
#include "host/driver/counters.h"
#include "host/energy/actions.h"
#include "host/energy/machine_silicon.h"
#include "host/report/step_bound.h"
#include "host/run/finetune.h"
#include "host/run/prepare_finetune.h"
#include "host/workload/workload.h"
#include "models/cost/nodes.h"
#include "models/ops/contraction.h"
#include "models/program/linear_layers.h"
#include "sim/dram/energy.h"
#include "sim/platform/duration.h"

namespace corank {
namespace {

using interface::Counter;

constexpr double kBf16Bytes = 2, kFp32Bytes = 4;

// ---- the workload

double bytes_of(const Graph& graph, ValueId id) {
  return static_cast<double>(stored_bytes(graph.value(id)));
}

ClosedForm::Product product_of(const Graph& graph, const Term& term) {
  const Shape& left = graph.value(term.left).shape;
  const Shape& right = graph.value(term.right).shape;
  const std::size_t l = left.size(), r = right.size();
  ClosedForm::Product product;
  product.rows = static_cast<double>(left[term.left_transposed ? l - 1 : l - 2]);
  product.depth = static_cast<double>(left[term.left_transposed ? l - 2 : l - 1]);
  product.columns = static_cast<double>(right[term.right_transposed ? r - 2 : r - 1]);
  if (l > 2) product.batch = static_cast<double>(left.front());
  return product;
}

bool is_frozen(const Graph& graph, ValueId id) { return graph.value(id).role == Role::kFrozen; }

void add_contractions(const Graph& graph, ClosedForm& form) {
  using Key = std::vector<double>;
  std::map<Key, std::size_t> known;
  for (const Op& op : graph.ops) {
    const Contraction* contraction = contraction_of(op);
    if (contraction == nullptr) continue;
    ClosedForm::Contraction one;
    one.rounded = graph.value(contraction->out).dtype == DType::BF16;
    Key key{one.rounded ? 1.0 : 0.0};
    for (const Term& term : contraction->terms) {
      const ClosedForm::Product product = product_of(graph, term);
      key.insert(key.end(), {product.rows, product.columns, product.depth, product.batch});
      one.terms.push_back(product);
      form.macs += product.rows * product.columns * product.depth * product.batch;
    }
    const auto [place, is_new] = known.try_emplace(key, form.contractions.size());
    if (is_new) {
      form.contractions.push_back(one);
    } else {
      form.contractions[place->second].times += 1;
    }
  }
}

// Bytes of an element of a frozen weight in device memory, at least.
double weight_bytes(const Value& weight) {
  return weight.storage ? code_bits(weight.storage->code) / 8.0 : kBf16Bytes;
}

// What an op of layers reads that comes from outside the step.
std::set<ValueId> given_operands(const Graph& graph, const Op& op) {
  std::set<ValueId> ids;
  for (const ValueId id : operands_of(op))
    if (!is_computed(graph.value(id)) && graph.value(id).role != Role::kConstants) ids.insert(id);
  return ids;
}

// A pass of a layer of a step of layers.
struct LayerPass {
  std::set<ValueId> in_products, others;
  std::vector<ClosedForm::FrozenProduct> products;
};

void add_op(const Graph& graph, const Op& op, bool backward, LayerPass& pass) {
  const std::set<ValueId> given = given_operands(graph, op);
  pass.others.insert(given.begin(), given.end());
  const Contraction* contraction = contraction_of(op);
  if (contraction == nullptr) return;
  for (const Term& term : contraction->terms) {
    if (!is_frozen(graph, term.right)) continue;
    const ClosedForm::Product product = product_of(graph, term);
    pass.products.push_back({product.rows, product.columns, product.depth,
                             weight_bytes(graph.value(term.right)), 1, backward, 0});
    pass.in_products.insert({term.left, term.right});
  }
}

void add_frozen(const ClosedForm::FrozenProduct& product, ClosedForm& form) {
  const auto key = [](const ClosedForm::FrozenProduct& p) {
    return std::tie(p.rows, p.columns, p.depth, p.weight_bytes, p.backward, p.others);
  };
  for (ClosedForm::FrozenProduct& other : form.frozen) {
    if (key(other) != key(product)) continue;
    other.times += product.times;
    return;
  }
  form.frozen.push_back(product);
}

// Steps of layers (models/program/linear_layers.h) of one micro-batch: every layer has its own
// operands.
void add_layers(const Graph& graph, ClosedForm& form) {
  const auto first_backward = std::find_if(graph.ops.begin(), graph.ops.end(), is_backward_product);
  std::map<std::pair<int, bool>, LayerPass> passes;  // by layer, and whether backward
  for (auto op = graph.ops.begin(); op != graph.ops.end(); ++op) {
    const bool backward = op >= first_backward;
    add_op(graph, *op, backward,
           passes[{graph.value(results_of(*op).front()).origin.group, backward}]);
  }
  for (const auto& [place, pass] : passes) {
    double others = 0;
    for (const ValueId id : pass.others)
      if (pass.in_products.count(id) == 0) others += bytes_of(graph, id);
    if (!place.second) {
      form.other_reads += others;
      for (const ClosedForm::FrozenProduct& product : pass.products) add_frozen(product, form);
      continue;
    }
    ClosedForm::FrozenProduct product;
    product.backward = true;
    if (!pass.products.empty()) product = pass.products.front();
    product.others = others;
    add_frozen(product, form);
  }
}

// Of any other graph: the operands of products, and what is trained, are read once.
void add_values(const Graph& graph, ClosedForm& form) {
  std::set<ValueId> read;
  for (const Op& op : graph.ops) {
    if (const Contraction* contraction = contraction_of(op))
      for (const Term& term : contraction->terms) read.insert({term.left, term.right});
  }
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values.size()); ++id) {
    const Role role = graph.value(id).role;
    if (role == Role::kTrainable || role == Role::kState) read.insert(id);
  }
  for (const ValueId id : read)
    if (!is_computed(graph.value(id))) form.other_reads += bytes_of(graph, id);
}

ClosedForm form_of(const Graph& graph, bool layers) {
  ClosedForm form;
  add_contractions(graph, form);
  if (layers) {
    add_layers(graph, form);
  } else {
    add_values(graph, form);
  }
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values.size()); ++id) {
    const Value& value = graph.value(id);
    if (value.role == Role::kResult) form.written += bytes_of(graph, id);
    if (!is_computed(value) && value.role != Role::kConstants) form.uploaded += bytes_of(graph, id);
  }
  return form;
}

// ---- the machine

struct LocalSizes {
  double scratchpad = 0, accumulators = 0;
};

// With k groups of sums one above the other, for the best k, which need not be whole: `down` is the
// dimension that they divide, `down_bytes` and `across_bytes` are those of the operands. Smaller
// groups than full ones, up to twice as many, are of use only where a group's part of the operand
// is less than the scratchpad (host/report/step_bound.h).
double least_with_groups(double groups, double down_bytes, double across_bytes, double scratchpad) {
  const auto at = [&](double k, double all) {
    return k * across_bytes + std::max(1.0, groups / k) * down_bytes - (all - 1) * scratchpad;
  };
  const double best = std::sqrt(groups * down_bytes / across_bytes);
  const double change = std::max(1.0, down_bytes / scratchpad);  // full groups up to here
  const double most = std::max(1.0, groups);
  const double full = at(std::clamp(best, 1.0, std::max(1.0, std::min(change, most))), groups);
  const double smaller = at(std::clamp(best, std::min(change, most), most), 2 * groups);
  return std::min(full, smaller);
}

// Bytes that a frozen product reads, of which an element of its weight has so many.
double least_reads(const ClosedForm::FrozenProduct& p, double weight_bytes,
                   const LocalSizes& local) {
  if (p.rows == 0) return 0;
  const double row_bytes = kBf16Bytes * p.rows * p.depth;
  const double column_bytes = weight_bytes * p.columns * p.depth;
  const double once = row_bytes + column_bytes;
  const double groups = p.rows * p.columns * kFp32Bytes / local.accumulators;
  if (groups <= 1) return once;
  return std::max({once, least_with_groups(groups, row_bytes, column_bytes, local.scratchpad),
                   least_with_groups(groups, column_bytes, row_bytes, local.scratchpad)});
}

// Of all frozen products and what is read beside them; `decoded`: as numbers of the scratchpad,
// and only the operands of products.
double least_reads(const ClosedForm& form, const LocalSizes& local, bool decoded) {
  double bytes = decoded ? 0 : form.other_reads;
  for (const ClosedForm::FrozenProduct& p : form.frozen) {
    double one = least_reads(p, decoded ? kBf16Bytes : p.weight_bytes, local);
    if (!decoded) one += p.others;
    if (p.backward) one = std::max(0.0, one - local.scratchpad - local.accumulators);
    bytes += p.times * one;
  }
  return bytes;
}

// What a contraction does at least with one of its operands moving.
struct ArrayWork {
  double cycles = 0, busy = 0;
  double scratchpad_read = 0, accumulator_read = 0, accumulator_written = 0;
};
ArrayWork work_of(const ClosedForm::Product& p, bool swapped, const MachineShape& shape) {
  const double rows = swapped ? p.columns : p.rows, columns = swapped ? p.rows : p.columns;
  const double depth_tiles = std::ceil(p.depth / shape.array_rows);
  const double column_tiles = std::ceil(columns / shape.array_columns);
  const double least = std::max(2, shape.array_rows);  // cycles from pass to pass
  ArrayWork work;
  work.cycles = p.batch * depth_tiles * column_tiles * std::max(rows, least);
  work.busy = p.batch * depth_tiles * column_tiles * rows;
  work.scratchpad_read = kBf16Bytes * p.batch * (rows * p.depth * column_tiles + p.depth * columns);
  work.accumulator_written = kFp32Bytes * p.batch * rows * columns * depth_tiles;
  work.accumulator_read = work.accumulator_written;  // but for those of the chain's begin
  return work;
}
ArrayWork least_work(const ClosedForm::Contraction& contraction, const MachineShape& shape) {
  std::array<ArrayWork, 2> both;
  for (std::size_t swapped = 0; swapped < both.size(); ++swapped) {
    ArrayWork& sum = both[swapped];
    for (const ClosedForm::Product& term : contraction.terms) {
      const ArrayWork work = work_of(term, swapped == 1, shape);
      sum.cycles += work.cycles;
      sum.busy += work.busy;
      sum.scratchpad_read += work.scratchpad_read;
      sum.accumulator_read += work.accumulator_read;
      sum.accumulator_written += work.accumulator_written;
    }
    const ClosedForm::Product& first = contraction.terms.front();
    sum.accumulator_read -= kFp32Bytes * first.batch * first.rows * first.columns;
  }
  const auto [a, b] = both;
  return {std::min(a.cycles, b.cycles), std::min(a.busy, b.busy),
          std::min(a.scratchpad_read, b.scratchpad_read),
          std::min(a.accumulator_read, b.accumulator_read),
          std::min(a.accumulator_written, b.accumulator_written)};
}

// Of a burst: until the memory has answered it.
double least_latency_ns(const MemoryConfig& memory) {
  if (memory.kind != MemoryKind::kDram) return memory.latency_ns;
  const DramTiming& timing = memory.dram.device.timing;
  return (timing.CL + timing.burst) * timing.tCK_ns;
}

double wire_ns(const LinkConfig& link, double bytes) {
  return bytes * (1 + static_cast<double>(link.overhead_bytes) / link.payload_bytes) /
         link.bandwidth_gb_per_s;
}

}  // namespace

ClosedForm closed_form_of(const Config& config) {
  if (names_finetuning(config)) {
    const PreparedFinetune prepared = prepare_finetune(config, Numerics::kBf16);
    return form_of(prepared.program.graph, false);
  }
  const Workload workload = read_workload(config);
  const std::vector<LinearLayer> layers = layers_of(workload);
  const TrainingProgram program = linear_layers(layers, config.optimizer);
  ClosedForm form = form_of(program.graph, config.optimizer.accumulate == 1);
  // The results of several steps are read after the last one.
  if (config.steps == 1) form.downloaded = form.written;
  form.tokens = static_cast<double>(layers.front().tokens * config.optimizer.accumulate);
  return form;
}

ClosedBound bound(const ClosedForm& form, const MachineShape& shape, const MachineLimits& limits,
                  const MemoryConfig& memory, const LinkConfig& link, const EnergyPrices& prices,
                  const SiliconForm& silicon) {
  const LocalSizes local{1024.0 * shape.scratchpad_kib, 1024.0 * shape.accumulator_kib};
  const double period = static_cast<double>(period_of(limits.clock_mhz)) * 1e-6;
  const double latency = least_latency_ns(memory);
  EnergyPrices::Least least;
  least.macs = form.macs;
  double array_cycles = 0, vector_beats = 0;
  for (const ClosedForm::Contraction& contraction : form.contractions) {
    const ArrayWork work = least_work(contraction, shape);
    const ClosedForm::Product& first = contraction.terms.front();
    const double results = first.batch * first.rows * first.columns;
    array_cycles += contraction.times * work.cycles;
    least.array_busy += contraction.times * work.busy;
    least.scratchpad_read += contraction.times * work.scratchpad_read;
    least.accumulator_read += contraction.times * work.accumulator_read;
    least.accumulator_written += contraction.times * work.accumulator_written;
    if (!contraction.rounded) continue;
    least.rounded += contraction.times * results;
    least.scratchpad_written += contraction.times * kBf16Bytes * results;
    least.accumulator_read += contraction.times * kFp32Bytes * results;
    vector_beats += contraction.times * 2 * std::ceil(results / shape.vector_lanes);
  }
  least.memory_read = least_reads(form, local, false);
  least.memory_written = form.written;
  least.scratchpad_written += least_reads(form, local, true);

  const double bus_bytes = shape.axi_data_bits / 8.0;
  const double answered =
      memory.kind == MemoryKind::kDram
          ? static_cast<double>(memory.dram.controller.write_queue * memory.dram.channels *
                                memory.dram.device.organisation.access_bytes)
          : 0;
  const double memory_ns = std::max(0.0, least.memory_read + least.memory_written - answered) /
                           memory.bandwidth_gb_per_s;
  const double result_cycles = interface::pass_latency(shape.array_rows);
  const double device_ns = std::max(
      {3 * latency + period * (array_cycles + result_cycles), 3 * latency + period * vector_beats,
       2 * latency + period * least.memory_read / bus_bytes,
       3 * latency + period * least.memory_written / bus_bytes, latency + memory_ns});
  const double register_ns = (4 + link.overhead_bytes) / link.bandwidth_gb_per_s;
  const double before_ns = register_ns + link.latency_ns;
  const double after_ns =
      3 * link.latency_ns + 3 * register_ns + link.overhead_bytes / link.bandwidth_gb_per_s;
  ClosedBound result;
  result.step_ns = before_ns + device_ns + after_ns;
  result.total_ns = result.step_ns + wire_ns(link, form.uploaded) + wire_ns(link, form.downloaded) +
                    4 * link.latency_ns;
  least.step_ns = result.step_ns;
  least.total_ns = result.total_ns;
  least.interrupt_ns = after_ns;
  least.link_bytes = (form.uploaded + form.downloaded) *
                     (1 + static_cast<double>(link.overhead_bytes) / link.payload_bytes);
  const SiliconFigures figures = silicon.of(shape);
  result.area_mm2 = figures.area_mm2;
  result.fmax_mhz = figures.fmax_mhz;
  if (!prices.none()) result.energy_pj = prices.least_pj(least, shape, limits, memory);
  return result;
}

// ---- energy

namespace {

const EnergyEntry* entry_of(const EnergyConfig& table, const std::string& name) {
  const auto entry = std::find_if(table.actions.begin(), table.actions.end(),
                                  [&](const EnergyEntry& one) { return one.action == name; });
  return entry == table.actions.end() ? nullptr : &*entry;
}

double pj_of(const EnergyConfig& table, const std::string& name) {
  const EnergyEntry* entry = entry_of(table, name);
  return entry == nullptr ? 0 : entry->pj;
}

// The action that a counter of the device is.
const char* action_of(Counter counter) {
  for (const interface::CountedAction& one : interface::kCountedActions)
    if (one.counter == counter) return one.action;
  return "";
}

}  // namespace

EnergyPrices::EnergyPrices(const EnergyConfig& table)
    : none_(table.actions.empty()), gates_(table.gates), silicon_(known_node(table.node)) {
  multiply_ = pj_of(table, "bf16_multiply");
  add_ = pj_of(table, action_of(Counter::kVectorAdds));
  round_ = pj_of(table, action_of(Counter::kVectorRoundings));
  dram_byte_ = pj_of(table, "dram_byte");
  link_byte_ = pj_of(table, "link_byte");
  flop_clock_ = pj_of(table, "flip_flop_clock");
  logic_leakage_ = pj_of(table, "logic_leakage");
  memory_leakage_ = pj_of(table, "memory_leakage");
  const auto access = [&](const char* name) {
    const EnergyEntry* entry = entry_of(table, name);
    return entry == nullptr ? EnergyEntry{} : *entry;
  };
  scratchpad_read_ = access("scratchpad_read_byte");
  scratchpad_write_ = access("scratchpad_write_byte");
  accumulator_read_ = access("accumulator_read_byte");
  accumulator_write_ = access("accumulator_write_byte");
}

double EnergyPrices::least_pj(const Least& least, const MachineShape& shape,
                              const MachineLimits& limits, const MemoryConfig& memory) const {
  const SiliconFigures silicon = silicon_.of(shape);
  const auto accessed = [&](const EnergyEntry& entry, bool accumulators, bool writes,
                            double bytes) {
    if (entry.pj == 0) return 0.0;
    if (entry.macro_kib == 0) return bytes * entry.pj;
    return bytes * entry.pj *
           silicon_.access_ratio(shape, accumulators, writes, entry.macro_kib, entry.macro_bits);
  };
  double pj = least.macs * (multiply_ + add_) + least.rounded * round_ +
              accessed(scratchpad_read_, false, false, least.scratchpad_read) +
              accessed(scratchpad_write_, false, true, least.scratchpad_written) +
              accessed(accumulator_read_, true, false, least.accumulator_read) +
              accessed(accumulator_write_, true, true, least.accumulator_written) +
              least.link_bytes * link_byte_ +
              silicon.flops * least.total_ns * limits.clock_mhz / 1e3 * flop_clock_ +
              silicon.logic_mm2 * least.total_ns * logic_leakage_ +
              silicon.memory_kib * least.total_ns * memory_leakage_;
  if (memory.kind == MemoryKind::kDram) {
    const double dram = dram_pj(least, memory.dram);
    pj += dram >= 0 ? dram : (least.memory_read + least.memory_written) * dram_byte_;
  } else {
    pj += (least.memory_read + least.memory_written) * dram_byte_;
  }
  return pj;
}

// -1: nothing is known of the device's energy.
double EnergyPrices::dram_pj(const Least& least, const DramConfig& dram) const {
  const double access = dram.device.organisation.access_bytes;
  DramWork work;
  work.reads = static_cast<std::int64_t>(least.memory_read / access);
  work.writes = static_cast<std::int64_t>(least.memory_written / access);
  work.touched_bytes = static_cast<std::int64_t>(least.memory_written);
  work.step_ns = least.step_ns;
  work.interrupt_ns = least.interrupt_ns;
  const DramEnergy energy = dram_energy(dram.device, least_dram(dram, work));
  if (!energy.known) return -1;
  double pj = 0;
  if (energy.core_known)
    pj += energy.activate + energy.precharge + energy.read + energy.write + energy.refresh +
          energy.background;
  if (energy.io_known) pj += energy.io;
  if (energy.access_known) pj += energy.access;
  return pj;
}

}  // namespace corank
