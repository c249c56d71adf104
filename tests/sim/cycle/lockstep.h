// One host program on both accelerators, the verilated one and the cycle model, and everything that
// can be seen of the two compared.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "rtl/interface/interface.h"
#include "sim/platform/platform.h"

namespace corank::test {

/// A register or counter, and what the program read from it.
struct Word {
  std::string name;
  std::uint64_t value = 0;
};

/// What a run leaves behind, beside the platform's own figures.
struct Outcome {
  PlatformResult platform;
  std::string error;        // of a MachineError; empty: none
  std::vector<Word> words;  // that the program read
};

/// Runs on one of them; errors of the machine become text.
Outcome run_on(Fidelity fidelity, PlatformConfig config,
               const std::function<void(HostPort&, Outcome&)>& program);

/// The first difference, in context from both sides; "" if there is none. `values`: whether written
/// bytes count.
std::string first_difference(const Outcome& rtl, const Outcome& cycle, bool values = true);

/// The device's counters, read through its registers, to the end of `words`.
void read_counters(HostPort& host, std::vector<Word>& words);
/// One register.
void read_register(HostPort& host, std::uint32_t offset, std::vector<Word>& words);
/// All registers but the counters.
void read_registers(HostPort& host, std::vector<Word>& words);

}  // namespace corank::test
