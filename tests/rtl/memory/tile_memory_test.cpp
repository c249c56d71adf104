// The local memory against an array of lines. It runs in both of its forms: one process a bank
// (simulation) and a RAM a lane (synthesis).
#include <Vtile_memory_32.h>
#include <Vtile_memory_32_synthesis.h>
#include <Vtile_memory_4.h>
#include <Vtile_memory_4_synthesis.h>
#include <Vtile_memory_8.h>
#include <Vtile_memory_8_synthesis.h>
#include <Vtile_memory_parity.h>
#include <Vtile_memory_parity___024root.h>
#include <Vtile_memory_parity_synthesis.h>
#include <Vtile_memory_parity_synthesis___024root.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <optional>
#include <random>
#include <vector>

#include "tests/rtl/command/clocked.h"
#include "tests/rtl/memory/seed.h"

namespace {

using corank::test::Clocked;
using corank::test::get_bits;
using corank::test::set_bits;

struct Size {
  unsigned element_bits, lanes, lines, banks, readers, writers;
};
// As in CMakeLists.txt.
constexpr Size kLanes4{32, 4, 32, 2, 3, 3};
constexpr Size kLanes8{16, 8, 128, 4, 4, 2};
constexpr Size kLanes32{16, 32, 512, 8, 4, 2};

struct Request {
  bool transposed = false;
  unsigned count = 1, column = 0;
  std::uint32_t line = 0;
};

std::uint64_t pack(const Request& request) {  // tile_request_t
  return std::uint64_t{request.transposed} << 48 | std::uint64_t{request.count} << 40 |
         std::uint64_t{request.column} << 32 | request.line;
}
constexpr unsigned kRequestBits = 49;

using Elements = std::vector<std::uint32_t>;

/// The memory by ports: set requests, settle(), look at the faults of these writes and of the reads
/// of the cycle before, tick(), look at data.
template <class Module>
struct Memory {
  explicit Memory(const Size& s) : size(s) {
    idle();
    clocked.reset();
  }

  void idle() {
    clocked->read_valid_i = 0;
    clocked->write_valid_i = 0;
  }
  void read(unsigned port, const Request& request) {
    clocked->read_valid_i = static_cast<std::uint8_t>(clocked->read_valid_i | 1u << port);
    set_bits(clocked->read_request_i, port * kRequestBits, kRequestBits, pack(request));
  }
  void write(unsigned port, const Request& request, const Elements& data) {
    clocked->write_valid_i = static_cast<std::uint8_t>(clocked->write_valid_i | 1u << port);
    set_bits(clocked->write_request_i, port * kRequestBits, kRequestBits, pack(request));
    for (unsigned n = 0; n < size.lanes; ++n) {
      set_bits(clocked->write_data_i, (port * size.lanes + n) * size.element_bits,
               size.element_bits, n < data.size() ? data[n] : 0xdeadbeef);
    }
  }
  std::uint32_t data(unsigned port, unsigned n) {
    return static_cast<std::uint32_t>(get_bits(
        clocked->read_data_o, (port * size.lanes + n) * size.element_bits, size.element_bits));
  }
  Elements data_of(unsigned port, unsigned count) {
    Elements elements;
    for (unsigned n = 0; n < count; ++n) elements.push_back(data(port, n));
    return elements;
  }
  void settle() { clocked.settle(); }
  void tick() {
    clocked.tick();
    idle();
  }
  bool read_conflict(unsigned port) { return (clocked->read_conflict_o >> port & 1u) != 0; }
  std::uint32_t read_line(unsigned port) {
    return static_cast<std::uint32_t>(get_bits(clocked->read_line_o, port * 32, 32));
  }
  bool read_parity(unsigned port) { return (clocked->read_parity_o >> port & 1u) != 0; }
  bool read_range(unsigned port) { return (clocked->read_range_fault_o >> port & 1u) != 0; }
  bool write_conflict(unsigned port) { return (clocked->write_conflict_o >> port & 1u) != 0; }
  bool write_range(unsigned port) { return (clocked->write_range_fault_o >> port & 1u) != 0; }

  Size size;
  Clocked<Module> clocked;
};

/// Elements that were read, but for those that were written meanwhile.
using Seen = std::vector<std::optional<std::uint32_t>>;

/// What the memory should do, an element at a time and without lanes.
struct Model {
  explicit Model(const Size& s)
      : size(s), lines(s.lines, Elements(s.lanes)), ports(s.readers), pending(s.readers) {}

  std::uint64_t line_of(const Request& r, unsigned n) const {
    return r.line + std::uint64_t{r.transposed ? n : 0};
  }
  unsigned column_of(const Request& r, unsigned n) const {
    return r.transposed ? r.column : r.column + n;
  }
  bool in_range(const Request& r) const { return line_of(r, r.count - 1) < size.lines; }

  /// Takes the banks of the access, unless one of them is taken.
  bool take_banks(const Request& r, std::vector<bool>& taken) const {
    for (unsigned n = 0; n < r.count; ++n) {
      if (taken[line_of(r, n) / (size.lines / size.banks)]) return false;
    }
    for (unsigned n = 0; n < r.count; ++n) taken[line_of(r, n) / (size.lines / size.banks)] = true;
    return true;
  }

  Size size;
  std::vector<Elements> lines;
  std::vector<Seen> ports;                   // what the ports show
  std::vector<std::optional<Seen>> pending;  // what they will show after the next edge
};

Request random_request(const Size& size, std::mt19937_64& random, bool faults) {
  Request r;
  r.transposed = random() % 2 != 0;
  r.column = static_cast<unsigned>(random() % size.lanes);
  r.count =
      1 + static_cast<unsigned>(random() % (r.transposed ? size.lanes : size.lanes - r.column));
  if (random() % 4 == 0 && !r.transposed) r = {false, size.lanes, 0, 0};  // whole lines are common
  const unsigned last = size.lines - (r.transposed ? r.count : 1);
  r.line = static_cast<std::uint32_t>(random() % (last + 1));
  if (random() % 4 == 0) {  // around a bank's boundary
    const unsigned bank_lines = size.lines / size.banks;
    const auto boundary = static_cast<std::uint32_t>(random() % size.banks) * bank_lines;
    r.line = std::min<std::uint32_t>(last, boundary + bank_lines - 1 - random() % size.lanes);
  }
  if (faults && random() % 16 == 0) {
    const std::array<std::uint32_t, 4> beyond{last + 1, size.lines, 0xffff'ffffu, 0x8000'0000u};
    r.line = beyond[random() % beyond.size()];
  }
  return r;
}

template <class Module>
void compare_with_model(const Size& size) {
  const unsigned seed = corank::test::new_seed();
  INFO("lanes " << size.lanes << ", seed " << seed);
  std::mt19937_64 random(seed);
  const std::uint32_t mask = size.element_bits == 32 ? 0xffff'ffffu : 0xffffu;
  Memory<Module> memory(size);
  Model model(size);

  const auto random_elements = [&](unsigned count) {
    Elements elements;
    for (unsigned n = 0; n < count; ++n) {
      elements.push_back(static_cast<std::uint32_t>(random()) & mask);
    }
    return elements;
  };
  for (std::uint32_t line = 0; line < size.lines; ++line) {
    model.lines[line] = random_elements(size.lanes);
    memory.write(line % size.writers, {false, size.lanes, 0, line}, model.lines[line]);
    memory.settle();
    memory.tick();
  }

  unsigned read_conflicts = 0, write_conflicts = 0, ranges = 0, straddles = 0, collisions = 0;
  std::vector<std::optional<Request>> requested(size.readers);
  for (int cycle = 0; cycle < 6000; ++cycle) {
    // What takes place in this cycle.
    const std::vector<std::optional<Request>> reads = requested;
    std::vector<std::optional<Request>> writes(size.writers);
    std::vector<Elements> data(size.writers);
    for (unsigned port = 0; port < size.readers; ++port) {
      requested[port].reset();
      if (random() % 2 == 0) continue;
      requested[port] = random_request(size, random, true);
      memory.read(port, *requested[port]);
    }
    for (unsigned port = 0; port < size.writers; ++port) {
      if (random() % 2 == 0) continue;
      writes[port] = random_request(size, random, true);
      data[port] = random_elements(writes[port]->count);
      memory.write(port, *writes[port], data[port]);
    }
    memory.settle();

    std::vector<std::optional<Seen>> arriving(size.readers);
    std::vector<bool> read_taken(size.banks), write_taken(size.banks);
    for (unsigned port = 0; port < size.readers; ++port) {
      const bool in_range = !reads[port] || model.in_range(*reads[port]);
      const bool granted = reads[port] && in_range && model.take_banks(*reads[port], read_taken);
      REQUIRE(memory.read_range(port) == !in_range);
      REQUIRE(memory.read_conflict(port) == (reads[port] && in_range && !granted));
      if (reads[port]) REQUIRE(memory.read_line(port) == reads[port]->line);
      ranges += !in_range;
      read_conflicts += reads[port] && in_range && !granted;
      if (!granted) continue;
      const Request& r = *reads[port];
      straddles += model.line_of(r, 0) / (size.lines / size.banks) !=
                   model.line_of(r, r.count - 1) / (size.lines / size.banks);
      arriving[port].emplace();
      for (unsigned n = 0; n < r.count; ++n) {
        arriving[port]->push_back(model.lines[model.line_of(r, n)][model.column_of(r, n)]);
      }
    }
    for (unsigned port = 0; port < size.writers; ++port) {
      const bool in_range = !writes[port] || model.in_range(*writes[port]);
      const bool granted = writes[port] && in_range && model.take_banks(*writes[port], write_taken);
      REQUIRE(memory.write_range(port) == !in_range);
      REQUIRE(memory.write_conflict(port) == (writes[port] && in_range && !granted));
      write_conflicts += writes[port] && in_range && !granted;
      if (!granted) continue;
      const Request& r = *writes[port];
      for (unsigned n = 0; n < r.count; ++n) {
        const std::uint64_t line = model.line_of(r, n);
        const unsigned column = model.column_of(r, n);
        model.lines[line][column] = data[port][n];
        for (unsigned reader = 0; reader < size.readers; ++reader) {
          if (!arriving[reader]) continue;
          for (unsigned i = 0; i < reads[reader]->count; ++i) {
            // Written while it is read: it may be anything.
            if (model.line_of(*reads[reader], i) == line &&
                model.column_of(*reads[reader], i) == column) {
              (*arriving[reader])[i].reset();
              ++collisions;
            }
          }
        }
      }
    }
    memory.tick();
    for (unsigned port = 0; port < size.readers; ++port) {
      if (model.pending[port]) model.ports[port] = *model.pending[port];
      model.pending[port] = arriving[port];
      const auto count = static_cast<unsigned>(model.ports[port].size());
      const Elements shown = memory.data_of(port, count);
      Elements expected = shown;
      for (unsigned n = 0; n < count; ++n) {
        if (model.ports[port][n]) expected[n] = *model.ports[port][n];
      }
      REQUIRE(shown == expected);
      // Nothing changes by itself; what was written while it was read may look as if it had.
      const bool known = std::all_of(model.ports[port].begin(), model.ports[port].end(),
                                     [](const auto& element) { return element.has_value(); });
      if (known) REQUIRE_FALSE(memory.read_parity(port));
    }
  }
  CHECK(read_conflicts > 100);
  CHECK(write_conflicts > 100);
  CHECK(ranges > 100);
  CHECK(straddles > 100);
  CHECK(collisions > 10);
}

/// The stored word of column 3 of line 5: lane (3 + 5) % 8 of bank 0.
IData& stored_word(Vtile_memory_parity& module) {
  return module.rootp->tile_memory__DOT__gen_bank__BRA__0__KET____DOT__words[0][5];
}
IData& stored_word(Vtile_memory_parity_synthesis& module) {
  return module.rootp
      ->tile_memory__DOT__gen_bank__BRA__0__KET____DOT__gen_lane__BRA__0__KET____DOT__u_ram__DOT__words_q
          [5];
}

}  // namespace

TEMPLATE_TEST_CASE("with parity a changed bit is noticed by those who read it", "",
                   Vtile_memory_parity, Vtile_memory_parity_synthesis) {
  for (unsigned bit = 0; bit < 17; ++bit) {
    INFO("bit " << bit);
    Memory<TestType> memory(kLanes8);
    memory.write(0, {false, 8, 0, 5}, {0, 1, 2, 0xabcd, 4, 5, 6, 0xffff});
    memory.tick();
    stored_word(*memory.clocked.module) ^= 1u << bit;
    memory.read(0, {false, 3, 0, 5});  // columns 0, 1, 2
    memory.tick();
    memory.read(1, {false, 2, 2, 5});  // 2 and 3
    memory.tick();
    memory.tick();
    CHECK(memory.clocked->read_parity_o == 0);  // of the first read
    memory.tick();
    CHECK(memory.clocked->read_parity_o == 0b10);
    memory.tick();
    CHECK(memory.clocked->read_parity_o == 0);  // one cycle
  }
}

TEST_CASE("random accesses of all ports match an array of lines") {
  SECTION("4 lanes") { compare_with_model<Vtile_memory_4>(kLanes4); }
  SECTION("8 lanes") { compare_with_model<Vtile_memory_8>(kLanes8); }
  SECTION("with parity") { compare_with_model<Vtile_memory_parity>(kLanes8); }
  SECTION("32 lanes") { compare_with_model<Vtile_memory_32>(kLanes32); }
}

TEST_CASE("random accesses of all ports match an array of lines, as synthesized") {
  SECTION("4 lanes") { compare_with_model<Vtile_memory_4_synthesis>(kLanes4); }
  SECTION("8 lanes") { compare_with_model<Vtile_memory_8_synthesis>(kLanes8); }
  SECTION("with parity") { compare_with_model<Vtile_memory_parity_synthesis>(kLanes8); }
  SECTION("32 lanes") { compare_with_model<Vtile_memory_32_synthesis>(kLanes32); }
}

TEMPLATE_TEST_CASE("a read has its data after three cycles and sees a write of its own cycle", "",
                   Vtile_memory_8, Vtile_memory_8_synthesis) {
  Memory<TestType> memory(kLanes8);
  const Request three{false, 3, 2, 5};  // columns 2, 3, 4 of line 5
  memory.write(0, three, {10, 11, 12});
  memory.read(0, three);
  memory.tick();  // cycle 0
  memory.tick();  // cycle 1, the read takes place
  memory.write(1, three, {20, 21, 22});
  memory.read(0, three);
  memory.tick();  // cycle 2
  CHECK(memory.data_of(0, 3) == Elements{10, 11, 12});
  memory.tick();  // cycle 3
  memory.tick();  // cycle 4
  CHECK(memory.data_of(0, 3) == Elements{20, 21, 22});
  for (int cycle = 0; cycle < 5; ++cycle) memory.tick();
  CHECK(memory.data_of(0, 3) == Elements{20, 21, 22});  // it stays
}

TEMPLATE_TEST_CASE("a column written by lines is read transposed across a bank's boundary", "",
                   Vtile_memory_8, Vtile_memory_8_synthesis) {
  Memory<TestType> memory(kLanes8);  // banks of 32 lines
  for (std::uint32_t line = 28; line < 36; ++line) {
    memory.write(0, {false, 8, 0, line}, {line, 100 + line, 2, 3, 4, 5, 6, 700 + line});
    memory.tick();
  }
  memory.read(3, {true, 8, 7, 28});
  memory.read(1, {true, 3, 1, 96});  // another bank: no conflict
  memory.tick();
  memory.read(3, {true, 2, 0, 31});
  memory.settle();
  CHECK(memory.clocked->read_conflict_o == 0);
  memory.tick();
  memory.tick();
  CHECK(memory.data_of(3, 8) == Elements{728, 729, 730, 731, 732, 733, 734, 735});
  memory.tick();
  CHECK(memory.data_of(3, 2) == Elements{31, 32});
}

TEMPLATE_TEST_CASE("the higher port loses a bank, and a fault does nothing", "", Vtile_memory_8,
                   Vtile_memory_8_synthesis) {
  Memory<TestType> memory(kLanes8);  // banks of 32 lines
  memory.write(0, {false, 1, 0, 31}, {1});
  memory.tick();
  memory.write(0, {false, 1, 0, 32}, {2});
  memory.tick();

  // Port 1 has banks 0 and 1, so 2 and 3 lose; port 0 is out of range and has no bank.
  memory.read(0, {true, 2, 0, 127});
  memory.read(1, {true, 2, 0, 31});
  memory.read(2, {false, 1, 0, 0});
  memory.read(3, {false, 1, 0, 63});
  memory.tick();
  memory.write(0, {false, 1, 0, 30}, {3});  // writers have ports of their own
  memory.write(1, {true, 2, 0, 31}, {4, 4});
  memory.settle();
  CHECK(memory.clocked->read_range_fault_o == 0b0001);
  CHECK(memory.clocked->read_conflict_o == 0b1100);
  CHECK(memory.clocked->write_range_fault_o == 0);
  CHECK(memory.clocked->write_conflict_o == 0b10);
  memory.tick();
  memory.read(0, {true, 3, 0, 30});
  memory.tick();
  CHECK(memory.data_of(1, 2) == Elements{1, 2});
  memory.tick();
  memory.tick();
  CHECK(memory.data_of(0, 3) == Elements{3, 1, 2});  // of the writes only port 0's happened
}
