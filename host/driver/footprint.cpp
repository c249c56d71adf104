#include "host/driver/footprint.h"

#include <algorithm>
#include <array>
#include <utility>

#include "host/compiler/packed_layout.h"

namespace corank {
namespace {

using namespace interface;

constexpr std::int64_t kInstructionsOfRow = kPanelRowBytes / sizeof(std::uint64_t);
constexpr std::int64_t kIndicesOfRow = kPanelRowBytes / sizeof(std::uint32_t);
constexpr std::int64_t kPlaces = 1 << 16;  // load_unit.sv: places of words are modulo 2^16

std::int64_t pieces(std::int64_t size, std::int64_t piece) { return (size + piece - 1) / piece; }

template <class Command>
std::int64_t byte_address(const Command& c) {
  return static_cast<std::int64_t>(std::uint64_t{c.address_hi} << 32 | c.address_lo);
}

template <class Command>
std::int64_t first_row(const Command& c) {
  return byte_address(c) / kPanelRowBytes;
}

template <class Command>
std::int64_t memory_panels(const Command& c) {
  return pieces(c.columns, c.target == kTargetScratchpad ? kPanelColumnsBf16 : kPanelColumnsFp32);
}

Storage storage_of(std::uint32_t target) {
  return target == kTargetScratchpad ? Storage::kScratchpad : Storage::kAccumulator;
}

// A stream of a vector command.
struct Stream {
  StreamWord word;
  std::int64_t stride = 0, column = 0;
};

Stream stream_of(const VectorCommand& c, std::uint32_t index) {
  const std::array<std::array<std::uint32_t, 3>, 4> words{{{c.stream0, c.stride0, c.column0},
                                                           {c.stream1, c.stride1, c.column1},
                                                           {c.stream2, c.stride2, c.column2},
                                                           {c.stream3, c.stride3, c.column3}}};
  const auto& [word, stride, column] = words[index];
  return {decode_stream_word(word), stride, column};
}

// Rows [0, rows) and columns [begin, end) of a region.
struct Rectangle {
  std::int64_t rows = 0, begin = 0, end = 0;
};

// Where an instruction has its beats (vector_unit.sv).
std::vector<Rectangle> places_of(const VectorCommand& c, const VectorInstruction& instruction,
                                 bool section_once, std::int64_t vector_lanes) {
  const std::int64_t rows = c.rows, columns = c.columns;
  if (!instruction.once) return {{rows, 0, columns}};
  switch (c.walk) {
    case kWalkDown: {
      const std::int64_t strip = instruction.alternate ? 1 : std::int64_t{kStripBeats};
      return {{section_once ? strip : pieces(rows, kStripBeats) * kStripBeats, 0, columns}};
    }
    case kWalkAcross: {
      const std::int64_t height = section_once ? 1 : rows;
      if (!instruction.alternate) return {{height, 0, columns}};
      std::vector<Rectangle> first_beats;
      for (std::int64_t begin = 0; begin < columns; begin += kStripBeats * vector_lanes)
        first_beats.push_back({height, begin, std::min(begin + vector_lanes, columns)});
      return first_beats;
    }
    default:  // a whole beat where the strip begins
      if (section_once) return {{1, 0, vector_lanes}};
      return {{rows, 0, pieces(columns, vector_lanes) * vector_lanes}};
  }
}

}  // namespace

Footprints::Footprints(const CompiledStep& step, const MachineShape& machine)
    : array_rows_(machine.array_rows),
      vector_lanes_(machine.vector_lanes),
      lanes_(memory_lanes(machine)),
      programs_(step) {}

const std::vector<Use>& Footprints::next(const CommandWords& words) {
  uses_.clear();
  switch (words[0] & 0xff) {
    case LoadCommand::kOpcode:
      add_load(decode_load(words));
      break;
    case LoadQuantizedCommand::kOpcode:
      add_load_quantized(decode_load_quantized(words));
      break;
    case LoadScalesCommand::kOpcode: {
      const LoadScalesCommand c = decode_load_scales(words);
      add({Storage::kMemory, first_row(c), first_row(c) + c.rows, false});
      break;
    }
    case GatherCommand::kOpcode:
      add_indexed(decode_gather(words), false);
      break;
    case StoreCommand::kOpcode:
      add_transfer(decode_store(words), true);
      break;
    case ScatterCommand::kOpcode:
      add_indexed(decode_scatter(words), true);
      break;
    case GemmCommand::kOpcode:
      add_gemm(decode_gemm(words));
      break;
    case VectorCommand::kOpcode:
      add_vector(decode_vector(words));
      break;
    default:
      break;
  }
  return uses_;
}

void Footprints::add(const Use& use) {
  if (use.begin >= use.end) return;
  if (!uses_.empty()) {
    Use& last = uses_.back();
    if (last.storage == use.storage && last.write == use.write &&
        last.stationary == use.stationary && last.end == use.begin) {
      last.end = use.end;
      return;
    }
  }
  uses_.push_back(use);
}

// Panel by panel (rtl/README.md); of a transposed matrix rows are columns.
void Footprints::add_matrix(const Use& kind, std::int64_t line, std::int64_t stride,
                            std::int64_t rows, std::int64_t columns) {
  Use use = kind;
  for (std::int64_t panel = 0; panel < pieces(columns, lanes_); ++panel) {
    use.begin = line + panel * stride;
    use.end = use.begin + rows;
    add(use);
  }
}

// Written to a memory of words; what lies beyond it is dropped.
void Footprints::add_words(Storage storage, std::int64_t first, std::int64_t count) {
  const std::int64_t size = storage == Storage::kPrograms ? kProgramInstructions : kIndexWords;
  first %= kPlaces;
  add({storage, first, std::min(first + count, size), true});
  add({storage, 0, std::min(first + count - kPlaces, size), true});
}

template <class Command>
void Footprints::add_transfer(const Command& c, bool write_memory) {
  add_matrix({storage_of(c.target), 0, 0, !write_memory}, c.line, c.line_stride, c.rows, c.columns);
  const std::int64_t stride = c.panel_stride / kPanelRowBytes;
  std::int64_t first = first_row(c);
  for (std::int64_t panel = 0; panel < memory_panels(c); ++panel, first += stride)
    add({Storage::kMemory, first, first + c.rows, write_memory});
}

template <class Command>
void Footprints::add_indexed(const Command& c, bool write_memory) {
  add_matrix({storage_of(c.target), 0, 0, !write_memory}, c.line, c.line_stride, c.rows, c.columns);
  add({Storage::kIndices, c.first_index,
       std::min<std::int64_t>(std::int64_t{c.first_index} + c.rows, kIndexWords), false});
  const std::int64_t stride = c.panel_stride / kPanelRowBytes;
  const std::int64_t to_last = (std::int64_t{c.limit} - 1) * (c.row_pitch / kPanelRowBytes);
  std::int64_t first = first_row(c);
  if (stride == 1) {  // a row is one piece
    add({Storage::kMemory, first, first + to_last + memory_panels(c), write_memory});
    return;
  }
  for (std::int64_t panel = 0; panel < memory_panels(c); ++panel, first += stride)
    add({Storage::kMemory, first, first + to_last + 1, write_memory});
}

void Footprints::add_load_quantized(const LoadQuantizedCommand& c) {
  add_matrix({Storage::kScratchpad, 0, 0, true}, c.line, c.line_stride, c.rows, c.columns);
  std::int64_t begin = byte_address(c);
  for (std::int64_t panel = 0; panel < pieces(c.columns, kPanelColumnsBf16); ++panel) {
    add({Storage::kMemory, begin / kPanelRowBytes,
         pieces(begin + panel_bytes(c, c.rows), kPanelRowBytes), false});
    begin += c.panel_stride;
  }
}

void Footprints::add_load(const LoadCommand& c) {
  if (c.target <= kTargetAccumulator) {
    add_transfer(c, false);
    return;
  }
  add({Storage::kMemory, first_row(c), first_row(c) + c.rows, false});  // one panel
  if (c.target == kTargetProgram) {
    add_words(Storage::kPrograms, c.line, c.rows * kInstructionsOfRow);
    programs_.load(c);
  } else {
    add_words(Storage::kIndices, c.line, c.rows * kIndicesOfRow);
  }
}

void Footprints::add_gemm(const GemmCommand& c) {
  add_matrix({Storage::kScratchpad}, c.stream_line, c.stream_stride,
             c.stream_transposed ? c.depth : c.rows, c.stream_transposed ? c.rows : c.depth);
  add_matrix({Storage::kScratchpad, 0, 0, false, true}, c.stationary_line, c.stationary_stride,
             c.stationary_transposed ? c.columns : c.depth,
             c.stationary_transposed ? c.depth : c.columns);
  const auto add_sums = [&](bool write) {
    add_matrix({Storage::kAccumulator, 0, 0, write}, c.accumulator_line, c.accumulator_stride,
               c.rows, c.columns);
  };
  add_sums(true);
  // A command that starts from +0 reads what the tile of depth before has left, if there is one.
  if (c.accumulate || c.depth > array_rows_) add_sums(false);
}

void Footprints::add_vector(const VectorCommand& c) {
  accesses_ = 0;
  std::uint32_t end = 0;
  for (bool follows = true; follows && end < c.length;) {
    const std::uint32_t begin = std::exchange(end, add_section(c, end));
    // By rows, a section of strips is the last one.
    follows = end > begin &&
              (c.walk != kWalkRows || programs_.instruction(c.first_instruction + end - 1).once);
  }
  add({Storage::kPrograms, c.first_instruction, std::int64_t{c.first_instruction} + end, false});
}

// A section from instruction `begin` of the command's program on. Returns its end; where an
// instruction is illegal, the device stops there.
std::uint32_t Footprints::add_section(const VectorCommand& c, std::uint32_t begin) {
  std::uint32_t end = begin;
  VectorInstruction last;
  while (!last.section_end && end < c.length && c.first_instruction + end < kProgramInstructions) {
    const VectorInstruction instruction = programs_.instruction(c.first_instruction + end);
    if (!exists(instruction.opcode)) break;
    last = instruction;
    ++end;
  }
  for (std::uint32_t i = begin; i < end; ++i) {
    const VectorInstruction instruction = programs_.instruction(c.first_instruction + i);
    if (instruction.opcode == VectorOpcode::kLoad || instruction.opcode == VectorOpcode::kStore)
      add_access(c, instruction, last.once);
  }
  return end;
}

// Element (i, j) of a stream lies in line + ((j + column) / lanes) * stride + i; of a transposed
// one i and j change places.
void Footprints::add_access(const VectorCommand& c, const VectorInstruction& instruction,
                            bool section_once) {
  const bool write = instruction.opcode == VectorOpcode::kStore;
  const std::uint64_t kind = std::uint64_t{1}
                             << (instruction.stream | (write ? 1 : 0) << 2 | instruction.once << 3 |
                                 instruction.alternate << 4 | (section_once ? 1 : 0) << 5);
  if ((accesses_ & kind) != 0) return;
  accesses_ |= kind;
  const Stream stream = stream_of(c, instruction.stream);
  const Storage storage = stream.word.accumulator ? Storage::kAccumulator : Storage::kScratchpad;
  for (Rectangle at : places_of(c, instruction, section_once, vector_lanes_)) {
    if (stream.word.broadcast_row) at.rows = 1;
    if (stream.word.broadcast_column) at = {at.rows, 0, 1};
    const bool transposed = stream.word.transposed;
    const std::int64_t first = stream.column + (transposed ? 0 : at.begin);
    const std::int64_t last = stream.column + (transposed ? at.rows : at.end) - 1;
    for (std::int64_t panel = first / lanes_; panel <= last / lanes_; ++panel) {
      const std::int64_t line = stream.word.line + panel * stream.stride;
      add({storage, line + (transposed ? at.begin : 0), line + (transposed ? at.end : at.rows),
           write});
    }
  }
}

}  // namespace corank
