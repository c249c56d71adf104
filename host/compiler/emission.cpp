// Commands, with what each reads and writes, in the order of the ring.

#include <algorithm>
#include <array>

#include "host/compiler/ceil_div.h"
#include "host/compiler/lowering.h"

namespace corank {
namespace {

constexpr std::size_t kTokenWord = 1;  // of a command: waits below, signals above (interface.yaml)

}  // namespace

using namespace interface;

void Lowering::emit(const CommandWords& words, Engine engine, const std::vector<Access>& accesses) {
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

Access Lowering::lines(Space space, const Local& local, bool write) const {
  return {space, local.line, local.line + lines_of(local.rows, local.columns, areas_.lanes), write};
}

Space Lowering::local_space(ValueId id) const {
  return layout(id).dtype == DType::BF16 ? Space::kScratchpad : Space::kAccumulator;
}

template <class Command>
std::vector<Access> Lowering::fill_transfer(Command& command, const TensorLayout& place,
                                            const Block& block, std::int64_t line,
                                            bool write_memory) {
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
    accesses.push_back({Space::kMemory, begin, begin + block.rows * kPanelRowBytes, write_memory});
  }
  accesses.push_back(
      lines(local_space(block.value), {line, block.rows, block.columns}, !write_memory));
  ValueTraffic& traffic = step_.traffic[static_cast<std::size_t>(block.value)];
  const auto bytes = static_cast<std::uint64_t>(block.rows * kPanelRowBytes *
                                                ceil_div(block.columns, place.panel_columns()));
  (write_memory ? traffic.stored_bytes : traffic.loaded_bytes) += bytes;
  return accesses;
}

void Lowering::emit_load(const TensorLayout& place, const Block& block, std::int64_t line) {
  LoadCommand command;
  const auto accesses = fill_transfer(command, place, block, line, false);
  emit(encode(command), Engine::kLoad, accesses);
}

Local Lowering::load(Slots& slots, const Block& block, std::int64_t needed_again) {
  const auto [line, there] = slots.take(block, needed_again);
  if (!there) emit_load(layout(block.value), block, line);
  return {line, block.rows, block.columns};
}

void Lowering::store(const Block& block, std::int64_t line) {
  StoreCommand command;
  const auto accesses = fill_transfer(command, layout(block.value), block, line, true);
  emit(encode(command), Engine::kStore, accesses);
}

void Lowering::emit_vector(const VectorProgram& program, std::int64_t rows, std::int64_t columns,
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
    StreamWord word;
    word.line = static_cast<std::uint32_t>(stream.local.line);
    word.accumulator = stream.space == Space::kAccumulator;
    word.broadcast_row = stream.first_row;
    *fields[i].first = encode(word);
    *fields[i].second = static_cast<std::uint32_t>(stream.local.rows);
    if (stream.local.rows == 0) continue;  // not used by the program
    accesses.push_back(lines(stream.space, stream.local, false));
    if (stream.write) accesses.push_back(lines(stream.space, stream.local, true));
  }
  emit(encode(command), Engine::kVector, accesses);
}

Local Lowering::panels_of(const Local& block, std::int64_t first, std::int64_t count) const {
  return {block.line + first / areas_.lanes * block.rows, block.rows, count};
}

void Lowering::emit_gemm(const Product& product, std::int64_t depth, const Local& stream,
                         const Local& stationary, std::int64_t first, const Local& sum,
                         bool accumulate) {
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

}  // namespace corank
