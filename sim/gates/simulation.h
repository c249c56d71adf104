// A netlist clock by clock, without delays: a gate is evaluated once its inputs have changed, after
// the gates that drive them, so that no net changes twice a clock (there are no glitches).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/gates/netlist.h"

namespace corank::gates {

/// Energy and events of one place in the hierarchy while edges were counted.
struct UnitActivity {
  double switching_pj = 0;  // of the nets that it drives
  double flops = 0;
  std::int64_t ram_reads = 0, ram_writes = 0;
};

class Simulation {
 public:
  /// Throws std::runtime_error for a loop of gates. Every net is 0 at first.
  explicit Simulation(const Netlist& netlist);

  bool value(Net net) const { return values_[net] != 0; }
  void drive(Net net, bool value);

  /// Until no gate has anything to do.
  void settle();
  /// The rising edge of the clock; settle() comes before and after.
  void edge();

  /// Whether an edge of a net counts from now on.
  void count(bool on) { counting_ = on; }
  /// Whether a net or a word has changed since it was asked the last time.
  bool changed();

  /// By place, in the order of the netlist's units.
  std::vector<UnitActivity> activity() const;

 private:
  using Word = std::vector<std::uint8_t>;

  void set(Net net, std::uint8_t value);
  void clock_ram(std::size_t index);

  const Netlist& netlist_;
  std::vector<std::uint8_t> values_;
  std::vector<std::uint32_t> first_load_, loads_;    // gates that hang on a net
  std::vector<std::uint32_t> level_;                 // of a gate
  std::vector<std::vector<std::uint32_t>> waiting_;  // gates by level
  std::vector<std::uint8_t> is_waiting_;
  std::vector<std::uint8_t> next_;        // of the flip-flops
  std::vector<std::vector<Word>> words_;  // of the RAMs
  std::vector<std::optional<Word>> read_;
  std::vector<std::int64_t> rises_, falls_, ram_reads_, ram_writes_;
  bool counting_ = false, changed_ = false;
};

}  // namespace corank::gates
