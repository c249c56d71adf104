// A step from the graph to the ring: what is decided for all of it, before and after its stages are
// lowered one by one.

#include "host/compiler/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "host/compiler/ceil_div.h"
#include "host/compiler/lowering.h"
#include "host/compiler/memory_map.h"
#include "host/compiler/supported.h"
#include "models/base/error.h"
#include "models/base/host_memory.h"

namespace corank {
namespace {

// The host fills the ring before the step begins and goes on as the device empties it: enough that
// the device does not wait for a link that keeps up, few enough that their coming takes memory's
// time in small pieces.
constexpr std::uint64_t kMostRingEntries = 4096;
constexpr std::int64_t kInstructionsPerRow = kPanelRowBytes / 8;

// Those whose accesses must keep their order: what the device both writes and reads, and whatever
// shares its memory with others. Nobody waits for the rest, which is most of a model.
std::vector<bool> ordered_values(const Graph& graph) {
  std::vector<bool> ordered, read(graph.values.size(), false), written(read);
  for (const Op& op : graph.ops) {
    for (const ValueId id : operands_of(op)) read[static_cast<std::size_t>(id)] = true;
    for (const ValueId id : results_of(op)) written[static_cast<std::size_t>(id)] = true;
  }
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    ordered.push_back((read[id] && written[id]) || graph.values[id].role == Role::kIntermediate);
  }
  return ordered;
}

}  // namespace

using namespace interface;

Lowering::Lowering(const Graph& graph, const MachineShape& machine, const CompilerConfig& limits,
                   const WeightStream& stream, const MemoryTiming& memory, const Company& company)
    : graph_(graph),
      machine_(machine),
      limits_(limits),
      areas_(local_areas(machine, limits)),
      dependencies_(scratchpad_lines(machine) / machine.scratchpad_banks,
                    accumulator_lines(machine) / machine.accumulator_banks),
      stream_(stream),
      memory_(memory),
      company_(company) {}

std::optional<double> Lowering::decide(std::uint64_t memory_size) {
  check_supported(graph_);
  find_streamed_values();
  ordered_ = ordered_values(graph_);
  choose_layouts();
  step_.traffic.resize(graph_.values.size());
  gather_programs();
  plan_.stages = schedule(graph_, [&](int op) { return cost_of(op); });
  decide(plan_.stages);
  step_.program_address = 0;
  plan_.values_begin = whole_pages(program_bytes());
  plan_.values_end =
      place_values(graph_, plan_.stages, plan_.streamed, plan_.values_begin, plan_.layouts);
  step_.tile_ring_address = whole_pages(plan_.values_end);
  // Before any command is made.
  check_memory(step_.tile_ring_address, step_.tile_ring_address - plan_.values_begin, memory_size,
               "at least ");
  check_commands(plan_.stages);

  return choose_blocks();
}

void Lowering::finish_plan() {
  for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
    const Stage& stage = plan_.stages[i];
    const BesideUse use = use_of(stage);
    const LocalAreas areas = local_areas(machine_, limits_, use);
    plan_.buffers.push_back(contraction_at(stage.op) != nullptr
                                ? buffers_of_product(areas, use, plan_.blocks[i])
                                : buffers_of_elementwise(areas));
  }
  const std::vector<std::string> wrong = violations(plan_, graph_, machine_);
  if (!wrong.empty())
    throw MachineError("internal fault, please report it: the plan of the step is wrong: " +
                       wrong.front());
}

CompiledStep Lowering::run(std::uint64_t memory_size) {
  finish_plan();
  load_programs();
  for (std::size_t i = 0; i < plan_.stages.size(); ++i) lower(plan_.stages[i], plan_.blocks[i]);
  op_ = -1;
  const std::uint64_t values_end = place_tiles();
  step_.commands.push_back({encode(HaltCommand{}), -1, kNoWaits});

  step_.ring_address = whole_pages(values_end);
  step_.ring_entries = 64;
  while (step_.ring_entries < step_.commands.size() && step_.ring_entries < kMostRingEntries)
    step_.ring_entries *= 2;
  step_.memory_bytes = step_.ring_address + step_.ring_entries * sizeof(CommandWords);
  check_memory(step_.memory_bytes, values_end - whole_pages(program_bytes()), memory_size, "");
  step_.plan = std::move(plan_);
  return std::move(step_);
}

void Lowering::check_memory(std::uint64_t bytes, std::uint64_t values, std::uint64_t size,
                            const std::string& how_many) const {
  if (bytes <= size) return;
  throw KeyError(kMemoryKeys,
                 fmt::format("the step needs {}{} bytes of device memory (values {}); {} gives {} "
                             "bytes",
                             how_many, bytes, values, kMemoryKeys.front(), size));
}

// The commands of all products, before any is made: their number has 31 bits in the dependencies,
// and they must find room.
void Lowering::check_commands(const std::vector<Stage>& stages) const {
  double commands = 0;
  for (const Stage& stage : stages) {
    for (const int op : stage.ops()) commands += time_alone(op).commands;
  }
  const double bytes = commands * sizeof(CompiledCommand);
  const auto room = static_cast<double>(host_memory_bytes());
  if (bytes <= room && commands < std::numeric_limits<std::int32_t>::max()) return;
  throw KeyError({"compiler.block.rows", "compiler.block.columns", "compiler.block.depth",
                  "workload.shapes", "workload.capture", "workload.captures"},
                 fmt::format("the step has about {:.0f} commands, which need {:.0f} bytes; this "
                             "computer has {:.0f}",
                             commands, bytes, room));
}

void Lowering::choose_layouts() {
  // A bias is added along the columns of the stored output, so such an output is stored as it is.
  // Streamed weights come in blocks of output columns, so they must be the stationary operand,
  // which they are where the output is stored as it is.
  std::vector<bool> may_transpose(graph_.values.size(), true);
  for (std::size_t id = 0; id < graph_.values.size(); ++id) {
    if (plan_.streamed[id]) may_transpose[id] = false;  // tiles are cut from the matrix as it is
  }
  for (const Op& op : graph_.ops) {
    if (const auto* contraction = std::get_if<Contraction>(&op);
        contraction && (contraction->bias || streams(*contraction))) {
      may_transpose[static_cast<std::size_t>(contraction->out)] = false;
      if (contraction->bias) may_transpose[static_cast<std::size_t>(*contraction->bias)] = false;
    }
  }
  // A rider's result is stored as it is (decide() sees to those that do not ride).
  for (std::size_t i = 0; i + 1 < graph_.ops.size(); ++i) {
    const auto* contraction = std::get_if<Contraction>(&graph_.ops[i]);
    if (contraction != nullptr && may_ride(*contraction) && rides(graph_, *contraction))
      may_transpose[static_cast<std::size_t>(contraction->out)] = false;
  }
  for (std::size_t id = 0; id < graph_.values.size(); ++id)
    plan_.layouts.push_back(layout_of(static_cast<ValueId>(id), may_transpose[id]));
}

TensorLayout Lowering::layout_of(ValueId id, bool may_transpose) const {
  const Value& value = graph_.value(id);
  const std::int64_t columns = value.shape.back();
  return corank::layout_of(value.dtype, element_count(value.shape) / columns, columns,
                           may_transpose);
}

std::int64_t Lowering::program_rows() const {
  return ceil_div(static_cast<std::int64_t>(step_.instructions.size()), kInstructionsPerRow);
}

std::uint64_t Lowering::program_bytes() const {
  return static_cast<std::uint64_t>(program_rows() * kPanelRowBytes);
}

void Lowering::gather_programs() {
  for (const Op& op : graph_.ops) {
    const VectorProgram program = program_of(graph_, op);
    const auto known = std::find_if(programs_.begin(), programs_.end(),
                                    [&](const auto& entry) { return entry.second == program; });
    if (known != programs_.end() || program.empty()) continue;
    programs_.emplace_back(step_.instructions.size(), program);
    step_.instructions.insert(step_.instructions.end(), program.begin(), program.end());
  }
  if (static_cast<std::int64_t>(step_.instructions.size()) > kProgramInstructions) {
    throw KeyError(
        {"workload.shapes", "workload.capture", "workload.captures"},
        fmt::format("the step's vector programs have {} instructions; the program memory holds {}",
                    step_.instructions.size(), kProgramInstructions));
  }
}

void Lowering::load_programs() {
  if (step_.instructions.empty()) return;
  LoadCommand load;
  load.target = 2;
  load.address_lo = static_cast<std::uint32_t>(step_.program_address);
  load.rows = static_cast<std::uint32_t>(program_rows());
  load.columns = static_cast<std::uint32_t>(kInstructionsPerRow);
  load.panel_stride = static_cast<std::uint32_t>(program_rows() * kPanelRowBytes);
  emit(encode(load), Engine::kLoad, {{Space::kProgram, 0, kProgramInstructions, true}});
}

CompiledStep compile(const Graph& graph, const MachineShape& machine, const CompilerConfig& limits,
                     std::uint64_t memory_size_bytes, const WeightStream& stream,
                     const MemoryTiming& memory) {
  std::optional<Lowering> best;
  double least = 0;
  // In a short step the stages overlap much, and the estimates of what pays are rough.
  for (const Company company : {Company{true, true}, Company{false, true}, Company{false, false}}) {
    Lowering lowering(graph, machine, limits, stream, memory, company);
    std::optional<double> cycles;
    try {
      cycles = lowering.decide(memory_size_bytes);
    } catch (const KeyError&) {
      if (!best) throw;
      continue;  // what the first one put together does not fit by itself
    }
    if (!best || (cycles && *cycles < least)) {
      best.emplace(std::move(lowering));
      least = cycles.value_or(0);
    }
    if (!cycles) break;
  }
  return best->run(memory_size_bytes);
}

}  // namespace corank
