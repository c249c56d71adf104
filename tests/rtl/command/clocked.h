// What every bench here needs: a verilated module with a clock and a reset, and bits of wide ports.
#pragma once

#include <verilated.h>

#include <cstdint>
#include <memory>

namespace corank::test {

/// A verilated module with ports clk_i and rst_ni. A cycle is: drive the inputs, settle(), look at
/// the outputs, tick().
template <class Module>
struct Clocked {
  std::unique_ptr<VerilatedContext> context = std::make_unique<VerilatedContext>();
  std::unique_ptr<Module> module = std::make_unique<Module>(context.get());

  Clocked() = default;
  Clocked(const Clocked&) = delete;
  Clocked& operator=(const Clocked&) = delete;
  ~Clocked() { module->final(); }

  Module* operator->() { return module.get(); }

  void settle() { module->eval(); }

  void tick() {
    module->clk_i = 1;
    module->eval();
    module->clk_i = 0;
    module->eval();
  }

  void reset() {
    module->clk_i = 0;
    module->rst_ni = 1;
    module->eval();
    module->rst_ni = 0;
    module->eval();
    tick();
    module->rst_ni = 1;
    module->eval();
  }
};

/// Bits [lsb + width - 1 : lsb] of a port wider than 64 bits (32-bit words, the lowest first);
/// width at most 64.
template <class Wide>
std::uint64_t get_bits(const Wide& words, unsigned lsb, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned bit = 0; bit < width; ++bit) {
    const unsigned at = lsb + bit;
    value |= static_cast<std::uint64_t>(words[at / 32] >> (at % 32) & 1u) << bit;
  }
  return value;
}

template <class Wide>
void set_bits(Wide& words, unsigned lsb, unsigned width, std::uint64_t value) {
  for (unsigned bit = 0; bit < width; ++bit) {
    const unsigned at = lsb + bit;
    const std::uint32_t one = 1u << (at % 32);
    words[at / 32] = (words[at / 32] & ~one) | ((value >> bit & 1u) != 0 ? one : 0u);
  }
}

// Fields of the packed structures of accelerator_pkg.
inline constexpr unsigned kFaultBits = 57;  // valid, cause [8], address [48]
inline std::uint64_t pack_fault(std::uint32_t cause, std::uint64_t address) {
  return std::uint64_t{1} << 56 | static_cast<std::uint64_t>(cause) << 48 | address;
}
inline bool fault_valid(std::uint64_t fault) { return (fault >> 56 & 1u) != 0; }
inline std::uint32_t fault_cause(std::uint64_t fault) {
  return static_cast<std::uint32_t>(fault >> 48 & 0xffu);
}
inline std::uint64_t fault_address(std::uint64_t fault) { return fault & 0xffff'ffff'ffffu; }

inline std::uint64_t pack_axi_address(std::uint32_t id, std::uint64_t address, std::uint32_t len) {
  return static_cast<std::uint64_t>(id) << 56 | address << 8 | len;
}
inline std::uint32_t axi_id(std::uint64_t packed) {
  return static_cast<std::uint32_t>(packed >> 56 & 3u);
}
inline std::uint64_t axi_address(std::uint64_t packed) { return packed >> 8 & 0xffff'ffff'ffffu; }
inline std::uint32_t axi_len(std::uint64_t packed) {
  return static_cast<std::uint32_t>(packed & 0xffu);
}

}  // namespace corank::test
