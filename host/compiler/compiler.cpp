#include "host/compiler/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <tuple>

#include "host/compiler/dependencies.h"
#include "host/compiler/memory_map.h"
#include "host/compiler/vector_program.h"
#include "models/base/error.h"

namespace corank {
namespace {

using namespace interface;

constexpr std::int64_t kProgramMemoryInstructions = 256;  // vector_unit.sv
constexpr std::int64_t kInstructionsPerRow = kPanelRowBytes / 8;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// A rectangle of a stored matrix.
struct Block {
  ValueId value = -1;
  std::int64_t row = 0, column = 0, rows = 0, columns = 0;
};
bool same(const Block& a, const Block& b) {
  return std::tie(a.value, a.row, a.column, a.rows, a.columns) ==
         std::tie(b.value, b.row, b.column, b.rows, b.columns);
}

// A block in a local memory, at `line`, panels `rows` lines apart.
struct Local {
  std::int64_t line = 0;
  std::int64_t rows = 0, columns = 0;
};

// Part of a local memory, cut into equal slots that are reused in turn, the longest unused one
// first. A block that still lies in a slot need not be loaded again.
class Slots {
 public:
  Slots(std::int64_t line, std::int64_t lines, std::int64_t slot_lines)
      : line_(line), slot_lines_(slot_lines) {
    slots_.resize(static_cast<std::size_t>(std::max<std::int64_t>(1, lines / slot_lines)));
  }

  // The slot's first line, and whether the block is there already.
  std::pair<std::int64_t, bool> take(const Block& block) {
    auto slot = std::find_if(slots_.begin(), slots_.end(),
                             [&](const Slot& s) { return s.used > 0 && same(s.block, block); });
    const bool there = slot != slots_.end();
    if (!there) {
      slot = std::min_element(slots_.begin(), slots_.end(),
                              [](const Slot& a, const Slot& b) { return a.used < b.used; });
    }
    slot->block = block;
    slot->used = ++clock_;
    return {line_ + (slot - slots_.begin()) * slot_lines_, there};
  }

 private:
  struct Slot {
    Block block;
    std::int64_t used = 0;
  };
  std::int64_t line_, slot_lines_;
  std::int64_t clock_ = 0;
  std::vector<Slot> slots_;
};

Gemm counter_kind(const GemmKind& kind) {
  return static_cast<Gemm>(3 * static_cast<std::uint32_t>(kind.part) +
                           static_cast<std::uint32_t>(kind.pass));
}

[[noreturn]] void refuse(const Graph& graph, const Op& op, const std::string& reason) {
  throw InputError(fmt::format("{}: the accelerator does not run the op {} yet{}",
                               graph.value(results_of(op).front()).name, name_of(op), reason));
}

// What the commands of the accelerator can express.
void check_supported(const Graph& graph) {
  for (const Op& op : graph.ops) {
    if (std::holds_alternative<Convert>(op) || std::holds_alternative<AdamW>(op)) continue;
    const auto* contraction = std::get_if<Contraction>(&op);
    if (contraction == nullptr) refuse(graph, op, "");
    for (const Term& term : contraction->terms) {
      const Value& left = graph.value(term.left);
      if (left.shape.size() > 2) refuse(graph, op, " on batches of matrices");
      if (left.dtype != DType::BF16) refuse(graph, op, " on operands of F32");
      if (term.kind.part == Part::kAttention || term.kind.part == Part::kHead) {
        refuse(graph, op, " of the kind " + to_string(term.kind));
      }
    }
  }
}

class Compiler {
 public:
  Compiler(const Graph& graph, const MachineShape& machine, const CompilerConfig& limits)
      : graph_(graph),
        machine_(machine),
        limits_(limits),
        areas_(local_areas(machine, limits)),
        dependencies_(
            machine.scratchpad_kib * 1024LL / (areas_.lanes * 2) / machine.scratchpad_banks,
            machine.accumulator_kib * 1024LL / (areas_.lanes * 4) / machine.accumulator_banks) {}

  CompiledStep run(std::uint64_t memory_size) {
    check_supported(graph_);
    choose_layouts();
    step_.traffic.resize(graph_.values.size());
    gather_programs();
    step_.program_address = 0;
    const std::uint64_t program_bytes = static_cast<std::uint64_t>(program_rows() * kPanelRowBytes);
    const std::uint64_t values_address = (program_bytes + 4095) / 4096 * 4096;
    const std::uint64_t values_end = place_values(graph_, values_address, step_.layouts);

    load_programs();
    for (std::size_t op = 0; op < graph_.ops.size(); ++op) {
      op_ = static_cast<int>(op);
      std::visit([&](const auto& node) { lower(node); }, graph_.ops[op]);
    }
    op_ = -1;
    // Sets the tokens, now that every later command is known.
    for (std::size_t i = 0; i < step_.commands.size(); ++i) {
      const Tokens& tokens = dependencies_.tokens()[i];
      step_.commands[i].words[1] = tokens.wait | tokens.signal << 16;
    }
    step_.commands.push_back({encode(HaltCommand{}), -1});

    step_.ring_address = (values_end + 4095) / 4096 * 4096;
    step_.ring_entries = 64;
    while (step_.ring_entries < step_.commands.size() && step_.ring_entries < 4096)
      step_.ring_entries *= 2;
    step_.memory_bytes = step_.ring_address + step_.ring_entries * sizeof(CommandWords);
    if (step_.memory_bytes > memory_size) {
      throw InputError(
          fmt::format("the step needs {} bytes of device memory (values {}, command ring {}); "
                      "memory.size_mib gives {} bytes",
                      step_.memory_bytes, values_end - values_address,
                      step_.ring_entries * sizeof(CommandWords), memory_size));
    }
    return std::move(step_);
  }

 private:
  // ---------------------------------------------------------------- layouts and programs
  void choose_layouts() {
    // A bias is added along the columns of the stored output, so such an output is stored as it is.
    std::vector<bool> may_transpose(graph_.values.size(), true);
    for (const Op& op : graph_.ops) {
      if (const auto* contraction = std::get_if<Contraction>(&op);
          contraction && contraction->bias) {
        may_transpose[static_cast<std::size_t>(contraction->out)] = false;
        may_transpose[static_cast<std::size_t>(*contraction->bias)] = false;
      }
    }
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
      const Value& value = graph_.values[id];
      const std::int64_t rows = value.shape.size() < 2 ? 1 : value.shape[0];
      step_.layouts.push_back(layout_of(value.dtype, rows, value.shape.back(), may_transpose[id]));
    }
  }

  VectorProgram program_of(const Contraction& op) const {
    return needs_epilogue(op) ? epilogue_program(op.scale, op.bias.has_value()) : VectorProgram{};
  }
  VectorProgram program_of(const Convert&) const { return convert_program(); }
  VectorProgram program_of(const AdamW& op) const { return adamw_program(op.constants); }
  template <class X>
  VectorProgram program_of(const X& op) const {
    refuse(graph_, op, "");
  }

  bool needs_epilogue(const Contraction& op) const {
    return op.scale != 1.0f || op.bias || graph_.value(op.out).dtype == DType::BF16;
  }

  std::int64_t program_rows() const {
    return ceil_div(static_cast<std::int64_t>(step_.instructions.size()), kInstructionsPerRow);
  }

  // Equal programs are kept once.
  void gather_programs() {
    for (const Op& op : graph_.ops) {
      const VectorProgram program =
          std::visit([&](const auto& node) { return program_of(node); }, op);
      const auto known = std::find_if(programs_.begin(), programs_.end(),
                                      [&](const auto& entry) { return entry.second == program; });
      if (known != programs_.end() || program.empty()) continue;
      programs_.emplace_back(step_.instructions.size(), program);
      step_.instructions.insert(step_.instructions.end(), program.begin(), program.end());
    }
    if (static_cast<std::int64_t>(step_.instructions.size()) > kProgramMemoryInstructions) {
      throw InputError(fmt::format(
          "the step's vector programs have {} instructions; the program memory holds {}",
          step_.instructions.size(), kProgramMemoryInstructions));
    }
  }

  void load_programs() {
    if (step_.instructions.empty()) return;
    LoadCommand load;
    load.target = 2;
    load.address_lo = static_cast<std::uint32_t>(step_.program_address);
    load.rows = static_cast<std::uint32_t>(program_rows());
    load.columns = static_cast<std::uint32_t>(kInstructionsPerRow);
    load.panel_stride = static_cast<std::uint32_t>(program_rows() * kPanelRowBytes);
    emit(encode(load), Engine::kLoad, {{Space::kProgram, 0, kProgramMemoryInstructions, true}});
  }

  // ---------------------------------------------------------------- emission
  void emit(const CommandWords& words, Engine engine, const std::vector<Access>& accesses) {
    dependencies_.add(engine, accesses);
    step_.commands.push_back({words, op_});
  }

  const TensorLayout& layout(ValueId id) const {
    return step_.layouts[static_cast<std::size_t>(id)];
  }

  Access lines(Space space, const Local& local, bool write) const {
    return {space, local.line, local.line + lines_of(local.rows, local.columns, areas_.lanes),
            write};
  }

  template <class Command>
  std::vector<Access> fill_transfer(Command& command, const Block& block, std::int64_t line,
                                    bool write_memory) {
    const TensorLayout& place = layout(block.value);
    const std::int64_t first_panel = block.column / place.panel_columns();
    const std::uint64_t address = place.address +
                                  static_cast<std::uint64_t>(first_panel) * place.panel_stride() +
                                  static_cast<std::uint64_t>(block.row * kPanelRowBytes);
    command.target = place.dtype == DType::BF16 ? 0 : 1;
    command.address_lo = static_cast<std::uint32_t>(address);
    command.address_hi = static_cast<std::uint32_t>(address >> 32);
    command.rows = static_cast<std::uint32_t>(block.rows);
    command.columns = static_cast<std::uint32_t>(block.columns);
    command.panel_stride = static_cast<std::uint32_t>(place.panel_stride());
    command.line = static_cast<std::uint32_t>(line);
    command.line_stride = static_cast<std::uint32_t>(block.rows);
    std::vector<Access> accesses;
    for (std::int64_t panel = 0; panel < ceil_div(block.columns, place.panel_columns()); ++panel) {
      const auto begin = static_cast<std::int64_t>(address + static_cast<std::uint64_t>(panel) *
                                                                 place.panel_stride());
      accesses.push_back(
          {Space::kMemory, begin, begin + block.rows * kPanelRowBytes, write_memory});
    }
    accesses.push_back(
        lines(local_space(block.value), {line, block.rows, block.columns}, !write_memory));
    ValueTraffic& traffic = step_.traffic[static_cast<std::size_t>(block.value)];
    const auto bytes = static_cast<std::uint64_t>(block.rows * kPanelRowBytes *
                                                  ceil_div(block.columns, place.panel_columns()));
    (write_memory ? traffic.stored_bytes : traffic.loaded_bytes) += bytes;
    return accesses;
  }

  Space local_space(ValueId id) const {
    return layout(id).dtype == DType::BF16 ? Space::kScratchpad : Space::kAccumulator;
  }

  Local load(Slots& slots, const Block& block) {
    const auto [line, there] = slots.take(block);
    if (!there) {
      LoadCommand command;
      const auto accesses = fill_transfer(command, block, line, false);
      emit(encode(command), Engine::kLoad, accesses);
    }
    return {line, block.rows, block.columns};
  }

  void store(const Block& block, std::int64_t line) {
    StoreCommand command;
    const auto accesses = fill_transfer(command, block, line, true);
    emit(encode(command), Engine::kStore, accesses);
  }

  // A stream of a vector command: where it lies, and whether every row reads the first one.
  struct Stream {
    Space space = Space::kScratchpad;
    Local local;
    bool write = false;
    bool first_row = false;
  };

  void emit_vector(const VectorProgram& program, std::int64_t rows, std::int64_t columns,
                   const std::vector<Stream>& streams) {
    const auto entry = std::find_if(programs_.begin(), programs_.end(),
                                    [&](const auto& e) { return e.second == program; });
    VectorCommand command;
    command.first_instruction = static_cast<std::uint32_t>(entry->first);
    command.length = static_cast<std::uint32_t>(program.size());
    command.rows = static_cast<std::uint32_t>(rows);
    command.columns = static_cast<std::uint32_t>(columns);
    const std::array<std::pair<std::uint32_t*, std::uint32_t*>, 4> fields{
        {{&command.stream0, &command.stride0},
         {&command.stream1, &command.stride1},
         {&command.stream2, &command.stride2},
         {&command.stream3, &command.stride3}}};
    std::vector<Access> accesses{{Space::kProgram, static_cast<std::int64_t>(entry->first),
                                  static_cast<std::int64_t>(entry->first + program.size()), false}};
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const Stream& stream = streams[i];
      *fields[i].first = static_cast<std::uint32_t>(stream.local.line) |
                         static_cast<std::uint32_t>(stream.space == Space::kAccumulator) << 24 |
                         static_cast<std::uint32_t>(stream.first_row) << 26;
      *fields[i].second = static_cast<std::uint32_t>(stream.local.rows);
      if (stream.local.rows == 0) continue;  // not used by the program
      accesses.push_back(lines(stream.space, stream.local, false));
      if (stream.write) accesses.push_back(lines(stream.space, stream.local, true));
    }
    emit(encode(command), Engine::kVector, accesses);
  }

  // ---------------------------------------------------------------- contraction
  // A term as the array executes it. The output is computed as it is stored: if that is the
  // transpose, the operands change places.
  struct Product {
    ValueId stream = -1, stationary = -1;
    ProductShape shape;
    Gemm kind = Gemm::kFrozenForward;
  };

  Product product_of(const Term& term, bool swapped) const {
    const bool left_depth_major = term.left_transposed != layout(term.left).transposed;
    const bool right_depth_major = term.right_transposed == layout(term.right).transposed;
    const Shape& left = graph_.value(term.left).shape;
    Product product;
    product.stream = swapped ? term.right : term.left;
    product.stationary = swapped ? term.left : term.right;
    product.shape.depth = term.left_transposed ? left[0] : left[1];
    product.shape.stream_depth_major = swapped ? right_depth_major : left_depth_major;
    product.shape.stationary_depth_major = swapped ? left_depth_major : right_depth_major;
    product.kind = counter_kind(term.kind);
    return product;
  }

  static Block operand_block(ValueId value, bool depth_major, std::int64_t depth,
                             std::int64_t depths, std::int64_t other, std::int64_t others) {
    return depth_major ? Block{value, depth, other, depths, others}
                       : Block{value, other, depth, others, depths};
  }

  void lower(const Contraction& op) {
    const TensorLayout& out = layout(op.out);
    ContractionShape shape;
    shape.rows = out.rows;
    shape.columns = out.columns;
    shape.output_fp32 = out.dtype == DType::F32;
    std::vector<Product> products;
    for (const Term& term : op.terms) {
      products.push_back(product_of(term, out.transposed));
      shape.products.push_back(products.back().shape);
    }
    const BlockSize size =
        choose_block_size(shape, areas_, machine_, limits_, graph_.value(op.out).name);
    step_.blocks[op_] = size;

    Slots stream_slots(areas_.stream_line, areas_.stream_lines,
                       stream_lines(size, shape, areas_.lanes));
    Slots stationary_slots(areas_.stationary_line, areas_.stationary_lines,
                           stationary_lines(size, shape, areas_.lanes));
    const std::int64_t out_slot = lines_of(std::min(size.rows, shape.rows),
                                           std::min(size.columns, shape.columns), areas_.lanes);
    Slots output_slots(areas_.output_line, areas_.output_lines,
                       std::min(out_slot, areas_.output_lines));
    Slots bias_slots(areas_.side_line, areas_.side_lines, lines_of(1, size.columns, areas_.lanes));
    std::int64_t sums = 0;

    const auto block = [&](std::int64_t row, std::int64_t column) {
      const std::int64_t rows = std::min(size.rows, shape.rows - row);
      const std::int64_t columns = std::min(size.columns, shape.columns - column);
      const Local sum{areas_.sum_line + sums++ % size.sum_buffers * areas_.sum_pitch, rows,
                      columns};
      bool first = true;
      for (const Product& product : products) {
        for (std::int64_t depth = 0; depth < product.shape.depth; depth += size.depth) {
          const std::int64_t depths = std::min(size.depth, product.shape.depth - depth);
          const Local stream =
              load(stream_slots, operand_block(product.stream, product.shape.stream_depth_major,
                                               depth, depths, row, rows));
          const Local stationary =
              load(stationary_slots,
                   operand_block(product.stationary, product.shape.stationary_depth_major, depth,
                                 depths, column, columns));
          emit_gemm(product, rows, columns, depths, stream, stationary, sum, !first);
          first = false;
        }
      }
      const Block target{op.out, row, column, rows, columns};
      if (!needs_epilogue(op)) {
        store(target, sum.line);
        return;
      }
      Stream bias;
      if (op.bias) {
        bias = {Space::kAccumulator, load(bias_slots, {*op.bias, 0, column, 1, columns}), false,
                true};
      }
      Stream result{Space::kAccumulator, sum, true, false};
      if (!shape.output_fp32) {
        result = {
            Space::kScratchpad, {output_slots.take(target).first, rows, columns}, true, false};
      }
      emit_vector(program_of(op), rows, columns,
                  {{Space::kAccumulator, sum, false, false}, bias, result});
      store(target, result.local.line);
    };
    if (size.columns_outer) {
      for (std::int64_t column = 0; column < shape.columns; column += size.columns) {
        for (std::int64_t row = 0; row < shape.rows; row += size.rows) block(row, column);
      }
    } else {
      for (std::int64_t row = 0; row < shape.rows; row += size.rows) {
        for (std::int64_t column = 0; column < shape.columns; column += size.columns)
          block(row, column);
      }
    }
  }

  void emit_gemm(const Product& product, std::int64_t rows, std::int64_t columns,
                 std::int64_t depth, const Local& stream, const Local& stationary, const Local& sum,
                 bool accumulate) {
    GemmCommand command;
    command.kind = static_cast<std::uint32_t>(product.kind);
    command.accumulate = accumulate;
    command.stream_transposed = product.shape.stream_depth_major;
    command.stationary_transposed = !product.shape.stationary_depth_major;
    command.rows = static_cast<std::uint32_t>(rows);
    command.columns = static_cast<std::uint32_t>(columns);
    command.depth = static_cast<std::uint32_t>(depth);
    command.stream_line = static_cast<std::uint32_t>(stream.line);
    command.stream_stride = static_cast<std::uint32_t>(stream.rows);
    command.stationary_line = static_cast<std::uint32_t>(stationary.line);
    command.stationary_stride = static_cast<std::uint32_t>(stationary.rows);
    command.accumulator_line = static_cast<std::uint32_t>(sum.line);
    command.accumulator_stride = static_cast<std::uint32_t>(sum.rows);
    emit(encode(command), Engine::kArray,
         {lines(Space::kScratchpad, stream, false), lines(Space::kScratchpad, stationary, false),
          lines(Space::kAccumulator, sum, false), lines(Space::kAccumulator, sum, true)});
  }

  // ---------------------------------------------------------------- elementwise
  // The largest rectangle of a matrix, columns in whole memory panels, that takes at most `lines`.
  BlockSize elementwise_block(std::int64_t rows, std::int64_t columns, std::int64_t limit,
                              const std::string& what) const {
    const std::int64_t most_columns = ceil_div(columns, 64) * 64;
    for (std::int64_t width = most_columns; width >= 64; width = width / 128 * 64) {
      const std::int64_t height =
          std::min(rows, limit / lines_of(1, std::min(width, columns), areas_.lanes));
      if (height >= 1) return {height, width};
    }
    throw InputError(
        fmt::format("{}: not even one row of 64 elements fits the local memories: it needs {} "
                    "lines, there are {}; "
                    "give accelerator.accumulator.kib, accelerator.scratchpad.kib or the "
                    "compiler's limits more",
                    what, lines_of(1, std::min<std::int64_t>(64, columns), areas_.lanes), limit));
  }

  void for_each_block(
      const TensorLayout& place, const BlockSize& size,
      const std::function<void(std::int64_t, std::int64_t, std::int64_t, std::int64_t)>& body) {
    for (std::int64_t row = 0; row < place.rows; row += size.rows) {
      for (std::int64_t column = 0; column < place.columns; column += size.columns) {
        body(row, column, std::min(size.rows, place.rows - row),
             std::min(size.columns, place.columns - column));
      }
    }
  }

  template <class X>
  void lower(const X& op) {
    refuse(graph_, op, "");
  }

  void lower(const Convert& op) {
    const TensorLayout& place = layout(op.in);
    const BlockSize size = elementwise_block(place.rows, place.columns,
                                             std::min(areas_.sum_lines, areas_.output_lines),
                                             graph_.value(op.out).name);
    step_.blocks[op_] = size;
    std::int64_t turn = 0;
    Slots output_slots(areas_.output_line, areas_.output_lines,
                       lines_of(size.rows, std::min(size.columns, place.columns), areas_.lanes));
    for_each_block(
        place, size,
        [&](std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns) {
          Slots input(areas_.sum_line + turn++ % 2 * areas_.sum_pitch, areas_.sum_lines,
                      areas_.sum_lines);
          const Local in = load(input, {op.in, row, column, rows, columns});
          const Block target{op.out, row, column, rows, columns};
          const Local out{output_slots.take(target).first, rows, columns};
          emit_vector(
              convert_program(), rows, columns,
              {{Space::kAccumulator, in, false, false}, {Space::kScratchpad, out, true, false}});
          store(target, out.line);
        });
  }

  void lower(const AdamW& op) {
    const TensorLayout& place = layout(op.parameter);
    const std::int64_t region = areas_.all_lines / 4;  // parameter, gradient, two moments
    const BlockSize size =
        elementwise_block(place.rows, place.columns, region, graph_.value(op.new_parameter).name);
    step_.blocks[op_] = size;
    std::int64_t turn = 0;
    for_each_block(
        place, size,
        [&](std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns) {
          const std::int64_t base = turn++ % 2 * areas_.all_pitch;
          const std::array<ValueId, 4> operands{op.parameter, op.gradient, op.first_moment,
                                                op.second_moment};
          std::vector<Stream> streams;
          for (std::size_t i = 0; i < operands.size(); ++i) {
            Slots slot(base + static_cast<std::int64_t>(i) * region, region, region);
            streams.push_back({Space::kAccumulator,
                               load(slot, {operands[i], row, column, rows, columns}),
                               i != kAdamWGradient, false});
          }
          emit_vector(program_of(op), rows, columns, streams);
          store({op.new_parameter, row, column, rows, columns},
                streams[kAdamWParameter].local.line);
          store({op.new_first_moment, row, column, rows, columns},
                streams[kAdamWFirstMoment].local.line);
          store({op.new_second_moment, row, column, rows, columns},
                streams[kAdamWSecondMoment].local.line);
        });
  }

  const Graph& graph_;
  const MachineShape& machine_;
  const CompilerConfig& limits_;
  const LocalAreas areas_;
  Dependencies dependencies_;
  std::vector<std::pair<std::size_t, VectorProgram>> programs_;  // first instruction, program
  CompiledStep step_;
  int op_ = -1;
};

}  // namespace

CompiledStep compile(const Graph& graph, const MachineShape& machine, const CompilerConfig& limits,
                     std::uint64_t memory_size_bytes) {
  return Compiler(graph, machine, limits).run(memory_size_bytes);
}

std::string describe_command(const CompiledStep& step, const Graph& graph, std::size_t index) {
  if (index >= step.commands.size())
    return fmt::format("command {} (beyond the step's {})", index, step.commands.size());
  const CompiledCommand& command = step.commands[index];
  std::string name;
  switch (command.words[0] & 0xff) {
    case LoadCommand::kOpcode:
      name = "load";
      break;
    case StoreCommand::kOpcode:
      name = "store";
      break;
    case GemmCommand::kOpcode: {
      const std::uint32_t kind = decode_gemm(command.words).kind;
      name = kind < kGemmNames.size() ? std::string("gemm ") + kGemmNames[kind]
                                      : fmt::format("gemm of kind {}", kind);
      break;
    }
    case VectorCommand::kOpcode:
      name = "vector";
      break;
    case NopCommand::kOpcode:
      name = "nop";
      break;
    case HaltCommand::kOpcode:
      name = "halt";
      break;
    default:
      name = fmt::format("opcode {:#x}", command.words[0] & 0xff);
  }
  std::string text = fmt::format("command {} ({}", index, name);
  if (command.op >= 0) {
    text += " for " +
            graph.value(results_of(graph.ops[static_cast<std::size_t>(command.op)]).front()).name;
  }
  return text + ")";
}

}  // namespace corank
