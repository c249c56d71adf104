#include "sim/dram/timing_checker.h"

#include <algorithm>

namespace corank {
namespace {

constexpr DramClock kLongAgo = -1'000'000'000;

std::size_t index_of(DramCommandKind kind) { return static_cast<std::size_t>(kind); }

}  // namespace

DramTimingChecker::DramTimingChecker(const DramDevice& device) : device_(device) {
  using K = DramCommandKind;
  const DramTiming& t = device.timing;
  const DramClock written = t.CWL + t.burst;  // from a write command to the end of its data
  rules_ = {
      {"tRC", K::kActivate, K::kActivate, kSameBank, t.tRC},
      {"tRRD_L", K::kActivate, K::kActivate, kSameGroup, t.tRRD_L},
      {"tRRD_S", K::kActivate, K::kActivate, kAnyBank, t.tRRD_S},
      {"tRCD_RD", K::kActivate, K::kRead, kSameBank, t.tRCD_RD},
      {"tRCD_WR", K::kActivate, K::kWrite, kSameBank, t.tRCD_WR},
      {"tRAS", K::kActivate, K::kPrecharge, kSameBank, t.tRAS},
      {"tCCD_L", K::kRead, K::kRead, kSameGroup, t.tCCD_L},
      {"tCCD_S", K::kRead, K::kRead, kAnyBank, t.tCCD_S},
      {"tCCD_L", K::kWrite, K::kWrite, kSameGroup, t.tCCD_L},
      {"tCCD_S", K::kWrite, K::kWrite, kAnyBank, t.tCCD_S},
      {"tRTW", K::kRead, K::kWrite, kAnyBank, t.tRTW},
      {"tWTR_L", K::kWrite, K::kRead, kSameGroup, written + t.tWTR_L},
      {"tWTR_S", K::kWrite, K::kRead, kAnyBank, written + t.tWTR_S},
      {"tRTP", K::kRead, K::kPrecharge, kSameBank, t.tRTP},
      {"tWR", K::kWrite, K::kPrecharge, kSameBank, written + t.tWR},
      {"tRP", K::kPrecharge, K::kActivate, kSameBank, t.tRP},
      {"tRP", K::kPrecharge, K::kRefresh, kAnyBank, t.tRP},
      {"tRP_AB", K::kPrechargeAll, K::kActivate, kAnyBank, t.tRP_AB},
      {"tRP_AB", K::kPrechargeAll, K::kRefresh, kAnyBank, t.tRP_AB},
      {"tRFC", K::kRefresh, K::kActivate, kAnyBank, t.tRFC},
      {"tRFC", K::kRefresh, K::kRefresh, kAnyBank, t.tRFC},
  };
  Last never;
  never.fill(kLongAgo);
  bank_.assign(static_cast<std::size_t>(device.organisation.all_banks()), never);
  group_.assign(static_cast<std::size_t>(device.organisation.bank_groups), never);
  channel_ = never;
  row_.assign(bank_.size(), -1);
  activates_.fill(kLongAgo);
  bus_free_.fill(0);
}

void DramTimingChecker::require(bool holds, const DramCommand& command, const char* rule) {
  if (holds) return;
  ++violations_;
  if (!first_.empty()) return;
  const char* const names[] = {"ACT", "RD", "WR", "PRE", "PREA", "REF"};
  first_ = "clock " + std::to_string(command.clock) + ": " + names[index_of(command.kind)] +
           " bank " + std::to_string(command.bank) + " row " + std::to_string(command.row) + ": " +
           rule;
}

void DramTimingChecker::check_distances(const DramCommand& command, int bank_index) {
  const auto bank = static_cast<std::size_t>(bank_index);
  const std::size_t group = bank / static_cast<std::size_t>(device_.organisation.banks);
  const DramCommandKind kind =
      command.kind == DramCommandKind::kPrechargeAll ? DramCommandKind::kPrecharge : command.kind;
  for (const Rule& rule : rules_) {
    if (rule.to != kind) continue;
    const Last& last = rule.scope == kSameBank    ? bank_[bank]
                       : rule.scope == kSameGroup ? group_[group]
                                                  : channel_;
    require(command.clock - last[index_of(rule.from)] >= rule.clocks, command, rule.name);
  }
}

void DramTimingChecker::check_buses(const DramCommand& command) {
  const bool column =
      command.kind == DramCommandKind::kRead || command.kind == DramCommandKind::kWrite;
  DramClock& free = bus_free_[device_.separate_buses && column ? 1 : 0];
  require(command.clock >= free, command, "command bus");
  const int slots = command.kind == DramCommandKind::kActivate ? device_.timing.activate_slots : 1;
  free = command.clock + slots;
  if (!column) return;
  const DramTiming& t = device_.timing;
  const DramClock start = command.clock + (command.kind == DramCommandKind::kRead ? t.CL : t.CWL);
  require(start >= data_free_, command, "data bus");
  data_free_ = start + t.burst;
}

void DramTimingChecker::note(DramCommandKind kind, int bank, DramClock clock) {
  const auto b = static_cast<std::size_t>(bank);
  const std::size_t group = b / static_cast<std::size_t>(device_.organisation.banks);
  for (Last* last : {&bank_[b], &group_[group], &channel_}) {
    DramClock& entry = (*last)[index_of(kind)];
    entry = std::max(entry, clock);
  }
}

// An auto-precharge begins when a precharge command could.
void DramTimingChecker::closed_by_itself(const DramCommand& command) {
  const DramTiming& t = device_.timing;
  const auto bank = static_cast<std::size_t>(command.bank);
  const DramClock ready = command.kind == DramCommandKind::kRead
                              ? command.clock + t.tRTP
                              : command.clock + t.CWL + t.burst + t.tWR;
  const DramClock opened = bank_[bank][index_of(DramCommandKind::kActivate)];
  note(DramCommandKind::kPrecharge, command.bank, std::max(ready, opened + t.tRAS));
  row_[bank] = -1;
}

void DramTimingChecker::check(const DramCommand& command) {
  ++commands_;
  require(command.clock >= clock_, command, "order of the log");
  clock_ = command.clock;
  // A refresh is never put off, so at most one is missing (the one under way).
  require(command.kind == DramCommandKind::kRefresh ||
              refreshes_ >= command.clock / device_.timing.tREFI - 1,
          command, "tREFI");
  check_buses(command);
  const auto bank = static_cast<std::size_t>(command.bank);
  switch (command.kind) {
    case DramCommandKind::kActivate: {
      check_distances(command, command.bank);
      require(row_[bank] == -1, command, "the bank is open");
      DramClock& fourth = activates_[static_cast<std::size_t>(activate_count_++ % 4)];
      require(command.clock - fourth >= device_.timing.tFAW, command, "tFAW");
      fourth = command.clock;
      row_[bank] = command.row;
      break;
    }
    case DramCommandKind::kRead:
    case DramCommandKind::kWrite:
      check_distances(command, command.bank);
      require(row_[bank] == command.row, command, "the row is not open");
      break;
    case DramCommandKind::kPrecharge:
      check_distances(command, command.bank);
      row_[bank] = -1;
      break;
    case DramCommandKind::kPrechargeAll:
      for (std::size_t b = 0; b < row_.size(); ++b) {
        if (row_[b] != -1) check_distances(command, static_cast<int>(b));
        row_[b] = -1;
      }
      break;
    case DramCommandKind::kRefresh:
      check_distances(command, command.bank);
      for (const int row : row_) require(row == -1, command, "a bank is open");
      ++refreshes_;
      break;
  }
  note(command.kind, command.bank, command.clock);
  if (command.auto_precharge) closed_by_itself(command);
}

}  // namespace corank
