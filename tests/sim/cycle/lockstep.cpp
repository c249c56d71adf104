#include "tests/sim/cycle/lockstep.h"

#include <fmt/format.h>

#include <utility>

#include "host/verify/comparison.h"
#include "models/base/error.h"

namespace corank::test {

namespace {

using namespace interface;

void tell(const Outcome& outcome, bool values, const EventSink& tell) {
  for (const TraceEvent& event : outcome.platform.trace) tell(EventKind::kCommand, line_of(event));
  for (MemoryTransaction transaction : outcome.platform.transactions) {
    if (!values) transaction.digest = 0;
    tell(EventKind::kTransaction, line_of(transaction));
  }
  for (const Word& word : outcome.words)
    tell(EventKind::kCounter, fmt::format("{} = {:#x}", word.name, word.value));
  tell_figures(outcome.platform, tell);
  if (!outcome.error.empty()) tell(EventKind::kError, outcome.error);
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
  Comparison comparison;
  for (const Side side : {Side::kRtl, Side::kCycle}) {
    tell(side == Side::kRtl ? rtl : cycle, values,
         [&](EventKind kind, std::string line) { comparison.take(side, kind, std::move(line)); });
    comparison.end(side);
  }
  return comparison.difference();
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
