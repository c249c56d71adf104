#include "tests/sim/cycle/random_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/end_to_end/test_machines.h"

namespace corank::test {

namespace {

using namespace interface;

constexpr std::uint64_t kProgramAddress = 0x10000, kRingAddress = 0x20000, kIndexAddress = 0x30000;
constexpr std::uint64_t kLoadAddress = 0x100000, kStoreAddress = 0x800000;
constexpr std::uint64_t kAreaBytes = 0x200000;
constexpr int kLoadUnit = 0, kVectorUnit = 2, kStoreUnit = 3;

// The index memory has parts: in each, every index is below `limit`. What is behind them nobody
// reads, so that it may be loaded at any time.
struct IndexPart {
  std::uint32_t first, end, limit;
  std::int64_t most_pitch;  // in rows of a panel, so that the matrix fits into its area
};
constexpr IndexPart kIndexParts[] = {
    {0, 384, 200, 40}, {384, 448, 8, 1000}, {448, 512, 1, 0x1ffffff}};
constexpr std::uint32_t kIndicesRead = 512;

class Generator {
 public:
  Generator(std::uint64_t seed, bool mistakes) : random_(seed) {
    out_.seed = seed;
    std::vector<MachineShape> machines = test_machines();
    // Random commands read what nobody has written, which has a wrong parity in the RTL.
    machines.erase(std::remove_if(machines.begin(), machines.end(),
                                  [](const MachineShape& shape) { return shape.parity != 0; }),
                   machines.end());
    PlatformConfig& platform = out_.platform;
    platform.shape = machines[seed % machines.size()];
    platform.values = false;
    platform.memory.size_mib = 16;
    platform.memory.latency_ns = between(0, 300);
    platform.memory.bandwidth_gb_per_s = between(1, 64);
    platform.link.latency_ns = between(1, 60);
    platform.link.bandwidth_gb_per_s = 64;
    if (chance(3)) platform.stalls = {static_cast<int>(between(1, 80)), random_()};
    out_.outstanding = static_cast<std::uint32_t>(between(1, 16));
    out_.burst_beats = static_cast<std::uint32_t>(chance(2) ? between(1, 16) : between(1, 256));
    out_.memory_limit = static_cast<std::uint64_t>(platform.memory.size_mib) << 20;
    lanes_ = static_cast<std::uint32_t>(memory_lanes(platform.shape));
    scratchpad_bank_ =
        static_cast<std::uint32_t>(platform.shape.scratchpad_kib) * 1024 / 8 / (lanes_ * 2);
    accumulator_bank_ =
        static_cast<std::uint32_t>(platform.shape.accumulator_kib) * 1024 / 4 / (lanes_ * 4);

    make_program();
    make_indices();
    const auto count = static_cast<int>(between(1, 40));
    for (int i = 0; i < count; ++i) add_command();
    add(encode(HaltCommand{}));
    out_.description = fmt::format(
        "seed {}: {}x{}, AXI {}, queues {}, {} commands, {} outstanding, bursts of {}, latency {}, "
        "bandwidth {}, stalls {} %",
        seed, platform.shape.array_rows, platform.shape.array_columns, platform.shape.axi_data_bits,
        platform.shape.queue_depth, out_.commands.size(), out_.outstanding, out_.burst_beats,
        platform.memory.latency_ns, platform.memory.bandwidth_gb_per_s, platform.stalls.percent);
    if (mistakes && !chance(8)) make_mistake();
  }

  RandomCommands take() { return std::move(out_); }

 private:
  struct Matrix {
    std::uint32_t line, stride;
  };

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
  }
  std::uint32_t size(std::int64_t most) {
    return static_cast<std::uint32_t>(chance(2) ? between(1, std::min<std::int64_t>(most, 9))
                                                : between(1, most));
  }
  bool chance(int one_in) { return between(1, one_in) == 1; }

  // [height, width] somewhere in lines [first, first + lines).
  Matrix place(std::uint32_t first, std::uint32_t lines, std::uint32_t height,
               std::uint32_t width) {
    const std::uint32_t panels = (width + lanes_ - 1) / lanes_;
    const std::uint32_t most = panels == 1 ? height : (lines - height) / (panels - 1);
    const auto stride = static_cast<std::uint32_t>(between(height, std::max(height, most)));
    const std::uint32_t used = (panels - 1) * stride + height;
    return {first + static_cast<std::uint32_t>(between(0, lines - used)), stride};
  }

  void make_program() {
    const auto length = static_cast<std::uint32_t>(between(1, 40));
    bool once = chance(2);  // the section at hand
    for (std::uint32_t i = 0; i < length; ++i) {
      VectorInstruction instruction;
      instruction.opcode = kVectorOpcodes[random_() % kVectorOpcodes.size()];
      instruction.destination = static_cast<std::uint32_t>(between(0, kVectorRegisters - 1));
      instruction.a = static_cast<std::uint32_t>(between(0, kVectorRegisters - 1));
      instruction.b = static_cast<std::uint32_t>(between(0, kVectorRegisters - 1));
      instruction.c = static_cast<std::uint32_t>(between(0, kVectorRegisters - 1));
      instruction.b_immediate = chance(2);
      instruction.c_immediate = chance(2);
      instruction.stream = static_cast<std::uint32_t>(between(0, 3));
      // Beats up to 3 away are there whatever came before.
      instruction.immediate = 0x3f800000u + static_cast<std::uint32_t>(between(0, 3));
      instruction.once = once;
      instruction.alternate = chance(6);
      instruction.exchange = chance(6);
      instruction.section_end = chance(5);
      if (instruction.section_end) once = chance(2);
      out_.instructions.push_back(encode(instruction));
    }
    LoadCommand load;
    load.target = 2;
    load.address_lo = kProgramAddress;
    load.rows = (length + 15) / 16;
    load.columns = 1;
    load.signal_tokens = 1u << (4 * kLoadUnit + kVectorUnit);
    tokens_[4 * kLoadUnit + kVectorUnit] = 1;
    out_.commands.push_back(encode(load));
  }

  // The first load of tokens 0 and 3, so that who has waited for one finds indices.
  void make_indices() {
    for (const IndexPart& part : kIndexParts) {
      for (std::uint32_t place = part.first; place < part.end; ++place)
        out_.indices.push_back(static_cast<std::uint32_t>(random_() % part.limit));
    }
    LoadCommand load = index_load(0);
    load.rows = kIndicesRead / 32;
    load.signal_tokens = 1u << kLoadUnit | 1u << kStoreUnit;
    tokens_[kLoadUnit] = tokens_[kStoreUnit] = 1;
    out_.commands.push_back(encode(load));
  }
  LoadCommand index_load(std::uint32_t line) {
    LoadCommand load;
    load.target = kTargetIndices;
    load.address_lo = kIndexAddress;
    load.rows = size(kIndicesRead / 32);
    load.columns = size(100);
    load.line = line;
    return load;
  }

  // Waits for some tokens that earlier commands give, gives some itself. `needed`: tokens without
  // which there is no program, or no index.
  template <class Command>
  void add(Command command, int unit, std::uint32_t needed = 0) {
    for (int from = 0; from < 4; ++from) {
      const std::uint32_t token = 1u << (4 * from + unit);
      int& count = tokens_[static_cast<std::size_t>(4 * from + unit)];
      const bool forced = (needed & token & ~waited_) != 0;
      if (count == 0 || (!forced && !chance(2))) continue;
      --count;
      command.wait_tokens |= token;
      waited_ |= token;
    }
    for (int to = 0; to < 4; ++to) {
      int& count = tokens_[static_cast<std::size_t>(4 * unit + to)];
      if (count >= 200 || !chance(3)) continue;
      ++count;
      command.signal_tokens |= 1u << (4 * unit + to);
    }
    add(encode(command));
  }
  void add(const CommandWords& words) { out_.commands.push_back(words); }

  template <class Dma>
  Dma transfer(std::uint32_t scratchpad_bank, std::uint64_t area) {
    Dma dma;
    dma.target = chance(2) ? 1 : 0;
    dma.columns = size(200);
    const std::uint32_t lines = dma.target == 0 ? scratchpad_bank_ : accumulator_bank_;
    const std::uint32_t panels = (dma.columns + lanes_ - 1) / lanes_;
    dma.rows = size(std::min<std::uint32_t>(60, lines / panels));
    const std::uint32_t first =
        dma.target == 0 ? scratchpad_bank * scratchpad_bank_ : 3 * accumulator_bank_;
    const Matrix matrix = place(first, lines, dma.rows, dma.columns);
    dma.line = matrix.line;
    dma.line_stride = matrix.stride;
    dma.panel_stride = static_cast<std::uint32_t>(
        chance(2) ? dma.rows * 128 : between(dma.rows, 2 * dma.rows) * 128);
    const std::uint64_t bytes = 16u * dma.panel_stride;
    dma.address_lo = static_cast<std::uint32_t>(
        area + static_cast<std::uint64_t>(
                   between(0, static_cast<std::int64_t>((kAreaBytes - bytes) / 128))) *
                   128);
    return dma;
  }

  template <class Indexed>
  Indexed indexed(std::uint32_t scratchpad_bank, std::uint64_t area) {
    Indexed command = transfer<Indexed>(scratchpad_bank, area);
    const IndexPart& part = kIndexParts[random_() % std::size(kIndexParts)];
    command.first_index = static_cast<std::uint32_t>(between(part.first, part.end - command.rows));
    command.limit = part.limit + (chance(2) ? 0 : static_cast<std::uint32_t>(random_() >> 33));
    command.row_pitch = static_cast<std::uint32_t>(between(0, part.most_pitch) * 128);
    command.panel_stride = static_cast<std::uint32_t>(chance(2) ? 128 : between(1, 500) * 128);
    const std::uint64_t bytes =
        std::uint64_t{part.limit - 1} * command.row_pitch + 16u * command.panel_stride;
    command.address_lo = static_cast<std::uint32_t>(
        area + static_cast<std::uint64_t>(
                   between(0, static_cast<std::int64_t>((kAreaBytes - bytes) / 128))) *
                   128);
    return command;
  }

  GemmCommand gemm() {
    GemmCommand gemm = last_gemm_;
    gemm.wait_tokens = gemm.signal_tokens = 0;
    gemm.accumulate = static_cast<std::uint32_t>(between(0, 1));
    gemm.kind = static_cast<std::uint32_t>(between(0, 15));
    const bool chained = gemm.rows != 0 && chance(2);
    if (!chained) {
      gemm.rows = size(80);
      gemm.columns = size(70);
      const Matrix sums = place(0, 2 * accumulator_bank_, gemm.rows, gemm.columns);
      gemm.accumulator_line = sums.line;
      gemm.accumulator_stride = sums.stride;
    }
    gemm.depth = size(70);
    gemm.stream_transposed = static_cast<std::uint32_t>(between(0, 1));
    gemm.stationary_transposed = static_cast<std::uint32_t>(between(0, 1));
    std::uint32_t height = gemm.rows, width = gemm.depth;
    if (gemm.stream_transposed != 0) std::swap(height, width);
    const Matrix stream = place(0, 2 * scratchpad_bank_, height, width);
    gemm.stream_line = stream.line;
    gemm.stream_stride = stream.stride;
    height = gemm.depth;
    width = gemm.columns;
    if (gemm.stationary_transposed != 0) std::swap(height, width);
    const Matrix stationary = place(2 * scratchpad_bank_, 2 * scratchpad_bank_, height, width);
    gemm.stationary_line = stationary.line;
    gemm.stationary_stride = stationary.stride;
    last_gemm_ = gemm;
    return gemm;
  }

  VectorCommand vector() {
    VectorCommand vector;
    vector.rows = size(20);
    vector.columns = size(70);
    const auto length = static_cast<std::int64_t>(out_.instructions.size());
    vector.first_instruction = static_cast<std::uint32_t>(between(0, length - 1));
    vector.length = static_cast<std::uint32_t>(
        between(1, std::min<std::int64_t>(length - vector.first_instruction, chance(2) ? 4 : 40)));
    vector.walk = static_cast<std::uint32_t>(between(0, 2));
    vector.first_row = static_cast<std::uint32_t>(random_());
    vector.first_column = static_cast<std::uint32_t>(random_());
    std::uint32_t* places[] = {&vector.stream0, &vector.stream1, &vector.stream2, &vector.stream3};
    std::uint32_t* strides[] = {&vector.stride0, &vector.stride1, &vector.stride2, &vector.stride3};
    std::uint32_t* columns[] = {&vector.column0, &vector.column1, &vector.column2, &vector.column3};
    const auto beat = static_cast<std::uint32_t>(out_.platform.shape.vector_lanes);
    for (std::size_t i = 0; i < 4; ++i) {
      const bool accumulator = chance(2), transposed = chance(3), row_0 = chance(4),
                 column_0 = chance(4);
      // What is done once touches 8 rows, and a whole beat of columns.
      std::uint32_t height = row_0 ? 1 : std::max(vector.rows, 8u);
      std::uint32_t width = column_0 ? 1 : std::max(vector.columns, beat);
      if (transposed) std::swap(height, width);
      *columns[i] = chance(2) ? 0 : static_cast<std::uint32_t>(between(0, lanes_ - 1));
      if (!transposed) *columns[i] -= *columns[i] % beat;
      width += *columns[i];
      const Matrix matrix = accumulator
                                ? place(2 * accumulator_bank_, accumulator_bank_, height, width)
                                : place(4 * scratchpad_bank_, 2 * scratchpad_bank_, height, width);
      *places[i] = matrix.line | (accumulator ? 1u << 24 : 0) | (transposed ? 1u << 25 : 0) |
                   (row_0 ? 1u << 26 : 0) | (column_0 ? 1u << 27 : 0);
      *strides[i] = matrix.stride;
    }
    return vector;
  }

  // Any format that the decoder takes, of whatever bytes lie there.
  LoadQuantizedCommand packed() {
    LoadQuantizedCommand load;
    load.columns = size(200);
    const std::uint32_t panels = (load.columns + lanes_ - 1) / lanes_;
    load.rows = size(std::min<std::uint32_t>(150, scratchpad_bank_ / panels));
    const Matrix matrix = place(7 * scratchpad_bank_, scratchpad_bank_, load.rows, load.columns);
    load.line = matrix.line;
    load.line_stride = matrix.stride;
    load.element = static_cast<std::uint32_t>(between(0, 3));
    load.scale = static_cast<std::uint32_t>(between(0, 3));
    load.arithmetic = static_cast<std::uint32_t>(between(0, 2));
    load.two_scales = static_cast<std::uint32_t>(between(0, 1));
    const bool nested = load.scale == kNumberNested;
    if (!nested && chance(2)) load.zeros = 1;
    if (!nested && load.scale != kNumberFp32 && load.zeros == 0 && chance(2)) load.minimums = 1;
    load.block_bits = static_cast<std::uint32_t>(nested ? 6 : between(5, 15));
    load.zero = static_cast<std::uint32_t>(between(0, 255));
    load.position = static_cast<std::uint32_t>(random_());
    load.row_elements = static_cast<std::uint32_t>(chance(2) ? random_() : between(0, 300));
    load.offset = static_cast<std::uint32_t>(random_());
    const std::int64_t units = 2 * std::int64_t{load.rows} + 1;
    load.panel_stride = static_cast<std::uint32_t>(64 * between(units, 2 * units));
    const std::uint64_t bytes = 4u * load.panel_stride;
    load.address_lo = static_cast<std::uint32_t>(
        kLoadAddress + 64 * static_cast<std::uint64_t>(
                                between(0, static_cast<std::int64_t>((kAreaBytes - bytes) / 64))));
    load.stream_take = chance(6) ? 1 : 0;
    load.stream_release = chance(6) ? 1 : 0;
    return load;
  }
  LoadScalesCommand scales() {
    LoadScalesCommand load;
    load.to_map = static_cast<std::uint32_t>(between(0, 1));
    load.rows = size(10);
    load.first = static_cast<std::uint32_t>(between(0, 300));
    load.address_lo = static_cast<std::uint32_t>(kLoadAddress + 128 * between(0, 1000));
    return load;
  }

  void add_command() {
    switch (between(0, 15)) {
      case 12:
      case 13:
      case 14:
        if (out_.platform.shape.decoder != 0) return add(packed(), kLoadUnit);
        return add(encode(NopCommand{}));
      case 15:
        if (out_.platform.shape.decoder != 0) return add(scales(), kLoadUnit);
        return add(encode(NopCommand{}));
      case 0:
        return add(encode(NopCommand{}));
      case 9:
        return add(index_load(static_cast<std::uint32_t>(between(kIndicesRead, 1100))), kLoadUnit);
      case 10:
        return add(indexed<GatherCommand>(7, kLoadAddress), kLoadUnit, 1u << kLoadUnit);
      case 11:
        return add(indexed<ScatterCommand>(6, kStoreAddress), kStoreUnit, 1u << kStoreUnit);
      case 1:
      case 2: {
        LoadCommand load = transfer<LoadCommand>(7, kLoadAddress);
        load.stream_take = chance(4) ? 1 : 0;
        load.stream_release = chance(4) ? 1 : 0;
        return add(load, kLoadUnit);
      }
      case 3:
      case 4:
        return add(gemm(), 1);
      case 5:
      case 6:
        return add(vector(), kVectorUnit, 1u << (4 * kLoadUnit + kVectorUnit));
      default:
        return add(transfer<StoreCommand>(6, kStoreAddress), kStoreUnit);
    }
  }

  // Some line of a matrix of `height` lines is beyond the end of a memory.
  std::uint32_t line_near(std::uint32_t end, std::uint32_t height) {
    return end - static_cast<std::uint32_t>(between(0, height - 1));
  }

  // One command, so that it meets no other unit wherever it goes.
  void add_beyond() {
    const std::uint32_t scratchpad = 8 * scratchpad_bank_, accumulator = 4 * accumulator_bank_;
    out_.commands.resize(2);  // program and indices
    switch (between(0, 6)) {
      case 6: {
        if (out_.platform.shape.decoder == 0) break;
        LoadQuantizedCommand command = packed();
        command.line = line_near(scratchpad, command.rows);
        command.stream_take = 0;
        add(encode(command));
        break;
      }
      case 0: {
        auto command = transfer<LoadCommand>(7, kLoadAddress);
        command.line = line_near(command.target == 0 ? scratchpad : accumulator, command.rows);
        add(encode(command));
        break;
      }
      case 1: {
        auto command = transfer<StoreCommand>(6, kStoreAddress);
        command.line = line_near(command.target == 0 ? scratchpad : accumulator, command.rows);
        add(encode(command));
        break;
      }
      case 2: {
        auto command = indexed<GatherCommand>(7, kLoadAddress);
        command.wait_tokens = 1u << kLoadUnit;
        command.line = line_near(command.target == 0 ? scratchpad : accumulator, command.rows);
        add(encode(command));
        break;
      }
      case 3: {
        auto command = indexed<ScatterCommand>(6, kStoreAddress);
        command.wait_tokens = 1u << kStoreUnit;
        command.line = line_near(command.target == 0 ? scratchpad : accumulator, command.rows);
        add(encode(command));
        break;
      }
      case 4: {
        GemmCommand command = gemm();
        switch (between(0, 2)) {
          case 0:
            command.stream_line = line_near(
                scratchpad, command.stream_transposed != 0 ? command.depth : command.rows);
            break;
          case 1:
            command.stationary_line = line_near(
                scratchpad, command.stationary_transposed != 0 ? command.columns : command.depth);
            break;
          default:
            command.accumulator_line = line_near(accumulator, command.rows);
            break;
        }
        add(encode(command));
        break;
      }
      default: {
        VectorCommand command = vector();
        command.wait_tokens = 1u << (4 * kLoadUnit + kVectorUnit);
        std::uint32_t& place = chance(2) ? command.stream0 : command.stream1;
        const std::uint32_t end = (place >> 24 & 1u) != 0 ? accumulator : scratchpad;
        const std::uint32_t height = (place >> 25 & 1u) != 0 ? command.columns : command.rows;
        place = (place & ~0xffffffu) | line_near(end, height);
        add(encode(command));
        break;
      }
    }
    add(encode(HaltCommand{}));
  }

  void make_mistake() {
    const auto index =
        static_cast<std::size_t>(between(0, static_cast<std::int64_t>(out_.commands.size()) - 1));
    CommandWords& words = out_.commands[index];
    std::string what;
    switch (between(0, 11)) {
      case 0:
        words[0] |= 0x0eu;  // no command has that opcode
        what = "opcode";
        break;
      case 1:
        words[0] ^= 0x100u;
        what = "version";
        break;
      case 2:
        if (chance(2)) {
          words[4] = 0;  // a size, whatever the unit
        } else {
          words[static_cast<std::size_t>(between(2, 10))] = 0xffffff01u;
        }
        what = "field";
        break;
      case 3:
        words[1] = static_cast<std::uint32_t>(random_());
        what = "tokens";
        break;
      case 4:
        out_.platform.faults.read_error = between(1, 60);
        what = "read error";
        break;
      case 5:
        out_.platform.faults.write_error = between(1, 30);
        what = "write error";
        break;
      case 6:
        out_.memory_limit =
            chance(4)
                ? kRingAddress + 64u * static_cast<std::uint64_t>(between(0, 9))
                : kStoreAddress + 128u * static_cast<std::uint64_t>(between(0, kAreaBytes / 128));
        what = "memory limit";
        break;
      case 7: {
        const auto at = static_cast<std::size_t>(
            between(0, static_cast<std::int64_t>(out_.instructions.size()) - 1));
        out_.instructions[at] |= std::uint64_t{0xf0} << 32;
        what = "instruction";
        break;
      }
      case 8:
        add_beyond();
        what = "line";
        break;
      case 9:
        out_.indices[random_() % out_.indices.size()] =
            static_cast<std::uint32_t>(random_() >> (chance(2) ? 32 : 54));
        what = "index";
        break;
      case 10: {
        const auto is_indexed = [](const CommandWords& command) {
          const std::uint32_t opcode = command[0] & 0xffu;
          return opcode == GatherCommand::kOpcode || opcode == ScatterCommand::kOpcode;
        };
        const auto found = std::find_if(out_.commands.begin(), out_.commands.end(), is_indexed);
        if (found == out_.commands.end()) return;
        (*found)[10] = static_cast<std::uint32_t>(between(kIndexWords, 0xffff));
        what = "place of an index";
        break;
      }
      default:
        out_.platform.faults.silent_read = between(1, 60);
        what = "silent read";
        break;
    }
    out_.description += fmt::format(", mistake: {} at {}", what, index);
  }

  std::mt19937_64 random_;
  RandomCommands out_;
  std::uint32_t lanes_ = 0, scratchpad_bank_ = 0, accumulator_bank_ = 0;  // lines of a bank
  std::array<int, 16> tokens_{};
  std::uint32_t waited_ = 0;  // tokens that some command has waited for
  GemmCommand last_gemm_;
};

template <class T>
void upload(HostPort& host, std::uint64_t address, const std::vector<T>& items) {
  std::vector<std::uint8_t> bytes(items.size() * sizeof(T));
  std::memcpy(bytes.data(), items.data(), bytes.size());
  host.write_memory(address, bytes);
}

void write_address(HostPort& host, std::uint32_t offset, std::uint64_t address) {
  host.write_register(offset, static_cast<std::uint32_t>(address));
  host.write_register(offset + 4, static_cast<std::uint32_t>(address >> 32));
}

}  // namespace

RandomCommands random_commands(std::uint64_t seed, bool mistakes) {
  return Generator(seed, mistakes).take();
}

void run_random_commands(const RandomCommands& commands, HostPort& host, Outcome& outcome) {
  std::mt19937_64 random(commands.seed * 7919 + 1);
  const auto below = [&](std::uint64_t end) { return random() % end; };
  upload(host, kProgramAddress, commands.instructions);
  upload(host, kIndexAddress, commands.indices);
  upload(host, kRingAddress, commands.commands);
  const auto start = [&] {
    write_address(host, kRegRingBaseLo, kRingAddress);
    host.write_register(kRegRingEntries, commands.ring_entries);
    write_address(host, kRegMemoryLimitLo, commands.memory_limit);
    host.write_register(kRegBurstLimits, commands.outstanding | commands.burst_beats << 16);
    host.write_register(kRegInterruptEnable, 3);
    host.write_register(kRegControl, 1u << kControlEnableLsb);
    host.write_register(kRegRingTail, static_cast<std::uint32_t>(commands.commands.size()));
  };
  start();

  std::uint32_t written = 0;
  bool interrupted = false;
  const std::uint64_t looks = 2 + below(30);
  for (std::uint64_t i = 0; i < looks && !interrupted; ++i) {
    switch (below(12)) {
      case 0:
        host.write_register(kRegControl, 1u << kControlEnableLsb | 1u << kControlClearCountersLsb);
        break;
      case 1:
        host.write_register(kRegControl, 0);
        interrupted = host.wait_interrupt(static_cast<std::int64_t>(below(300)));
        host.write_register(kRegControl, 1u << kControlEnableLsb);
        break;
      case 2:
        host.write_register(kRegBurstLimits,
                            static_cast<std::uint32_t>((1 + below(16)) | (1 + below(256)) << 16));
        break;
      case 3:
      case 4:
        host.write_register(kRegStreamWritten, ++written);
        break;
      case 5:
        read_counters(host, outcome.words);
        break;
      case 6:
        read_registers(host, outcome.words);
        break;
      default: {
        constexpr std::uint32_t kSome[] = {kRegStatus,   kRegCompleted,      kRegProgress,
                                           kRegRingHead, kRegStreamReleased, kRegUnitStateLoad};
        read_register(host, kSome[below(std::size(kSome))], outcome.words);
        break;
      }
    }
    interrupted = interrupted || host.wait_interrupt(static_cast<std::int64_t>(below(400)));
  }
  host.write_register(kRegStreamWritten, 1000);
  if (!interrupted && below(5) != 0) interrupted = host.wait_interrupt(60000);
  outcome.words.push_back({"interrupted", interrupted ? 1u : 0u});
  read_registers(host, outcome.words);
  if (!interrupted || below(2) == 0) {
    host.write_register(kRegControl, 1u << kControlResetLsb);
    for (int i = 0; i < 20; ++i) read_register(host, kRegControl, outcome.words);
    const bool is_reset = (outcome.words.back().value >> kControlResetLsb & 1u) == 0;
    read_registers(host, outcome.words);
    if (is_reset && below(2) == 0) {
      start();
      host.write_register(kRegStreamWritten, 1000);
      outcome.words.push_back({"interrupted", host.wait_interrupt(60000) ? 1u : 0u});
      read_registers(host, outcome.words);
    }
  }
  read_counters(host, outcome.words);
}

}  // namespace corank::test
