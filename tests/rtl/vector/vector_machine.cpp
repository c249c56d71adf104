#include "tests/rtl/vector/vector_machine.h"

#include <verilated.h>

#include <array>
#include <stdexcept>
#include <type_traits>

#include "Vvector_unit_1.h"
#include "Vvector_unit_4.h"
#include "Vvector_unit_8.h"
#include "Vvector_with_memories.h"

namespace corank::vector_test {
namespace {

// Ports of up to 64 bits are integers, wider ones are arrays of 32-bit words.
template <std::size_t N>
std::uint32_t word(const VlWide<N>& port, std::size_t i) {
  return port.m_storage[i];
}
std::uint32_t word(QData port, std::size_t i) { return static_cast<std::uint32_t>(port >> 32 * i); }

template <std::size_t N>
void set_word(VlWide<N>& port, std::size_t i, std::uint32_t value) {
  port.m_storage[i] = value;
}
void set_word(QData& port, std::size_t i, std::uint32_t value) {
  port = (port & ~(QData{0xFFFFFFFF} << 32 * i)) | QData{value} << 32 * i;
}

// Seen where a read has not asked for an element; no test may depend on it.
constexpr std::uint32_t kGarbage = 0xDEADBEEF;

// Fields of accelerator_pkg::tile_request_t.
Access decode(QData request, bool accumulator) {
  return {accumulator, (request >> 48 & 1) != 0, static_cast<std::int64_t>(request & 0xFFFFFFFF),
          static_cast<std::int64_t>(request >> 32 & 0xFF),
          static_cast<std::int64_t>(request >> 40 & 0xFF)};
}

// Of accelerator_pkg::counter_event_t.
std::optional<Event> decode_event(std::uint32_t event) {
  std::uint32_t counter_bits = 0;
  while (1u << counter_bits < interface::kCounters) ++counter_bits;
  if ((event >> (8 + counter_bits)) == 0) return std::nullopt;
  const std::uint32_t counter = event >> 8 & ((1u << counter_bits) - 1);
  return Event{static_cast<interface::Counter>(counter), event & 0xFF};
}

// Machines with the accelerator's memories are brought up to date by way of their extra ports; the
// others read and write memories_ as the unit's ports ask for it.
template <class Model>
constexpr bool kHasMemories = std::is_same_v<Model, Vvector_with_memories>;

template <class Model, int VectorLanes, int Lanes, int AxiWords, int DivideInterval>
class Machine : public VectorMachine {
 public:
  Machine() : model_(&context_) {
    memories_.scratchpad.resize(static_cast<std::size_t>(lines() * Lanes));
    memories_.accumulator.resize(static_cast<std::size_t>(lines() * Lanes));
    reset();
  }
  ~Machine() override { model_.final(); }

  Shape shape() const override { return {VectorLanes, Lanes, DivideInterval}; }

  LocalMemories& memories() override {
    if constexpr (kHasMemories<Model>) {
      if (!changed_) read_back();
    }
    changed_ = true;
    return memories_;
  }

  void reset() override {
    model_.command_valid_i = 0;
    model_.stop_i = 0;
    model_.program_write_valid_i = 0;
    model_.rst_ni = 0;
    for (int i = 0; i < 2; ++i) clock();
    model_.rst_ni = 1;
    reads_ = {};
  }

  void write_program(std::uint32_t index, const std::vector<std::uint64_t>& words) override {
    for (std::size_t first = 0; first < words.size(); first += AxiWords) {
      model_.program_write_valid_i = 1;
      model_.program_write_word_i = static_cast<SData>(index + first);
      for (std::size_t i = 0; i < AxiWords; ++i) {
        const std::uint64_t value = first + i < words.size() ? words[first + i] : ~0ull;
        set_word(model_.program_write_data_i, 2 * i, static_cast<std::uint32_t>(value));
        set_word(model_.program_write_data_i, 2 * i + 1, static_cast<std::uint32_t>(value >> 32));
      }
      clock();
    }
    model_.program_write_valid_i = 0;
  }

  Cycle step(const Stimulus& stimulus) override {
    if constexpr (kHasMemories<Model>) {
      if (changed_) preload();
    } else {
      drive(reads_[2]);
    }
    changed_ = false;
    drive(stimulus);
    model_.clk_i = 0;
    model_.eval();
    const Cycle cycle = observe();
    if constexpr (kHasMemories<Model>) {
      if (model_.memory_fault_o) throw std::out_of_range("a fault of a local memory");
    } else {
      // A read takes place in the cycle after its request, so it sees a write of that one.
      if (cycle.write) write(*cycle.write);
      reads_[2] = reads_[1];
      reads_[1] = reads_[0];
      reads_[0] = cycle.read ? std::optional<ReadData>(read(*cycle.read)) : std::nullopt;
    }
    model_.clk_i = 1;
    model_.eval();
    return cycle;
  }

 private:
  struct ReadData {
    bool accumulator;
    std::vector<std::uint32_t> elements;
  };

  void clock() {
    model_.clk_i = 0;
    model_.eval();
    model_.clk_i = 1;
    model_.eval();
  }

  void drive(const Stimulus& stimulus) {
    model_.stop_i = stimulus.stop;
    model_.command_valid_i = stimulus.command.has_value();
    if (!stimulus.command) return;
    const interface::CommandWords words = interface::encode(stimulus.command->command);
    for (std::size_t i = 0; i < words.size(); ++i) set_word(model_.command_i, i, words[i]);
    set_word(model_.command_i, words.size(), stimulus.command->index);
  }

  // Data for the request of two cycles ago.
  void drive(const std::optional<ReadData>& data) {
    const auto element = [&](bool accumulator, std::size_t i) {
      const bool given = data && data->accumulator == accumulator && i < data->elements.size();
      return given ? data->elements[i] : kGarbage;
    };
    for (std::size_t i = 0; i < Lanes; ++i) {
      set_word(model_.accumulator_read_data_i, i, element(true, i));
    }
    for (std::size_t i = 0; i < Lanes / 2; ++i) {
      set_word(model_.scratchpad_read_data_i, i,
               (element(false, 2 * i) & 0xFFFF) | element(false, 2 * i + 1) << 16);
    }
  }

  Cycle observe() const {
    Cycle cycle;
    cycle.ready = model_.command_ready_o != 0;
    cycle.idle = model_.idle_o != 0;
    cycle.activity = model_.activity_o;
    cycle.current_index = model_.current_index_o;
    const QData completion = model_.completion_o;
    if ((completion >> 48 & 1) != 0) {
      cycle.completion = Completion{static_cast<std::uint32_t>(completion >> 16),
                                    static_cast<std::uint32_t>(completion & 0xFFFF)};
    }
    const QData fault = model_.fault_o;
    if ((fault >> 56 & 1) != 0) {
      cycle.fault = Fault{static_cast<std::uint32_t>(fault >> 48 & 0xFF), fault & 0xFFFFFFFFFFFF};
    }
    if (model_.scratchpad_read_valid_o)
      cycle.read = decode(model_.scratchpad_read_request_o, false);
    if (model_.accumulator_read_valid_o) {
      if (cycle.read) throw std::logic_error("two reads in one cycle");
      cycle.read = decode(model_.accumulator_read_request_o, true);
    }
    if (model_.scratchpad_write_valid_o) {
      cycle.write = decode(model_.scratchpad_write_request_o, false);
    }
    if (model_.accumulator_write_valid_o) {
      if (cycle.write) throw std::logic_error("two writes in one cycle");
      cycle.write = decode(model_.accumulator_write_request_o, true);
    }
    cycle.event = decode_event(model_.event_o);
    return cycle;
  }

  std::size_t place(const Access& access, std::int64_t n) const {
    const std::int64_t line = access.line + (access.transposed ? n : 0);
    const std::int64_t column = access.column + (access.transposed ? 0 : n);
    if (line >= lines() || column >= Lanes || access.count < 1 || access.count > VectorLanes) {
      throw std::out_of_range("an access beyond the local memory");
    }
    return static_cast<std::size_t>(line * Lanes + column);
  }

  ReadData read(const Access& access) const {
    ReadData data{access.accumulator, {}};
    for (std::int64_t n = 0; n < access.count; ++n) {
      data.elements.push_back(access.accumulator ? memories_.accumulator.at(place(access, n))
                                                 : memories_.scratchpad.at(place(access, n)));
    }
    return data;
  }

  void write(const Access& access) {
    for (std::int64_t n = 0; n < access.count; ++n) {
      const auto i = static_cast<std::size_t>(n);
      if (access.accumulator) {
        memories_.accumulator.at(place(access, n)) = word(model_.accumulator_write_data_o, i);
      } else {
        memories_.scratchpad.at(place(access, n)) =
            static_cast<std::uint16_t>(word(model_.scratchpad_write_data_o, i / 2) >> 16 * (i % 2));
      }
    }
  }

  void preload() {
    model_.command_valid_i = 0;
    model_.preload_valid_i = 1;
    for (std::size_t line = 0; line < static_cast<std::size_t>(lines()); ++line) {
      model_.memory_line_i = static_cast<IData>(line);
      for (std::size_t i = 0; i < Lanes; ++i) {
        set_word(model_.preload_accumulator_i, i, memories_.accumulator[line * Lanes + i]);
      }
      for (std::size_t i = 0; i < Lanes / 2; ++i) {
        const std::size_t first = line * Lanes + 2 * i;
        set_word(model_.preload_scratchpad_i, i,
                 memories_.scratchpad[first] |
                     static_cast<std::uint32_t>(memories_.scratchpad[first + 1]) << 16);
      }
      clock();
    }
    model_.preload_valid_i = 0;
  }

  void read_back() {
    model_.command_valid_i = 0;
    model_.readback_valid_i = 1;
    for (std::size_t line = 0; line < static_cast<std::size_t>(lines()); ++line) {
      model_.memory_line_i = static_cast<IData>(line);
      for (int cycle = 0; cycle < 3; ++cycle) clock();
      for (std::size_t i = 0; i < Lanes; ++i) {
        memories_.accumulator[line * Lanes + i] = word(model_.readback_accumulator_o, i);
        memories_.scratchpad[line * Lanes + i] =
            static_cast<std::uint16_t>(word(model_.readback_scratchpad_o, i / 2) >> 16 * (i % 2));
      }
    }
    model_.readback_valid_i = 0;
  }

  LocalMemories memories_;
  bool changed_ = true;  // by the test, since the last step
  VerilatedContext context_;
  Model model_;
  std::array<std::optional<ReadData>, 3> reads_;  // of the last cycle and of the two before
};

}  // namespace

// The shapes that CMakeLists.txt verilates. The narrow one finds one digit a cycle: 26 digits, one
// cycle before and one after; the others two.
std::vector<std::unique_ptr<VectorMachine>> machines() {
  std::vector<std::unique_ptr<VectorMachine>> result;
  result.push_back(std::make_unique<Machine<Vvector_unit_1, 1, 4, 1, 28>>());
  result.push_back(std::make_unique<Machine<Vvector_unit_4, 4, 8, 2, 15>>());
  result.push_back(std::make_unique<Machine<Vvector_unit_8, 8, 32, 8, 15>>());
  result.push_back(std::make_unique<Machine<Vvector_with_memories, 4, 8, 2, 15>>());
  return result;
}

}  // namespace corank::vector_test
