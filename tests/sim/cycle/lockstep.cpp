#include "tests/sim/cycle/lockstep.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "models/base/error.h"

namespace corank::test {

namespace {

using namespace interface;

constexpr std::array<const char*, 4> kUnitOfTrace = {"load", "array", "vector", "store"};

std::string text_of(const TraceEvent& event) {
  return fmt::format("{:<6} command {:<5} issue {:<7} start {:<7} end {}",
                     kUnitOfTrace[static_cast<std::size_t>(event.unit)], event.command, event.issue,
                     event.start, event.end);
}

std::string text_of(const MemoryTransaction& transaction) {
  return fmt::format("cycle {:<7} {:<5} {:#010x} {} bytes, digest {:016x}", transaction.cycle,
                     transaction.write ? "write" : "read", transaction.address, transaction.bytes,
                     transaction.digest);
}

std::string text_of(const Word& word) { return fmt::format("{} = {:#x}", word.name, word.value); }

auto key(const Word& word) { return std::make_tuple(word.name, word.value); }
auto key(const TraceEvent& event) {
  return std::make_tuple(event.unit, event.command, event.issue, event.start, event.end);
}
auto key(const MemoryTransaction& t) {
  return std::make_tuple(t.cycle, t.write, t.address, t.bytes, t.digest);
}

template <class Item>
std::string difference(const char* what, const std::vector<Item>& rtl,
                       const std::vector<Item>& cycle) {
  const std::size_t most = std::max(rtl.size(), cycle.size());
  std::size_t first = 0;
  while (first < rtl.size() && first < cycle.size() && key(rtl[first]) == key(cycle[first]))
    ++first;
  if (first == most) return "";
  constexpr std::size_t kBefore = 6, kAfter = 3;
  std::string text =
      fmt::format("{} {} differ (of {} and {}):\n", what, first, rtl.size(), cycle.size());
  const std::size_t begin = first > kBefore ? first - kBefore : 0;
  for (std::size_t i = begin; i < std::min(most, first + kAfter); ++i) {
    const std::string left = i < rtl.size() ? text_of(rtl[i]) : "-";
    const std::string right = i < cycle.size() ? text_of(cycle[i]) : "-";
    text += left == right ? fmt::format("  both  {}\n", left)
                          : fmt::format("  rtl   {}\n  cycle {}\n", left, right);
  }
  return text;
}

void compare(std::string& text, const std::string& what, std::int64_t rtl, std::int64_t cycle) {
  if (rtl != cycle) text += fmt::format("{}: rtl {}, cycle {}\n", what, rtl, cycle);
}

}  // namespace

Outcome run_on(Fidelity fidelity, PlatformConfig config,
               const std::function<void(HostPort&, Outcome&)>& program) {
  config.fidelity = fidelity;
  config.trace = config.transactions = true;
  Outcome outcome;
  outcome.platform = run_platform(config, [&](HostPort& host) {
    try {
      program(host, outcome);
    } catch (const MachineError& error) {
      outcome.error = error.what();
    }
  });
  return outcome;
}

std::string first_difference(const Outcome& rtl, const Outcome& cycle, bool values) {
  std::string text;
  if (rtl.error != cycle.error) {
    text += fmt::format("error:\n  rtl   {}\n  cycle {}\n", rtl.error, cycle.error);
  }
  const PlatformResult &a = rtl.platform, &b = cycle.platform;
  text += difference("trace event", a.trace, b.trace);
  std::vector<MemoryTransaction> left = a.transactions, right = b.transactions;
  if (!values) {
    for (auto* side : {&left, &right}) {
      for (MemoryTransaction& transaction : *side) transaction.digest = 0;
    }
  }
  text += difference("transaction", left, right);
  text += difference("word", rtl.words, cycle.words);
  if (values && rtl.results != cycle.results) text += "the results read back differ\n";
  compare(text, "cycles", a.cycles, b.cycles);
  if (a.simulated_ns != b.simulated_ns) {
    text += fmt::format("simulated ns: rtl {}, cycle {}\n", a.simulated_ns, b.simulated_ns);
  }
  compare(text, "AXI read bursts", a.axi.read.bursts, b.axi.read.bursts);
  compare(text, "AXI read beats", a.axi.read.beats, b.axi.read.beats);
  compare(text, "AXI read bytes", a.axi.read.bytes, b.axi.read.bytes);
  compare(text, "AXI write bursts", a.axi.write.bursts, b.axi.write.bursts);
  compare(text, "AXI write beats", a.axi.write.beats, b.axi.write.beats);
  compare(text, "AXI write bytes", a.axi.write.bytes, b.axi.write.bytes);
  for (int channel = 0; channel < kChannels; ++channel) {
    const auto i = static_cast<std::size_t>(channel);
    compare(text, fmt::format("held cycles of channel {}", channel), a.injections.held_cycles[i],
            b.injections.held_cycles[i]);
  }
  compare(text, "injected read errors", a.injections.read_errors, b.injections.read_errors);
  compare(text, "injected write errors", a.injections.write_errors, b.injections.write_errors);
  compare(text, "silent reads", a.injections.silent_reads, b.injections.silent_reads);
  compare(text, "link packets to the host", a.link.to_host.packets, b.link.to_host.packets);
  return text;
}

std::string lockstep(const PlatformConfig& config,
                     const std::function<void(HostPort&, Outcome&)>& program) {
  return first_difference(run_on(Fidelity::kRtl, config, program),
                          run_on(Fidelity::kCycle, config, program));
}

void read_register(HostPort& host, std::uint32_t offset, std::vector<Word>& words) {
  words.push_back({fmt::format("register {:#05x}", offset), host.read_register(offset)});
}

void read_counters(HostPort& host, std::vector<Word>& words) {
  for (std::uint32_t i = 0; i < kCounters; ++i) {
    const std::uint64_t low = host.read_register(kRegCounters + 8 * i);
    const std::uint64_t high = host.read_register(kRegCounters + 8 * i + 4);
    words.push_back({kCounterNames[i], low | high << 32});
  }
}

void read_registers(HostPort& host, std::vector<Word>& words) {
  for (std::uint32_t offset = kRegIdentity; offset <= kRegUnitCommandStore; offset += 4) {
    const bool gap = (offset > kRegStreamReleased && offset < kRegUnitStateCommand) ||
                     (offset > kRegUnitStateStore && offset < kRegUnitCommandCommand);
    if (!gap) read_register(host, offset, words);
  }
}

}  // namespace corank::test
