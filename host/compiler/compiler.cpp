#include "host/compiler/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "host/compiler/ceil_div.h"
#include "host/compiler/dependencies.h"
#include "host/compiler/memory_map.h"
#include "host/compiler/schedule.h"
#include "host/compiler/slots.h"
#include "host/compiler/supported.h"
#include "host/compiler/vector_program.h"
#include "models/base/error.h"

namespace corank {
namespace {

using namespace interface;

constexpr std::int64_t kProgramMemoryInstructions = 256;  // vector_unit.sv
constexpr std::int64_t kInstructionsPerRow = kPanelRowBytes / 8;
constexpr std::size_t kTokenWord = 1;  // of a command: waits below, signals above (interface.yaml)
// Products that are carried out together with another one take places from its operands, and the
// array waits now and then: they must save more than about a hundredth.
constexpr double kCompanyPrice = 1.01;
constexpr std::size_t kChunksAhead = kTurns - 1;  // operands that are loaded before they are needed

Gemm counter_kind(const GemmKind& kind) {
  return static_cast<Gemm>(3 * static_cast<std::uint32_t>(kind.part) +
                           static_cast<std::uint32_t>(kind.pass));
}

class Compiler {
 public:
  Compiler(const Graph& graph, const MachineShape& machine, const CompilerConfig& limits,
           const WeightStream& stream, double memory_bytes_per_cycle)
      : graph_(graph),
        machine_(machine),
        limits_(limits),
        areas_(local_areas(machine, limits)),
        dependencies_(
            machine.scratchpad_kib * 1024LL / (areas_.lanes * 2) / machine.scratchpad_banks,
            machine.accumulator_kib * 1024LL / (areas_.lanes * 4) / machine.accumulator_banks),
        stream_(stream),
        memory_bytes_per_cycle_(memory_bytes_per_cycle) {}

  CompiledStep run(std::uint64_t memory_size) {
    check_supported(graph_);
    find_streamed_values();
    find_ordered_values();
    choose_layouts();
    step_.traffic.resize(graph_.values.size());
    gather_programs();
    std::vector<Stage> stages = schedule(graph_, [&](int op) { return cost_of(op); });
    decide(stages);
    step_.program_address = 0;
    const std::uint64_t program_bytes = static_cast<std::uint64_t>(program_rows() * kPanelRowBytes);
    const std::uint64_t values_address = (program_bytes + 4095) / 4096 * 4096;
    step_.tile_ring_address =
        place_values(graph_, stages, streamed_, values_address, step_.layouts);
    step_.tile_ring_address = (step_.tile_ring_address + 4095) / 4096 * 4096;

    load_programs();
    for (const Stage& stage : stages) lower(stage);
    op_ = -1;
    const std::uint64_t values_end = place_tiles();
    step_.commands.push_back({encode(HaltCommand{}), -1, kNoWaits});

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
  // ---------------------------------------------------------------- streamed weights
  // Those that only frozen products read, as their right operand.
  void find_streamed_values() {
    streamed_.assign(graph_.values.size(), false);
    if (!stream_.streamed) return;
    for (const Op& op : graph_.ops) {
      const auto* contraction = std::get_if<Contraction>(&op);
      if (contraction == nullptr) continue;
      for (const Term& term : contraction->terms) {
        if (graph_.value(term.right).role == Role::kFrozen)
          streamed_[static_cast<std::size_t>(term.right)] = true;
      }
    }
  }

  bool is_streamed(ValueId id) const { return streamed_[static_cast<std::size_t>(id)]; }

  bool streams(const Contraction& op) const {
    return std::any_of(op.terms.begin(), op.terms.end(),
                       [&](const Term& term) { return is_streamed(term.right); });
  }

  // Places of the ring take the largest tile; tile i goes to place i modulo their number.
  std::uint64_t place_tiles() {
    if (step_.tiles.empty()) return step_.tile_ring_address;
    std::uint64_t bytes = 0;
    for (const StreamTile& tile : step_.tiles) bytes = std::max(bytes, tile.layout.bytes());
    const std::uint64_t place_bytes = (bytes + 4095) / 4096 * 4096;
    step_.tile_ring_places =
        std::min<std::uint64_t>(step_.tiles.size(), static_cast<std::uint64_t>(stream_.ring_tiles));
    for (std::size_t i = 0; i < step_.tiles.size(); ++i) {
      StreamTile& tile = step_.tiles[i];
      tile.layout.address = step_.tile_ring_address + i % step_.tile_ring_places * place_bytes;
      for (const std::size_t index : tile.loads) {
        LoadCommand load = decode_load(step_.commands[index].words);
        const std::uint64_t address = tile.layout.address + load.address_lo;
        load.address_lo = static_cast<std::uint32_t>(address);
        load.address_hi = static_cast<std::uint32_t>(address >> 32);
        load.stream_take = index == tile.loads.front();
        load.stream_release = index == tile.loads.back();
        step_.commands[index].words = encode(load);
      }
    }
    return step_.tile_ring_address + step_.tile_ring_places * place_bytes;
  }

  // ---------------------------------------------------------------- order in memory
  // Those whose accesses must keep their order: what the device both writes and reads, and whatever
  // shares its memory with others. Nobody waits for the rest, which is most of a model.
  void find_ordered_values() {
    std::vector<bool> read(graph_.values.size(), false), written(read);
    for (const Op& op : graph_.ops) {
      for (const ValueId id : operands_of(op)) read[static_cast<std::size_t>(id)] = true;
      for (const ValueId id : results_of(op)) written[static_cast<std::size_t>(id)] = true;
    }
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
      ordered_.push_back((read[id] && written[id]) ||
                         graph_.values[id].role == Role::kIntermediate);
    }
  }

  // ---------------------------------------------------------------- stages
  OpCost cost_of(int index) const {
    const Op& op = graph_.ops[static_cast<std::size_t>(index)];
    OpCost cost;
    if (const auto* contraction = std::get_if<Contraction>(&op)) {
      for (const Term& term : contraction->terms) cost.array_cycles += macs_of(graph_, term);
      cost.array_cycles /= machine_.array_rows * machine_.array_columns;
      cost.may_be_beside = piece_size(*contraction).has_value();
      cost.may_ride = may_ride(*contraction);
      return cost;
    }
    const VectorProgram program =
        std::visit([&](const auto& node) { return program_of(node); }, op);
    const Value& value = graph_.value(results_of(op).front());
    cost.vector_cycles =
        ceil_div(element_count(value.shape), machine_.vector_lanes) * cycles_per_beat(program);
    const std::int64_t columns = std::min<std::int64_t>(64, layout(results_of(op).front()).columns);
    const std::int64_t operands = std::holds_alternative<AdamW>(op) ? kAdamWStreams : 1;
    cost.may_be_beside = lines_of(1, columns, areas_.lanes) <=
                         std::min(areas_.beside_lines / operands, areas_.output_lines);
    return cost;
  }

  // Leaves in a stage what pays to be carried out together; the rest gets stages of its own.
  void decide(std::vector<Stage>& stages) {
    std::vector<Stage> decided;
    for (const Stage& stage : stages) {
      const Stage together = contraction_at(stage.op) != nullptr ? what_pays(stage) : stage;
      std::vector<Stage> after;
      if (stage.rider >= 0 && together.rider < 0) {
        decided.push_back({stage.rider, {}});
        const auto out = static_cast<std::size_t>(contraction_at(stage.rider)->out);
        step_.layouts[out] = layout_of(static_cast<ValueId>(out), true);
      }
      for (const int op : stage.beside) {
        if (std::count(together.beside.begin(), together.beside.end(), op) > 0) continue;
        // Products beside may need the rider's result; what is element-wise may need theirs.
        const bool first = contraction_at(op) != nullptr && together.rider < 0;
        (first ? decided : after).push_back({op, {}});
      }
      decided.push_back(together);
      decided.insert(decided.end(), after.begin(), after.end());
    }
    stages = std::move(decided);
  }

  // The pieces of the ops beside it go between the blocks of the stage's own op, and the gemms of a
  // rider between the first ones.
  void lower(const Stage& stage) {
    use_ = use_of(stage);
    areas_ = local_areas(machine_, limits_, use_);
    pieces_.clear();
    next_piece_ = 0;
    for (const int beside : stage.beside) {
      op_ = beside;
      beside_ = true;
      std::visit([&](const auto& node) { cut(node); },
                 graph_.ops[static_cast<std::size_t>(beside)]);
    }
    op_ = stage.op;
    if (contraction_at(stage.op) != nullptr) {
      lower(*contraction_at(stage.op), stage.rider);
    } else {
      std::visit([&](const auto& node) { lower_alone(node); },
                 graph_.ops[static_cast<std::size_t>(stage.op)]);
    }
    emit_pieces(pieces_.size());
    while (!loaded_pieces_.empty()) multiply_piece();
  }

  // Of a product's stage, what is to be carried out together. Element-wise work costs the array
  // nothing; products do, so they must save something.
  Stage what_pays(const Stage& stage) const {
    Stage best{stage.op, {}};
    double best_cycles = kUnlimited;
    std::vector<int> products, elementwise;
    for (const int op : stage.beside)
      (contraction_at(op) != nullptr ? products : elementwise).push_back(op);
    for (const bool rides : {false, true}) {
      for (const bool with_products : {false, true}) {
        for (const bool with_elementwise : {true, false}) {
          // The element-wise ops may need the products' results, and those the rider's.
          if (rides && !with_products && with_elementwise && !products.empty()) continue;
          Stage part{stage.op, {}, rides ? stage.rider : -1};
          if (with_products) part.beside = products;
          if (with_elementwise)
            part.beside.insert(part.beside.end(), elementwise.begin(), elementwise.end());
          const bool extra = part.rider >= 0 || (with_products && !products.empty());
          const double cycles = cycles_of(part) * (extra ? kCompanyPrice : 1) +
                                (rides ? 0 : cycles_alone({stage.rider})) +
                                (with_products ? 0 : cycles_alone(products)) +
                                (with_elementwise ? 0 : cycles_alone(elementwise));
          if (cycles >= best_cycles) continue;
          best_cycles = cycles;
          best = part;
        }
      }
    }
    return best;
  }

  const Contraction* contraction_at(int op) const {
    return std::get_if<Contraction>(&graph_.ops[static_cast<std::size_t>(op)]);
  }

  BesideUse use_of(const Stage& stage) const {
    const Contraction* contraction = contraction_at(stage.op);
    BesideUse use{contraction != nullptr && contraction->bias.has_value(), false, false,
                  stage.rider >= 0};
    for (const int beside : stage.beside)
      (contraction_at(beside) != nullptr ? use.products : use.elementwise) = true;
    return use;
  }

  // Estimates: of a product together with what is in its stage, infinite where that does not fit;
  // and of ops one after another (-1: none).
  double cycles_of(const Stage& stage) const {
    ContractionShape shape = shape_of(*contraction_at(stage.op));
    const LocalAreas areas = local_areas(machine_, limits_, use_of(stage));
    if (stage.rider >= 0) {
      const auto rider = rider_of(stage.rider, *contraction_at(stage.op));
      if (!rider) return kUnlimited;
      limit_for_rider(*rider, areas, shape);
    }
    const auto size = block_of(shape, use_of(stage));
    if (!size) return kUnlimited;
    ProductTime sum = estimate(*size, shape, areas, machine_, memory_bytes_per_cycle_);
    for (const int op : stage.beside) {
      const ProductTime time = time_alone(op);
      sum.bus_cycles += time.bus_cycles;
      // Beside a product, the vector unit has time enough: the schedule sees to that.
      if (contraction_at(op) == nullptr) continue;
      const BlockSize piece = *piece_size(*contraction_at(op));
      const ContractionShape piece_shape = shape_of(*contraction_at(op));
      sum.array_cycles +=
          time.array_cycles +
          change_of_sums() *
              static_cast<double>(ceil_div(piece_shape.columns, piece.columns) *
                                  ceil_div(piece_shape.products.front().depth, piece.depth));
    }
    if (stage.rider >= 0) {
      // Its own operand, once for every block of rows, and its result.
      const Rider rider = *rider_of(stage.rider, *contraction_at(stage.op));
      const auto bytes = [&](ValueId id) { return static_cast<double>(layout(id).bytes()); };
      sum.bus_cycles += (bytes(rider.own_block(0, 1).value) *
                             static_cast<double>(ceil_div(shape.rows, size->rows)) +
                         bytes(rider.contraction->out)) /
                        bytes_per_cycle();
      sum.array_cycles +=
          time_alone(stage.rider).array_cycles +
          change_of_sums() * static_cast<double>(ceil_div(shape.rows, size->rows) *
                                                 ceil_div(rider.product.shape.depth, size->depth));
    }
    return std::max(sum.bus_cycles, sum.array_cycles);
  }

  // The search is long and a model's layers are alike, so results are kept.
  std::optional<BlockSize> block_of(const ContractionShape& shape, const BesideUse& use) const {
    std::vector<std::int64_t> key{shape.rows,      shape.columns,       shape.output_fp32,
                                  shape.has_bias,  shape.columns_outer, shape.streamed,
                                  shape.most_rows, shape.most_depth,    use.biases,
                                  use.elementwise, use.products,        use.rider};
    for (const ProductShape& product : shape.products)
      key.insert(key.end(),
                 {product.depth, product.stream_depth_major, product.stationary_depth_major});
    const auto [known, is_new] = blocks_.try_emplace(key);
    if (is_new) {
      known->second = find_block_size(shape, local_areas(machine_, limits_, use), machine_, limits_,
                                      memory_bytes_per_cycle_);
    }
    return known->second;
  }

  // What the array waits for a gemm with other sums in between, there and back.
  double change_of_sums() const { return 2 * static_cast<double>(2 * machine_.array_rows + 3); }

  double cycles_alone(const std::vector<int>& ops) const {
    double cycles = 0;
    for (const int op : ops) {
      if (op < 0) continue;
      const ProductTime time = time_alone(op);
      cycles += std::max(time.bus_cycles, time.array_cycles);
    }
    return cycles;
  }

  // Of an element-wise op, array_cycles are those of the vector unit.
  ProductTime time_alone(int op) const {
    if (contraction_at(op) != nullptr) {
      const ContractionShape shape = shape_of(*contraction_at(op));
      const LocalAreas areas = local_areas(machine_, limits_, use_of({op, {}}));
      const auto size = block_of(shape, use_of({op, {}}));
      if (!size) return {kUnlimited, kUnlimited};
      return estimate(*size, shape, areas, machine_, memory_bytes_per_cycle_);
    }
    const Op& node = graph_.ops[static_cast<std::size_t>(op)];
    std::uint64_t bytes = 0;
    for (const ValueId id : operands_of(node)) bytes += layout(id).bytes();
    for (const ValueId id : results_of(node)) bytes += layout(id).bytes();
    return {static_cast<double>(bytes) / bytes_per_cycle(),
            static_cast<double>(cost_of(op).vector_cycles)};
  }

  double bytes_per_cycle() const {
    return std::min(memory_bytes_per_cycle_, machine_.axi_data_bits / 8.0);
  }

  // Emits the pieces up to `end`. A product's piece is loaded now and multiplied `kChunksAhead`
  // calls later, so that the array does not wait for it; of two that are loaded the first is
  // multiplied before a third one takes its place.
  void emit_pieces(std::size_t end) {
    for (LoadedPiece& piece : loaded_pieces_) --piece.calls_left;
    while (!loaded_pieces_.empty() && loaded_pieces_.front().calls_left <= 0) multiply_piece();
    for (; next_piece_ < end; ++next_piece_) {
      const Piece& piece = pieces_[next_piece_];
      const int own = std::exchange(op_, piece.op);
      if (contraction_at(piece.op) != nullptr) {
        if (loaded_pieces_.size() == 2) multiply_piece();
        loaded_pieces_.push_back({piece.op, kChunksAhead, piece.emit()});
      } else {
        // It may need a gradient.
        while (!loaded_pieces_.empty()) multiply_piece();
        piece.emit();
      }
      op_ = own;
    }
  }

  void multiply_piece() {
    const LoadedPiece piece = std::move(loaded_pieces_.front());
    loaded_pieces_.pop_front();
    const int own = std::exchange(op_, piece.op);
    piece.multiply();
    op_ = own;
  }

  // ---------------------------------------------------------------- layouts and programs
  void choose_layouts() {
    // A bias is added along the columns of the stored output, so such an output is stored as it is.
    // Streamed weights come in blocks of output columns, so they must be the stationary operand,
    // which they are where the output is stored as it is.
    std::vector<bool> may_transpose(graph_.values.size(), true);
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
      if (streamed_[id]) may_transpose[id] = false;  // tiles are cut from the matrix as it is
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
      step_.layouts.push_back(layout_of(static_cast<ValueId>(id), may_transpose[id]));
  }

  TensorLayout layout_of(ValueId id, bool may_transpose) const {
    const Value& value = graph_.value(id);
    const std::int64_t rows = value.shape.size() < 2 ? 1 : value.shape[0];
    return corank::layout_of(value.dtype, rows, value.shape.back(), may_transpose);
  }

  VectorProgram program_of(const Contraction& op) const {
    return needs_epilogue(op) ? epilogue_program(op.scale, op.bias.has_value()) : VectorProgram{};
  }
  VectorProgram program_of(const Convert&) const { return convert_program(); }
  VectorProgram program_of(const AdamW& op) const { return adamw_program(op.constants); }
  template <class X>
  VectorProgram program_of(const X& op) const {
    refuse_op(graph_, op, "");
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
    const Waits waits = dependencies_.add(engine, accesses);
    CompiledCommand command{words, op_, waits};
    for (std::size_t from = 0; from < kEngines; ++from) {
      if (waits[from] < 0) continue;
      const std::uint32_t bit = token(static_cast<Engine>(from), engine);
      command.words[kTokenWord] |= bit;
      step_.commands[static_cast<std::size_t>(waits[from])].words[kTokenWord] |= bit << 16;
    }
    step_.commands.push_back(command);
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
    return fill_transfer(command, layout(block.value), block, line, write_memory);
  }

  template <class Command>
  std::vector<Access> fill_transfer(Command& command, const TensorLayout& place, const Block& block,
                                    std::int64_t line, bool write_memory) {
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
    const std::int64_t panels = ordered_[static_cast<std::size_t>(block.value)]
                                    ? ceil_div(block.columns, place.panel_columns())
                                    : 0;
    for (std::int64_t panel = 0; panel < panels; ++panel) {
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

  // A block of a streamed weight, which is part of the newest tile; addresses are those in the tile
  // until place_tiles.
  Local load_from_tile(Slots& slots, const Block& block, std::int64_t needed_again) {
    const auto [line, there] = slots.take(block, needed_again);
    StreamTile& tile = step_.tiles.back();
    if (!there || tile.loads.empty()) {
      const Block within{block.value, block.row - tile.row, block.column - tile.column, block.rows,
                         block.columns};
      LoadCommand command;
      const auto accesses = fill_transfer(command, tile.layout, within, line, false);
      tile.loads.push_back(step_.commands.size());
      emit(encode(command), Engine::kLoad, accesses);
    }
    return {line, block.rows, block.columns};
  }

  Local load(Slots& slots, const Block& block, std::int64_t needed_again = Slots::kNever) {
    const auto [line, there] = slots.take(block, needed_again);
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

  static std::int64_t lines_of(const Block& block, std::int64_t lanes) {
    return corank::lines_of(block.rows, block.columns, lanes);
  }
  static std::int64_t lines_of(std::int64_t rows, std::int64_t columns, std::int64_t lanes) {
    return corank::lines_of(rows, columns, lanes);
  }

  static Block operand_block(ValueId value, bool depth_major, std::int64_t depth,
                             std::int64_t depths, std::int64_t other, std::int64_t others) {
    return depth_major ? Block{value, depth, other, depths, others}
                       : Block{value, other, depth, others, depths};
  }

  std::vector<Product> products_of(const Contraction& op) const {
    std::vector<Product> products;
    for (const Term& term : op.terms)
      products.push_back(product_of(term, layout(op.out).transposed));
    return products;
  }

  ContractionShape shape_of(const Contraction& op) const {
    const TensorLayout& out = layout(op.out);
    ContractionShape shape;
    shape.rows = out.rows;
    shape.columns = out.columns;
    shape.output_fp32 = out.dtype == DType::F32;
    shape.has_bias = op.bias.has_value();
    shape.columns_outer = shape.streamed = streams(op);
    for (const Product& product : products_of(op)) shape.products.push_back(product.shape);
    return shape;
  }

  // ---------------------------------------------------------------- riders
  // A narrow product on its way with another one: it streams the blocks that the other one's first
  // term streams, and brings its own stationary operand. (The array reads the next gemm's
  // stationary operand while it streams this one's rows, so what one streams the other must not
  // have as its stationary operand: both would read one bank.)
  struct Rider {
    int op = -1;
    const Contraction* contraction = nullptr;
    Product product;
    std::int64_t width = 0;  // columns of its result

    Block own_block(std::int64_t depth, std::int64_t depths) const {
      return operand_block(product.stationary, product.shape.stationary_depth_major, depth, depths,
                           0, width);
    }
  };

  // Nothing where the other product does not stream what they share.
  std::optional<Rider> rider_of(int op, const Contraction& host) const {
    Rider rider;
    rider.op = op;
    rider.contraction = contraction_at(op);
    rider.product = products_of(*rider.contraction).front();
    rider.width = layout(rider.contraction->out).columns;
    const Product shared = products_of(host).front();
    if (rider.product.stream != shared.stream ||
        rider.product.shape.stream_depth_major != shared.shape.stream_depth_major ||
        rider.product.shape.depth != shared.shape.depth || layout(host.out).columns < 64)
      return std::nullopt;
    return rider;
  }

  // Whether a product is narrow enough.
  bool may_ride(const Contraction& op) const {
    const Shape& shape = graph_.value(op.out).shape;
    return op.terms.size() == 1 && !op.bias && !streams(op) &&
           graph_.value(op.out).dtype == DType::BF16 && shape.back() <= 64;
  }

  // What a rider asks of the other product's blocks: its sums lie where those of element-wise work
  // would, of its own operand there are two buffers at least. All blocks of the first columns,
  // which it goes along with, come first.
  void limit_for_rider(const Rider& rider, const LocalAreas& areas, ContractionShape& shape) const {
    const std::int64_t panels = ceil_div(rider.width, areas.lanes);
    shape.columns_outer = true;
    shape.most_rows = areas.beside_lines / panels;
    shape.most_depth = rider.product.shape.stationary_depth_major
                           ? areas.rider_lines / 2 / panels
                           : areas.rider_lines / 2 / rider.width * areas.lanes;
  }

  void lower(const Contraction& op, int rider_op) {
    ContractionShape shape = shape_of(op);
    std::optional<Rider> rider;
    if (rider_op >= 0) {
      rider = rider_of(rider_op, op);
      limit_for_rider(*rider, areas_, shape);
    }
    const std::vector<Product> products = products_of(op);
    const auto found = block_of(shape, use_);
    if (!found) refuse_blocks(shape, areas_, limits_, graph_.value(op.out).name);
    const BlockSize size = *found;
    step_.blocks[op_] = size;

    Slots stream_slots(areas_.stream_line, areas_.stream_lines,
                       stream_lines(size, shape, areas_.lanes), next_stream_line_);
    Slots stationary_slots(areas_.stationary_line, areas_.stationary_lines,
                           stationary_lines(size, shape, areas_.lanes), next_stationary_line_);
    Slots output_slots(areas_.output_line, areas_.output_lines,
                       std::min(output_lines(size, shape, areas_.lanes), areas_.output_lines),
                       next_output_line_);
    Slots bias_slots(areas_.bias_line, areas_.bias_lines,
                     lines_of(1, std::min(size.columns, shape.columns), areas_.lanes));
    // The gemms in their order: blocks, and of each block the products and their depth.
    struct Chunk {
      std::int64_t row, column;
      const Product* product;
      std::int64_t depth;
      bool first, last;                                                             // of the block
      std::int64_t stream_again = Slots::kNever, stationary_again = Slots::kNever;  // later chunks
    };
    std::vector<Chunk> chunks;
    const auto add_block = [&](std::int64_t row, std::int64_t column) {
      const std::size_t begin = chunks.size();
      for (const Product& product : products) {
        for (std::int64_t depth = 0; depth < product.shape.depth; depth += size.depth)
          chunks.push_back({row, column, &product, depth, chunks.size() == begin, false});
      }
      chunks.back().last = true;
    };
    const std::int64_t outer_step = size.columns_outer ? size.columns : size.rows;
    const std::int64_t inner_step = size.columns_outer ? size.rows : size.columns;
    for (std::int64_t outer = 0; outer < (size.columns_outer ? shape.columns : shape.rows);
         outer += outer_step) {
      for (std::int64_t inner = 0; inner < (size.columns_outer ? shape.rows : shape.columns);
           inner += inner_step) {
        size.columns_outer ? add_block(inner, outer) : add_block(outer, inner);
      }
    }

    find_next_uses(chunks);

    struct Operands {
      Local stream, stationary;
      Local rider;  // its own
    };
    Slots rider_slots(
        areas_.rider_line, areas_.rider_lines,
        rider ? lines_of(rider->own_block(0, size.depth), areas_.lanes) : areas_.stream_lines);
    const auto rides = [&](const Chunk& chunk) {
      return rider && chunk.column == 0 && chunk.product == &products.front();
    };
    std::int64_t tile_column = -1;
    const auto load_operands = [&](const Chunk& chunk) {
      const Product& product = *chunk.product;
      const std::int64_t rows = std::min(size.rows, shape.rows - chunk.row);
      const std::int64_t columns = std::min(size.columns, shape.columns - chunk.column);
      const std::int64_t depths = std::min(size.depth, product.shape.depth - chunk.depth);
      if (is_streamed(product.stationary) && chunk.column != tile_column) {
        begin_tile(product, chunk.column, columns);
        tile_column = chunk.column;
      }
      Operands operands;
      operands.stream = load(stream_slots,
                             operand_block(product.stream, product.shape.stream_depth_major,
                                           chunk.depth, depths, chunk.row, rows),
                             chunk.stream_again);
      const Block right = operand_block(product.stationary, product.shape.stationary_depth_major,
                                        chunk.depth, depths, chunk.column, columns);
      operands.stationary = is_streamed(product.stationary)
                                ? load_from_tile(stationary_slots, right, chunk.stationary_again)
                                : load(stationary_slots, right, chunk.stationary_again);
      if (rides(chunk)) operands.rider = load(rider_slots, rider->own_block(chunk.depth, depths));
      return operands;
    };
    Local sum;
    const auto multiply = [&](const Chunk& chunk, const Operands& operands) {
      const std::int64_t rows = std::min(size.rows, shape.rows - chunk.row);
      const std::int64_t columns = std::min(size.columns, shape.columns - chunk.column);
      const std::int64_t depths = std::min(size.depth, chunk.product->shape.depth - chunk.depth);
      if (chunk.first)
        sum = {areas_.sum_line + sums_++ % size.sum_buffers * areas_.sum_pitch, rows, columns};
      // A single buffer of sums goes from the array to the vector unit and back in slices.
      const bool sliced = size.slice > 0 && (chunk.first || chunk.last);
      const std::int64_t slice = sliced ? size.slice : columns;
      for (std::int64_t first = 0; first < columns; first += slice) {
        const std::int64_t count = std::min(slice, columns - first);
        const Local part = panels_of(sum, first, count);
        emit_gemm(*chunk.product, depths, operands.stream, operands.stationary, first, part,
                  !chunk.first);
        if (chunk.last) {
          finish_block(op, {op.out, chunk.row, chunk.column + first, rows, count}, part, bias_slots,
                       output_slots);
        }
      }
    };
    const auto multiply_rider = [&](const Chunk& chunk, const Operands& operands) {
      const int own = std::exchange(op_, rider->op);
      const std::int64_t rows = std::min(size.rows, shape.rows - chunk.row);
      const std::int64_t depths = std::min(size.depth, chunk.product->shape.depth - chunk.depth);
      const Local rider_sum{areas_.beside_line, rows, rider->width};
      emit_gemm(rider->product, depths, operands.stream, operands.rider, 0, rider_sum,
                !chunk.first);
      if (chunk.depth + depths == chunk.product->shape.depth) {
        finish_block(*rider->contraction,
                     {rider->contraction->out, chunk.row, 0, rows, rider->width}, rider_sum,
                     bias_slots, output_slots);
      }
      op_ = own;
    };
    // Loads are some chunks ahead of their gemms in the ring, so that the commands that end a block
    // do not hold them back; never more than their places allow, and never before the rider has
    // stored what they load.
    std::size_t ahead =
        static_cast<std::size_t>(std::min(stream_slots.count(), stationary_slots.count()) - 1);
    if (rider) ahead = std::min(ahead, static_cast<std::size_t>(rider_slots.count() - 1));
    ahead = std::min(ahead, kChunksAhead);
    stream_slots.protect(kTurns);
    stationary_slots.protect(kTurns);
    const auto last_ridden = std::find_if(chunks.rbegin(), chunks.rend(), rides);
    const auto ridden =
        static_cast<std::size_t>(chunks.rend() - last_ridden);  // chunks up to there
    std::deque<Operands> loaded;
    std::size_t next = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      // Between the gemms the pieces of the ops beside them are spread evenly, behind the rider,
      // whose result they may need and whose sums lie where theirs will.
      if (i >= ridden) emit_pieces(pieces_.size() * (i + 1 - ridden) / (chunks.size() - ridden));
      for (; next < std::min(chunks.size(), i + 1 + ahead); ++next) {
        const bool waits = next > i && i < ridden && chunks[next].product != &products.front();
        if (waits) break;
        loaded.push_back(load_operands(chunks[next]));
      }
      multiply(chunks[i], loaded.front());
      if (rides(chunks[i])) multiply_rider(chunks[i], loaded.front());
      loaded.pop_front();
    }
    next_stream_line_ = stream_slots.next();
    next_stationary_line_ = stationary_slots.next();
    next_output_line_ = output_slots.next();
  }

  // When each chunk's operands are needed again.
  template <class Chunks>
  static void find_next_uses(Chunks& chunks) {
    using Key = std::tuple<const Product*, std::int64_t, std::int64_t>;
    std::map<Key, std::int64_t> stream, stationary;
    for (std::size_t i = chunks.size(); i-- > 0;) {
      auto& chunk = chunks[i];
      const auto note = [&](std::map<Key, std::int64_t>& uses, std::int64_t place,
                            std::int64_t& again) {
        const auto [use, first] = uses.try_emplace({chunk.product, place, chunk.depth}, 0);
        if (!first) again = use->second;
        use->second = static_cast<std::int64_t>(i);
      };
      note(stream, chunk.row, chunk.stream_again);
      note(stationary, chunk.column, chunk.stationary_again);
    }
  }

  // The part of a streamed weight that a block of output columns needs, over the whole depth.
  void begin_tile(const Product& product, std::int64_t column, std::int64_t columns) {
    const Block block = operand_block(product.stationary, product.shape.stationary_depth_major, 0,
                                      product.shape.depth, column, columns);
    StreamTile tile;
    tile.value = block.value;
    tile.row = block.row;
    tile.column = block.column;
    tile.layout = corank::layout_of(DType::BF16, block.rows, block.columns, false);
    step_.tiles.push_back(tile);
  }

  // The blocks of a narrow product that is carried out beside another one: all its rows, a panel of
  // columns, and as much of the depth as a buffer takes, in equal parts. Nothing where it cannot
  // be: the result must be as the sums are, and the operands lie in memory.
  std::optional<BlockSize> piece_size(const Contraction& op) const {
    if (op.terms.size() != 1 || needs_epilogue(op) || streams(op)) return std::nullopt;
    const ContractionShape shape = shape_of(op);
    const LocalAreas areas = local_areas(machine_, limits_, {false, false, true});
    const std::int64_t depth = shape.products.front().depth;
    BlockSize size{shape.rows, 64, ceil_div(depth, 64) * 64};
    while (size.depth > 0 &&
           (stream_lines(size, shape, areas.lanes) > areas.piece_stream_lines ||
            stationary_lines(size, shape, areas.lanes) > areas.piece_stationary_lines))
      size.depth -= 64;
    if (size.depth == 0 || lines_of(shape.rows, 64, areas.lanes) > areas.beside_lines)
      return std::nullopt;
    const std::int64_t parts = ceil_div(depth, size.depth);
    size.depth = ceil_div(ceil_div(depth, parts), 64) * 64;
    return size;
  }

  void cut(const Contraction& op) {
    const BlockSize size = *piece_size(op);
    step_.blocks[op_] = size;
    const ContractionShape shape = shape_of(op);
    const Product product = products_of(op).front();
    const Buffers sums = buffers();
    std::size_t turn = 0;
    for (std::int64_t column = 0; column < shape.columns; column += size.columns, ++turn) {
      const std::int64_t columns = std::min(size.columns, shape.columns - column);
      const Local sum{sums.at(turn), shape.rows, columns};
      // Each part of the depth by itself, so that the loads of the one need not wait for the other.
      for (std::int64_t depth = 0; depth < product.shape.depth; depth += size.depth) {
        const std::int64_t depths = std::min(size.depth, product.shape.depth - depth);
        add_piece([=] {
          const std::int64_t half = piece_turn_++ % 2;
          const auto buffer = [&](std::int64_t line, std::int64_t lines) {
            return Slots(line + half * lines, lines, lines);
          };
          Slots stream_slot = buffer(areas_.piece_stream_line, areas_.piece_stream_lines);
          Slots stationary_slot =
              buffer(areas_.piece_stationary_line, areas_.piece_stationary_lines);
          const Local stream =
              load(stream_slot, operand_block(product.stream, product.shape.stream_depth_major,
                                              depth, depths, 0, shape.rows));
          const Local stationary =
              load(stationary_slot,
                   operand_block(product.stationary, product.shape.stationary_depth_major, depth,
                                 depths, column, columns));
          return [=] {
            emit_gemm(product, depths, stream, stationary, 0, sum, depth != 0);
            if (depth + depths == product.shape.depth)
              store({op.out, 0, column, shape.rows, columns}, sum.line);
          };
        });
      }
    }
  }

  // Columns [first, first + count) of a block in a local memory; `first` begins a line.
  Local panels_of(const Local& block, std::int64_t first, std::int64_t count) const {
    return {block.line + first / areas_.lanes * block.rows, block.rows, count};
  }

  // From the sums of a block of the output to memory.
  void finish_block(const Contraction& op, const Block& target, const Local& sum, Slots& bias_slots,
                    Slots& output_slots) {
    if (!needs_epilogue(op)) {
      store(target, sum.line);
      return;
    }
    Stream bias;
    if (op.bias) {
      bias = {Space::kAccumulator,
              load(bias_slots, {*op.bias, 0, target.column, 1, target.columns}), false, true};
    }
    Stream result{Space::kAccumulator, sum, true, false};
    if (layout(op.out).dtype != DType::F32) {
      result = {Space::kScratchpad,
                {output_slots.take(target).first, target.rows, target.columns},
                true,
                false};
    }
    emit_vector(program_of(op), target.rows, target.columns,
                {{Space::kAccumulator, sum, false, false}, bias, result});
    store(target, result.local.line);
  }

  // sum (+)= stream . columns [first, first + sum.columns) of the stationary block.
  void emit_gemm(const Product& product, std::int64_t depth, const Local& stream,
                 const Local& stationary, std::int64_t first, const Local& sum, bool accumulate) {
    GemmCommand command;
    command.kind = static_cast<std::uint32_t>(product.kind);
    command.accumulate = accumulate;
    command.stream_transposed = product.shape.stream_depth_major;
    command.stationary_transposed = !product.shape.stationary_depth_major;
    command.rows = static_cast<std::uint32_t>(sum.rows);
    command.columns = static_cast<std::uint32_t>(sum.columns);
    command.depth = static_cast<std::uint32_t>(depth);
    command.stream_line = static_cast<std::uint32_t>(stream.line);
    command.stream_stride = static_cast<std::uint32_t>(stream.rows);
    const std::int64_t from = product.shape.stationary_depth_major
                                  ? panels_of(stationary, first, sum.columns).line
                                  : stationary.line + first;
    command.stationary_line = static_cast<std::uint32_t>(from);
    command.stationary_stride = static_cast<std::uint32_t>(stationary.rows);
    command.accumulator_line = static_cast<std::uint32_t>(sum.line);
    command.accumulator_stride = static_cast<std::uint32_t>(sum.rows);
    emit(encode(command), Engine::kArray,
         {lines(Space::kScratchpad, stream, false), lines(Space::kScratchpad, stationary, false),
          lines(Space::kAccumulator, sum, false), lines(Space::kAccumulator, sum, true)});
  }

  // ---------------------------------------------------------------- elementwise
  // A rectangle of a matrix that takes at most `limit` lines, columns in whole memory panels;
  // rather tall than wide, so that what lies together in memory is transferred together.
  BlockSize elementwise_block(std::int64_t rows, std::int64_t columns, std::int64_t limit,
                              const std::string& what) const {
    const std::int64_t panel = lines_of(1, std::min<std::int64_t>(64, columns), areas_.lanes);
    const std::int64_t height = std::min(rows, limit / panel);
    if (height >= 1) {
      const std::int64_t most = ceil_div(columns, 64);
      return {height, std::clamp<std::int64_t>(limit / height / panel, 1, most) * 64};
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

  // An element-wise op alone: its pieces, one after another.
  template <class X>
  void lower_alone(const X& op) {
    beside_ = false;
    cut(op);
  }

  template <class X>
  void cut(const X& op) {
    refuse_op(graph_, op, "");
  }

  // The two buffers of the accumulators that element-wise work takes turns with.
  struct Buffers {
    std::int64_t line, lines, pitch;
    std::int64_t at(std::size_t turn) const {
      return line + static_cast<std::int64_t>(turn % 2) * pitch;
    }
  };
  Buffers buffers() const {
    return beside_ ? Buffers{areas_.beside_line, areas_.beside_lines, areas_.beside_pitch}
                   : Buffers{0, areas_.alone_lines, areas_.alone_pitch};
  }

  void add_piece(std::function<std::function<void()>()> emit) {
    pieces_.push_back({op_, std::move(emit)});
  }

  void cut(const Convert& op) {
    const TensorLayout& place = layout(op.in);
    const Buffers in_buffers = buffers();
    const BlockSize size = elementwise_block(place.rows, place.columns,
                                             std::min(in_buffers.lines, areas_.output_lines / 2),
                                             graph_.value(op.out).name);
    step_.blocks[op_] = size;
    const std::int64_t slot_lines =
        lines_of(size.rows, std::min(size.columns, place.columns), areas_.lanes);
    for_each_block(
        place, size,
        [&](std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns) {
          const std::size_t turn = pieces_.size();
          add_piece([=] {
            Slots input(in_buffers.at(turn), slot_lines, slot_lines);
            const Local in = load(input, {op.in, row, column, rows, columns});
            const Local out{areas_.output_line + static_cast<std::int64_t>(turn % 2) * slot_lines,
                            rows, columns};
            emit_vector(
                convert_program(), rows, columns,
                {{Space::kAccumulator, in, false, false}, {Space::kScratchpad, out, true, false}});
            store({op.out, row, column, rows, columns}, out.line);
            return nullptr;
          });
        });
  }

  void cut(const AdamW& op) {
    const TensorLayout& place = layout(op.parameter);
    const Buffers operand_buffers = buffers();
    const std::int64_t region = operand_buffers.lines / kAdamWStreams;
    const BlockSize size =
        elementwise_block(place.rows, place.columns, region, graph_.value(op.new_parameter).name);
    step_.blocks[op_] = size;
    for_each_block(
        place, size,
        [&](std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns) {
          const std::size_t turn = pieces_.size();
          add_piece([=] {
            const std::array<ValueId, kAdamWStreams> operands{op.parameter, op.gradient,
                                                              op.first_moment, op.second_moment};
            std::vector<Stream> streams;
            for (std::size_t i = 0; i < operands.size(); ++i) {
              Slots slot(operand_buffers.at(turn) + static_cast<std::int64_t>(i) * region, region,
                         region);
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
            return nullptr;
          });
        });
  }

  // What is emitted between the blocks of a product, or after it; of a product's piece, the loads.
  // Returns what is to be emitted later.
  struct Piece {
    int op;
    std::function<std::function<void()>()> emit;
  };
  struct LoadedPiece {
    int op;
    std::int64_t calls_left;  // of emit_pieces()
    std::function<void()> multiply;
  };

  const Graph& graph_;
  const MachineShape& machine_;
  const CompilerConfig& limits_;
  BesideUse use_;     // of the stage that is lowered
  LocalAreas areas_;  // for that
  mutable std::map<std::vector<std::int64_t>, std::optional<BlockSize>> blocks_;  // found so far
  Dependencies dependencies_;
  std::vector<std::pair<std::size_t, VectorProgram>> programs_;  // first instruction, program
  CompiledStep step_;
  const WeightStream stream_;
  const double memory_bytes_per_cycle_;
  std::vector<bool> streamed_, ordered_;  // by value
  std::vector<Piece> pieces_;
  std::size_t next_piece_ = 0;
  std::deque<LoadedPiece> loaded_pieces_;
  std::int64_t next_stream_line_ = 0, next_stationary_line_ = 0, next_output_line_ = 0;
  std::int64_t sums_ = 0;        // blocks so far: they take turns with the buffers of sums
  std::int64_t piece_turn_ = 0;  // of the buffers of products beside another
  bool beside_ = false;          // whether what is cut goes beside a product
  int op_ = -1;
};

}  // namespace

CompiledStep compile(const Graph& graph, const MachineShape& machine, const CompilerConfig& limits,
                     std::uint64_t memory_size_bytes, const WeightStream& stream,
                     double memory_bytes_per_cycle) {
  return Compiler(graph, machine, limits, stream, memory_bytes_per_cycle).run(memory_size_bytes);
}

}  // namespace corank
