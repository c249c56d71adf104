#include "host/compiler/command_emitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/compiler/ceil_div.h"
#include "models/base/error.h"

namespace corank {
namespace {

constexpr std::size_t kTokenWord = 1;  // of a command: waits below, signals above (interface.yaml)

}  // namespace

using namespace interface;

CommandEmitter::CommandEmitter(const StepContext& step)
    : step_(step),
      lanes_(memory_lanes(step.machine)),
      local_lines_{scratchpad_lines(step.machine), accumulator_lines(step.machine)},
      dependencies_(scratchpad_lines(step.machine) / step.machine.scratchpad_banks,
                    accumulator_lines(step.machine) / step.machine.accumulator_banks) {
  made_.traffic.resize(step.plan.layouts.size());
}

void CommandEmitter::load_programs() {
  if (step_.programs.fit() && !step_.programs.instructions.empty())
    load_program(-1, 0, step_.programs.instructions.size(), 0);
}

// `first` begins a row of the panel.
void CommandEmitter::load_program(int op, std::size_t first, std::size_t length, std::size_t to) {
  const std::uint64_t address =
      kProgramAddress + first / kInstructionsPerRow * static_cast<std::uint64_t>(kPanelRowBytes);
  const auto rows =
      static_cast<std::uint32_t>(ceil_div(static_cast<std::int64_t>(length), kInstructionsPerRow));
  LoadCommand load;
  load.target = kTargetProgram;
  load.address_lo = static_cast<std::uint32_t>(address);
  load.rows = rows;
  load.columns = static_cast<std::uint32_t>(kInstructionsPerRow);
  load.panel_stride = rows * static_cast<std::uint32_t>(kPanelRowBytes);
  load.line = static_cast<std::uint32_t>(to);
  const auto begin = static_cast<std::int64_t>(to);
  const std::int64_t end =
      step_.programs.fit() ? interface::kProgramInstructions : begin + rows * kInstructionsPerRow;
  emit(op, encode(load), Engine::kLoad, {{Space::kProgram, begin, end, true}});
}

// The oldest ones make room: the program memory is a ring.
std::size_t CommandEmitter::resident(int op, const ProgramPlace& place) {
  if (step_.programs.fit()) return place.first;
  for (const auto& [first, there] : resident_)
    if (there.first == place.first) return first;
  constexpr auto kRow = static_cast<std::size_t>(kInstructionsPerRow);
  const std::size_t size = (place.length + kRow - 1) / kRow * kRow;
  if (next_resident_ + size > interface::kProgramInstructions) next_resident_ = 0;
  const std::size_t first = next_resident_;
  for (auto other = resident_.begin(); other != resident_.end();) {
    const bool overlaps =
        other->first < first + size && first < other->first + other->second.length;
    other = overlaps ? resident_.erase(other) : std::next(other);
  }
  resident_[first] = place;
  next_resident_ = first + size;
  load_program(op, place.first, place.length, first);
  return first;
}

void CommandEmitter::check_lines(int op, const Access& access) const {
  if (access.space != Space::kScratchpad && access.space != Space::kAccumulator) return;
  const std::int64_t lines = local_lines_[static_cast<std::size_t>(access.space)];
  if (access.begin >= 0 && access.end <= lines) return;
  throw MachineError(
      fmt::format("internal fault, please report it: a command for {} touches lines {} to {} of "
                  "the {}, which has {}",
                  result_name(step_.graph, step_.op(op)), access.begin, access.end - 1,
                  access.space == Space::kScratchpad ? "scratchpad" : "accumulator memory", lines));
}

void CommandEmitter::emit(int op, const CommandWords& words, Engine engine,
                          const std::vector<Access>& accesses) {
  for (const Access& access : accesses) check_lines(op, access);
  const Waits waits = dependencies_.add(engine, accesses);
  CompiledCommand command{words, op, waits};
  for (std::size_t from = 0; from < kEngines; ++from) {
    if (waits[from] < 0) continue;
    const std::uint32_t bit = token(static_cast<Engine>(from), engine);
    command.words[kTokenWord] |= bit;
    made_.commands.change(static_cast<std::size_t>(waits[from]),
                          [&](CompiledCommand& giver) { giver.words[kTokenWord] |= bit << 16; });
  }
  made_.commands.push_back(command);
}

Access CommandEmitter::lines(Space space, const Local& local, bool write) const {
  return {space, local.line, local.line + lines_of(local.rows, local.columns, lanes_), write};
}

template <class Command>
std::vector<Access> CommandEmitter::fill_transfer(Command& command, const TensorLayout& place,
                                                  const Block& block, std::int64_t line,
                                                  bool write_memory) {
  if ((place.first_column + block.column) % place.panel_columns() != 0) {
    throw MachineError(fmt::format(
        "internal fault, please report it: a transfer of {} begins at column {}, within a panel",
        step_.graph.value(block.value).name, block.column));
  }
  const std::uint64_t address = place.panel_row_address(block.row, block.column);
  command.target = place.format == ElementFormat::kBf16 ? kTargetScratchpad : kTargetAccumulator;
  command.address_lo = static_cast<std::uint32_t>(address);
  command.address_hi = static_cast<std::uint32_t>(address >> 32);
  command.rows = static_cast<std::uint32_t>(block.rows);
  command.columns = static_cast<std::uint32_t>(block.columns);
  command.panel_stride = static_cast<std::uint32_t>(place.panel_stride());
  command.line = static_cast<std::uint32_t>(line);
  command.line_stride = static_cast<std::uint32_t>(block.rows);
  std::vector<Access> accesses;
  const std::int64_t panels = step_.plan.ordered[static_cast<std::size_t>(block.value)]
                                  ? ceil_div(block.columns, place.panel_columns())
                                  : 0;
  for (std::int64_t panel = 0; panel < panels; ++panel) {
    const auto begin = static_cast<std::int64_t>(address + static_cast<std::uint64_t>(panel) *
                                                               place.panel_stride());
    accesses.push_back({Space::kMemory, begin, begin + block.rows * kPanelRowBytes, write_memory});
  }
  accesses.push_back(
      lines(space_of(block.value), {line, block.rows, block.columns}, !write_memory));
  ValueTraffic& traffic = made_.traffic[static_cast<std::size_t>(block.value)];
  const auto bytes = static_cast<std::uint64_t>(block.rows * kPanelRowBytes *
                                                ceil_div(block.columns, place.panel_columns()));
  (write_memory ? traffic.stored_bytes : traffic.loaded_bytes) += bytes;
  return accesses;
}

Local CommandEmitter::load(int op, const Block& block, std::int64_t line) {
  if (step_.packed(block.value) != nullptr) return load_packed(op, block, line);
  TensorLayout place = step_.layout(block.value);
  Block within = block;
  if (step_.is_streamed(block.value)) {
    StreamTile& tile = made_.tiles.back();
    tile.loads.push_back(made_.commands.size());
    place = tile.layout;
    within.row -= tile.row;
    within.column -= tile.column;
  }
  LoadCommand command;
  const auto accesses = fill_transfer(command, place, within, line, false);
  emit(op, encode(command), Engine::kLoad, accesses);
  return {line, block.rows, block.columns};
}

// Decoded as it is loaded.
Local CommandEmitter::load_packed(int op, const Block& block, std::int64_t line) {
  const PackedPlace& weight = *step_.packed(block.value);
  const bool streamed = step_.is_streamed(block.value);
  Block piece = block;
  for (std::int64_t done = 0; done < block.rows; done += piece.rows) {
    piece.row = block.row + done;
    piece.rows = block.rows - done;
    piece.rows = load_tables(op, weight, piece);
    const PackedLayout* place = &weight.layout;
    std::int64_t first_row = 0, first_column = 0;  // of the matrix there
    if (streamed) {
      StreamTile& tile = made_.tiles.back();
      tile.loads.push_back(made_.commands.size());
      place = &*tile.packed;
      first_row = tile.row;
      first_column = tile.column;
    }
    const std::uint64_t address =
        place->address_of(piece.row - first_row, piece.column - first_column);
    LoadQuantizedCommand command = place->fields;
    command.address_lo = static_cast<std::uint32_t>(address);
    command.address_hi = static_cast<std::uint32_t>(address >> 32);
    command.rows = static_cast<std::uint32_t>(piece.rows);
    command.columns = static_cast<std::uint32_t>(piece.columns);
    command.panel_stride = static_cast<std::uint32_t>(place->panel_stride());
    command.line = static_cast<std::uint32_t>(line + done);
    command.line_stride = static_cast<std::uint32_t>(block.rows);
    command.position = position_of(weight, piece);
    count_loaded(block.value, loaded_bytes(command));
    emit(op, encode(command), Engine::kLoad,
         {lines(Space::kScratchpad, {line, block.rows, block.columns}, true)});
  }
  return {line, block.rows, block.columns};
}

// From the first nested scale of what the tables do not have on, as many as they hold, so that the
// blocks below find theirs there.
std::int64_t CommandEmitter::load_tables(int op, const PackedPlace& weight, const Block& block) {
  if (weight.nested_bytes == 0) return block.rows;
  if (tables_.map_address != weight.map_address) {
    load_scales(op, block.value, true, weight.map_address, kDecoderMapWords);
    tables_.map_address = weight.map_address;
  }
  const std::int64_t row_elements = weight.layout.columns;
  const std::int64_t first_element = block.row * row_elements + block.column;
  const auto end_of = [&](std::int64_t rows) {  // of the nested scales of so many rows
    return (first_element + (rows - 1) * row_elements + block.columns - 1) / kNestedElements + 1;
  };
  const std::int64_t first = first_element / kNestedElements;
  const bool there = tables_.value == block.value && first >= tables_.first;
  if (there && end_of(block.rows) <= tables_.first + tables_.count) return block.rows;
  tables_.value = block.value;
  tables_.first = first / kPanelColumnsFp32 * kPanelColumnsFp32;
  const auto all =
      static_cast<std::int64_t>(weight.nested_bytes / sizeof(float));  // in whole rows of memory
  tables_.count = std::min<std::int64_t>(kDecoderNestedWords, all - tables_.first);
  load_scales(op, block.value, false,
              weight.nested_address + static_cast<std::uint64_t>(tables_.first) * sizeof(float),
              tables_.count);
  std::int64_t rows = block.rows;
  while (end_of(rows) > tables_.first + tables_.count)
    rows = (ceil_div(rows, kPackedRows) - 1) * kPackedRows;
  return rows;
}

void CommandEmitter::load_scales(int op, ValueId value, bool to_map, std::uint64_t address,
                                 std::int64_t words) {
  LoadScalesCommand command;
  command.to_map = to_map;
  command.address_lo = static_cast<std::uint32_t>(address);
  command.address_hi = static_cast<std::uint32_t>(address >> 32);
  command.rows = static_cast<std::uint32_t>(ceil_div(words, kPanelColumnsFp32));
  count_loaded(value, command.rows * std::int64_t{kPanelRowBytes});
  emit(op, encode(command), Engine::kLoad, {});
}

// Modulo 2^32, of which every block that straddles rows is a divisor.
std::uint32_t CommandEmitter::position_of(const PackedPlace& weight, const Block& block) const {
  const std::int64_t row_elements = weight.layout.fields.row_elements;
  if (row_elements == 0) return 0;
  const std::int64_t first = weight.nested_bytes > 0 ? tables_.first * kNestedElements : 0;
  return static_cast<std::uint32_t>(block.row * row_elements + block.column - first);
}

void CommandEmitter::count_loaded(ValueId value, std::int64_t bytes) {
  made_.traffic[static_cast<std::size_t>(value)].loaded_bytes += static_cast<std::uint64_t>(bytes);
}

void CommandEmitter::store(int op, const Block& block, std::int64_t line) {
  StoreCommand command;
  const auto accesses = fill_transfer(command, step_.layout(block.value), block, line, true);
  emit(op, encode(command), Engine::kStore, accesses);
}

void CommandEmitter::load_indices(int op, ValueId vector, std::int64_t first, std::int64_t count,
                                  std::int64_t to) {
  const TensorLayout& place = step_.layout(vector);
  const std::uint64_t address = place.panel_row_address(0, first);
  const std::int64_t rows = ceil_div(count, place.panel_columns());
  LoadCommand command;
  command.target = kTargetIndices;
  command.address_lo = static_cast<std::uint32_t>(address);
  command.address_hi = static_cast<std::uint32_t>(address >> 32);
  command.rows = static_cast<std::uint32_t>(rows);
  command.columns = static_cast<std::uint32_t>(place.panel_columns());
  command.panel_stride = static_cast<std::uint32_t>(rows * kPanelRowBytes);
  command.line = static_cast<std::uint32_t>(to);
  std::vector<Access> accesses{{Space::kIndices, to, to + rows * place.panel_columns(), true}};
  const auto begin = static_cast<std::int64_t>(address);
  if (step_.plan.ordered[static_cast<std::size_t>(vector)])
    accesses.push_back({Space::kMemory, begin, begin + rows * kPanelRowBytes, false});
  made_.traffic[static_cast<std::size_t>(vector)].loaded_bytes +=
      static_cast<std::uint64_t>(rows * kPanelRowBytes);
  emit(op, encode(command), Engine::kLoad, accesses);
}

// Which rows of the value it touches is not known here: any of them.
template <class Command>
std::vector<Access> CommandEmitter::fill_indexed(Command& command, const Block& columns,
                                                 std::int64_t first_index, std::int64_t rows,
                                                 std::int64_t line, bool write_memory) {
  const TensorLayout& place = step_.layout(columns.value);
  Block block = columns;
  block.row = 0;
  block.rows = rows;
  std::vector<Access> accesses = fill_transfer(command, place, block, line, write_memory);
  for (Access& access : accesses) {
    if (access.space == Space::kMemory) access.end = access.begin + place.rows() * kPanelRowBytes;
  }
  command.row_pitch = kPanelRowBytes;
  command.first_index = static_cast<std::uint32_t>(first_index);
  command.limit = static_cast<std::uint32_t>(place.rows());
  accesses.push_back({Space::kIndices, first_index, first_index + rows, false});
  return accesses;
}

Local CommandEmitter::gather(int op, const Block& columns, std::int64_t first_index,
                             std::int64_t rows, std::int64_t line) {
  GatherCommand command;
  const auto accesses = fill_indexed(command, columns, first_index, rows, line, false);
  emit(op, encode(command), Engine::kLoad, accesses);
  return {line, rows, columns.columns};
}

void CommandEmitter::scatter(int op, const Block& columns, std::int64_t first_index,
                             std::int64_t rows, std::int64_t line) {
  ScatterCommand command;
  const auto accesses = fill_indexed(command, columns, first_index, rows, line, true);
  emit(op, encode(command), Engine::kStore, accesses);
}

void CommandEmitter::begin_tile(const Product& product, std::int64_t column, std::int64_t columns) {
  const Block block = stationary_block(product, 0, product.shape.depth, column, columns);
  StreamTile tile;
  tile.value = block.value;
  tile.row = block.row;
  tile.column = block.column;
  tile.layout = layout_of(DType::BF16, block.rows, block.columns, false);
  if (const PackedPlace* packed = step_.packed(block.value))
    tile.packed = PackedLayout{packed->layout.fields, block.rows, block.columns, 0};
  made_.tiles.push_back(tile);
}

void CommandEmitter::vector(int op, std::size_t program, std::int64_t rows, std::int64_t columns,
                            const std::vector<LocalStream>& streams, const VectorWalk& walk,
                            const LeftOut& left_out) {
  const ProgramPlace& place = step_.programs.places[program];
  const std::size_t first = resident(op, place) + left_out.first;
  const std::size_t length = place.length - left_out.first - left_out.last;
  VectorCommand command;
  command.first_instruction = static_cast<std::uint32_t>(first);
  command.length = static_cast<std::uint32_t>(length);
  command.rows = static_cast<std::uint32_t>(rows);
  command.columns = static_cast<std::uint32_t>(columns);
  command.walk = walk.walk;
  command.first_row = static_cast<std::uint32_t>(walk.first_row);
  command.first_column = static_cast<std::uint32_t>(walk.first_column);
  struct Fields {
    std::uint32_t *stream, *stride, *column;
  };
  const std::array<Fields, kMostStreams> fields{
      {{&command.stream0, &command.stride0, &command.column0},
       {&command.stream1, &command.stride1, &command.column1},
       {&command.stream2, &command.stride2, &command.column2},
       {&command.stream3, &command.stride3, &command.column3}}};
  std::vector<Access> accesses{{Space::kProgram, static_cast<std::int64_t>(first),
                                static_cast<std::int64_t>(first + length), false}};
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const LocalStream& stream = streams[i];
    StreamWord word;
    word.line = static_cast<std::uint32_t>(stream.local.line + stream.first_row +
                                           stream.first_column / lanes_ * stream.local.rows);
    word.accumulator = stream.space == Space::kAccumulator;
    word.broadcast_row = stream.is_row;
    word.broadcast_column = stream.is_column;
    word.transposed = stream.transposed;
    *fields[i].stream = encode(word);
    *fields[i].stride = static_cast<std::uint32_t>(stream.local.rows);
    *fields[i].column = static_cast<std::uint32_t>(stream.first_column % lanes_);
    if (stream.local.rows == 0) continue;  // not used by the program
    accesses.push_back(lines(stream.space, stream.local, false));
    if (stream.written) accesses.push_back(lines(stream.space, stream.local, true));
  }
  emit(op, encode(command), Engine::kVector, accesses);
}

Local CommandEmitter::panels_of(const Local& block, std::int64_t first, std::int64_t count) const {
  return {block.line + first / lanes_ * block.rows, block.rows, count};
}

void CommandEmitter::gemm(int op, const Product& product, std::int64_t depth, const Local& moving,
                          const Local& stationary, std::int64_t first, const Local& sum,
                          bool accumulate) {
  GemmCommand command;
  command.kind = product.kind;
  command.accumulate = accumulate;
  command.stream_transposed = product.shape.moving_depth_major;
  command.stationary_transposed = !product.shape.stationary_depth_major;
  command.rows = static_cast<std::uint32_t>(sum.rows);
  command.columns = static_cast<std::uint32_t>(sum.columns);
  command.depth = static_cast<std::uint32_t>(depth);
  command.stream_line = static_cast<std::uint32_t>(moving.line);
  command.stream_stride = static_cast<std::uint32_t>(moving.rows);
  const std::int64_t from = product.shape.stationary_depth_major
                                ? panels_of(stationary, first, sum.columns).line
                                : stationary.line + first;
  command.stationary_line = static_cast<std::uint32_t>(from);
  command.stationary_stride = static_cast<std::uint32_t>(stationary.rows);
  command.accumulator_line = static_cast<std::uint32_t>(sum.line);
  command.accumulator_stride = static_cast<std::uint32_t>(sum.rows);
  emit(op, encode(command), Engine::kArray,
       {lines(Space::kScratchpad, moving, false), lines(Space::kScratchpad, stationary, false),
        lines(Space::kAccumulator, sum, false), lines(Space::kAccumulator, sum, true)});
}

}  // namespace corank
