#include "host/driver/account.h"

#include <algorithm>

#include "host/compiler/packed_layout.h"
#include "host/driver/program_memory.h"

namespace corank {
namespace {

using namespace interface;
using Counts = std::map<Counter, std::uint64_t>;

constexpr std::uint64_t kPageBytes = 4096;  // AXI4: a burst never crosses one (IHI 0022, A3.4.1)

// Tiles along a dimension: at most `limit` elements, and none across the end of a local line of
// `lanes` elements.
std::uint64_t tiles(std::uint64_t size, std::uint64_t lanes, std::uint64_t limit) {
  const auto within = [&](std::uint64_t elements) { return (elements + limit - 1) / limit; };
  return size / lanes * within(lanes) + within(size % lanes);
}

std::uint64_t bursts(std::uint64_t address, std::uint64_t bytes, std::uint64_t most) {
  std::uint64_t count = 0;
  while (bytes > 0) {
    const std::uint64_t size = std::min({bytes, most, kPageBytes - address % kPageBytes});
    address += size;
    bytes -= size;
    ++count;
  }
  return count;
}

struct Machine {
  std::uint64_t rows, columns, lanes, bus_bytes, burst_bytes;
};

template <class Command>
void add_transfer(const Command& c, const Machine& machine, Counter burst_counter,
                  Counter beat_counter, Counts& counts) {
  const std::uint64_t element = c.target == kTargetScratchpad ? 2 : 4;
  // Programs and indices are one panel, whatever the columns.
  const std::uint64_t panels = c.target > kTargetAccumulator
                                   ? 1
                                   : (c.columns * element + kPanelRowBytes - 1) / kPanelRowBytes;
  const std::uint64_t bytes = std::uint64_t{c.rows} * kPanelRowBytes;
  const std::uint64_t address = std::uint64_t{c.address_hi} << 32 | c.address_lo;
  for (std::uint64_t panel = 0; panel < panels; ++panel) {
    counts[burst_counter] += bursts(address + panel * c.panel_stride, bytes, machine.burst_bytes);
    counts[beat_counter] += bytes / machine.bus_bytes;
  }
}

// Which rows a gather or a scatter moves only its indices say, so they must be alike: each has the
// bursts of row 0. So it is where rows are whole pages apart, or none of them crosses one.
template <class Command>
void add_indexed_transfer(const Command& c, const Machine& machine, Counter burst_counter,
                          Counter beat_counter, Counts& counts) {
  Command row = c;
  row.rows = 1;
  Counts of_row;
  if (c.panel_stride == kPanelRowBytes) {  // a row is one piece
    const std::uint64_t elements = kPanelRowBytes / (c.target == kTargetScratchpad ? 2 : 4);
    row.rows = static_cast<std::uint32_t>((c.columns + elements - 1) / elements);
    row.columns = 1;
  }
  add_transfer(row, machine, burst_counter, beat_counter, of_row);
  for (const auto& [counter, count] : of_row) counts[counter] += count * c.rows;
}

template <class Command>
void add_load(const Command& c, Counts& counts) {
  const std::uint64_t elements = std::uint64_t{c.rows} * c.columns;
  if (c.target == kTargetScratchpad) counts[Counter::kScratchpadWriteBytes] += elements * 2;
  if (c.target == kTargetAccumulator) counts[Counter::kAccumulatorWriteBytes] += elements * 4;
  ++counts[Counter::kCommandsLoad];
}

template <class Command>
void add_store(const Command& c, Counts& counts) {
  const std::uint64_t elements = std::uint64_t{c.rows} * c.columns;
  counts[c.target == kTargetScratchpad ? Counter::kScratchpadReadBytes
                                       : Counter::kAccumulatorReadBytes] +=
      elements * (c.target == kTargetScratchpad ? 2 : 4);
  ++counts[Counter::kCommandsStore];
}

void add(const LoadCommand& c, const Machine& machine, Counts& counts) {
  add_transfer(c, machine, Counter::kLoadBursts, Counter::kLoadBeats, counts);
  add_load(c, counts);
}
// The rows of a panel are one piece, scales and codes.
void add(const LoadQuantizedCommand& c, const Machine& machine, Counts& counts) {
  const std::uint64_t address = std::uint64_t{c.address_hi} << 32 | c.address_lo;
  const std::uint64_t panels = (std::uint64_t{c.columns} + kPanelColumns - 1) / kPanelColumns;
  const auto bytes = static_cast<std::uint64_t>(panel_bytes(c, c.rows));
  const std::uint64_t most =
      std::min<std::uint64_t>(machine.burst_bytes, kDecoderBurstBeats * machine.bus_bytes);
  for (std::uint64_t panel = 0; panel < panels; ++panel)
    counts[Counter::kLoadBursts] += bursts(address + panel * c.panel_stride, bytes, most);
  counts[Counter::kLoadBeats] += panels * bytes / machine.bus_bytes;
  const std::uint64_t elements = std::uint64_t{c.rows} * c.columns;
  counts[Counter::kDecodedElements] += elements;
  counts[Counter::kScratchpadWriteBytes] += elements * 2;
  ++counts[Counter::kCommandsLoad];
}
// The decoder's tables are no local memory.
void add(const LoadScalesCommand& c, const Machine& machine, Counts& counts) {
  const std::uint64_t address = std::uint64_t{c.address_hi} << 32 | c.address_lo;
  const std::uint64_t bytes = std::uint64_t{c.rows} * kPanelRowBytes;
  counts[Counter::kLoadBursts] += bursts(address, bytes, machine.burst_bytes);
  counts[Counter::kLoadBeats] += bytes / machine.bus_bytes;
  ++counts[Counter::kCommandsLoad];
}
void add(const GatherCommand& c, const Machine& machine, Counts& counts) {
  add_indexed_transfer(c, machine, Counter::kLoadBursts, Counter::kLoadBeats, counts);
  add_load(c, counts);
}
void add(const StoreCommand& c, const Machine& machine, Counts& counts) {
  add_transfer(c, machine, Counter::kStoreBursts, Counter::kStoreBeats, counts);
  add_store(c, counts);
}
void add(const ScatterCommand& c, const Machine& machine, Counts& counts) {
  add_indexed_transfer(c, machine, Counter::kStoreBursts, Counter::kStoreBeats, counts);
  add_store(c, counts);
}

void add(const GemmCommand& c, const Machine& machine, Counts& counts) {
  const std::uint64_t rows = c.rows, columns = c.columns, depth = c.depth;
  const std::uint64_t depth_tiles = tiles(depth, machine.lanes, machine.rows);
  const std::uint64_t column_tiles = tiles(columns, machine.lanes, machine.columns);
  counts[static_cast<Counter>(static_cast<std::uint32_t>(Counter::kGemmMacs0) + c.kind)] +=
      rows * columns * depth;
  counts[Counter::kScratchpadReadBytes] += 2 * (rows * depth * column_tiles + depth * columns);
  counts[Counter::kAccumulatorReadBytes] +=
      4 * rows * columns * (depth_tiles - (c.accumulate ? 0 : 1));
  counts[Counter::kAccumulatorWriteBytes] += 4 * rows * columns * depth_tiles;
  ++counts[Counter::kCommandsArray];
}

// A rows x columns region as the vector unit goes over it.
struct Region {
  std::uint64_t elements, beats;            // of all strips
  std::uint64_t once_elements, once_beats;  // of an instruction once a group, on all its beats
  std::uint64_t single_elements, groups;    // on the first beat alone, one of each group
};

Region region_of(const VectorCommand& c, std::uint64_t vector_lanes) {
  const auto groups_of = [&](std::uint64_t width) { return (c.columns + width - 1) / width; };
  const std::uint64_t row_beats = groups_of(vector_lanes);
  Region region{std::uint64_t{c.rows} * c.columns, c.rows * row_beats, 0, 0, 0, 0};
  switch (c.walk) {
    case kWalkDown:
      region.groups = row_beats;
      region.once_beats = kStripBeats * row_beats;
      region.once_elements = std::uint64_t{kStripBeats} * c.columns;
      region.single_elements = c.columns;
      break;
    case kWalkAcross: {
      region.groups = groups_of(kStripBeats * vector_lanes);
      region.once_beats = row_beats;
      region.once_elements = c.columns;
      const std::uint64_t last = c.columns - (region.groups - 1) * kStripBeats * vector_lanes;
      region.single_elements = (region.groups - 1) * vector_lanes + std::min(last, vector_lanes);
      break;
    }
    default:
      region.groups = 1;
      region.once_beats = kStripBeats;
      region.once_elements = kStripBeats * vector_lanes;
      region.single_elements = vector_lanes;
      break;
  }
  return region;
}

void add(const VectorCommand& c, const ProgramMemory& programs, std::uint64_t vector_lanes,
         Counts& counts) {
  const Region region = region_of(c, vector_lanes);
  const std::array<std::uint32_t, 4> streams{c.stream0, c.stream1, c.stream2, c.stream3};
  for (std::uint32_t i = 0; i < c.length; ++i) {
    const VectorInstruction instruction = programs.instruction(c.first_instruction + i);
    const StreamWord stream = decode_stream_word(streams[instruction.stream]);
    const bool single = instruction.once && instruction.alternate;
    const std::uint64_t beats = single             ? region.groups
                                : instruction.once ? region.once_beats
                                                   : region.beats;
    const std::uint64_t elements = single             ? region.single_elements
                                   : instruction.once ? region.once_elements
                                                      : region.elements;
    // Of one column an access takes a single element.
    const std::uint64_t accessed = stream.broadcast_column ? beats : elements;
    const bool accumulator = stream.accumulator;
    switch (instruction.opcode) {
      case VectorOpcode::kLoad:
        counts[accumulator ? Counter::kAccumulatorReadBytes : Counter::kScratchpadReadBytes] +=
            accessed * (accumulator ? 4 : 2);
        break;
      case VectorOpcode::kStore:
        counts[accumulator ? Counter::kAccumulatorWriteBytes : Counter::kScratchpadWriteBytes] +=
            accessed * (accumulator ? 4 : 2);
        if (!accumulator && !instruction.b_immediate) counts[Counter::kVectorRoundings] += accessed;
        break;
      default:
        counts[counter_of(instruction.opcode)] += elements;
        break;
    }
  }
  ++counts[Counter::kCommandsVector];
}

}  // namespace

std::vector<Counts> account_by(const CompiledStep& step, const MachineShape& shape, int burst_beats,
                               std::size_t groups,
                               const std::function<std::size_t(const CompiledCommand&)>& group_of) {
  const auto bus_bytes = static_cast<std::uint64_t>(shape.axi_data_bits / 8);
  const Machine machine{static_cast<std::uint64_t>(shape.array_rows),
                        static_cast<std::uint64_t>(shape.array_columns),
                        static_cast<std::uint64_t>(memory_lanes(shape)), bus_bytes,
                        bus_bytes * static_cast<std::uint64_t>(burst_beats)};
  std::vector<Counts> all(groups);
  ProgramMemory programs(step);
  for (const CompiledCommand& command : step.commands) {
    Counts& counts = all[group_of(command)];
    ++counts[Counter::kFetchBursts];
    counts[Counter::kFetchBeats] += sizeof(CommandWords) / bus_bytes;
    switch (command.words[0] & 0xff) {
      case LoadCommand::kOpcode: {
        const LoadCommand load = decode_load(command.words);
        if (load.target == kTargetProgram) programs.load(load);
        add(load, machine, counts);
        break;
      }
      case LoadQuantizedCommand::kOpcode:
        add(decode_load_quantized(command.words), machine, counts);
        break;
      case LoadScalesCommand::kOpcode:
        add(decode_load_scales(command.words), machine, counts);
        break;
      case GatherCommand::kOpcode:
        add(decode_gather(command.words), machine, counts);
        break;
      case StoreCommand::kOpcode:
        add(decode_store(command.words), machine, counts);
        break;
      case ScatterCommand::kOpcode:
        add(decode_scatter(command.words), machine, counts);
        break;
      case GemmCommand::kOpcode:
        add(decode_gemm(command.words), machine, counts);
        break;
      case VectorCommand::kOpcode: {
        add(decode_vector(command.words), programs, static_cast<std::uint64_t>(shape.vector_lanes),
            counts);
        break;
      }
      default:
        break;
    }
  }
  return all;
}

Counts account(const CompiledStep& step, const MachineShape& shape, int burst_beats) {
  Counts counts = account_by(step, shape, burst_beats, 1, [](const CompiledCommand&) {
                    return std::size_t{0};
                  }).front();
  // Every counter that counts something else than cycles is compared, also where nothing is
  // expected.
  for (std::uint32_t kind = 0; kind < kGemmKinds; ++kind)
    counts.try_emplace(static_cast<Counter>(static_cast<std::uint32_t>(Counter::kGemmMacs0) + kind),
                       0);
  for (auto c = static_cast<std::uint32_t>(Counter::kCommandsLoad); c < kCounters; ++c)
    counts.try_emplace(static_cast<Counter>(c), 0);
  return counts;
}

}  // namespace corank
