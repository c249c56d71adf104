// A DRAM channel with its controller: first-ready, first-come-first-served (FR-FCFS; Rixner et al.,
// ISCA 2000), writes posted and drained in groups. Knows no SystemC: time is in the channel's
// clocks, and the model goes from one event to the next.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <vector>

#include "sim/dram/access_queue.h"
#include "sim/dram/command.h"
#include "sim/dram/configuration.h"
#include "sim/dram/statistics.h"

namespace corank {

struct DramAccess {
  DramClock arrival = 0;
  bool write = false;
  int bank = 0;
  int row = 0;
  int column = 0;
  std::uint64_t tag = 0;  // comes back in the answer
};

struct DramAnswer {
  DramClock clock = 0;
  std::uint64_t tag = 0;
};

/// Accesses wait in order before the queues; at most one is admitted a clock. A read is answered at
/// its last data. A write is answered lookahead() clocks after its admission, and so is a read that
/// finds its data in the write queue; nothing is answered faster, so whoever knows all arrivals up
/// to a clock knows all answers up to lookahead() clocks later.
class DramChannel {
 public:
  static constexpr DramClock kNever = std::numeric_limits<DramClock>::max();

  /// `log`, if there is one, gets every command, in the order of their clocks.
  DramChannel(const DramDevice& device, const DramControllerConfig& config,
              std::function<void(const DramCommand&)> log = nullptr);

  /// Arrivals must not go back, nor lie before what run() has passed.
  void push(const DramAccess& access);
  /// Everything that happens before clock `end`; kNever: until all is answered and all writes are
  /// done.
  void run(DramClock end);
  /// Answers since the last call, in no order.
  std::vector<DramAnswer>& answers() { return answers_; }
  bool at_rest() const { return waiting_.empty() && queued_[0] + queued_[1] == 0; }
  DramClock lookahead() const { return t_.CL + t_.burst; }
  /// Counts up to clock `end`, or the last data if that is later.
  DramStatistics statistics(DramClock end) const;

 private:
  enum Direction { kReading, kWriting };
  static constexpr int kNone = -1;

  struct Slot {
    int row, column;
    int previous, next;  // of its bank, by age
    int older, younger;  // of its direction
    int bank;
    std::uint64_t age;
    std::int64_t passed;  // served_ when it was admitted
    DramClock admitted;
    std::uint64_t tag;
  };
  struct BankQueue {
    int head = kNone, tail = kNone;
    int hit = kNone;  // the oldest of the open row
  };
  struct Bank {
    int row = kNone;
    int group = 0;
    int opened_for = kNone;  // direction whose access has not used its row yet
    bool conflict = false;   // another row was closed for the next
    DramClock activate = 0, precharge = 0;
    std::array<DramClock, 2> column{};
    std::array<BankQueue, 2> queue;
  };
  // What keeps a column command back on the rank or in a group.
  struct ColumnLimits {
    std::array<DramClock, 2> same{}, turned{};  // by the direction of the command that is kept back
  };
  struct Group {
    DramClock activate = 0;
    ColumnLimits column;
  };
  struct Offer {
    DramClock clock = kNever;
    int urgency = 0;  // 0 first
    std::uint64_t age = 0;
    int bank = kNone;
    int slot = kNone;
    Direction direction = kReading;
    DramCommandKind kind = DramCommandKind::kActivate;
  };

  DramClock next_admission() const;
  void admit();
  bool forwards(const DramAccess& access) const;
  void choose_direction();
  void offer(int bank, Direction direction);
  bool offer_oldest();
  void set_hit(int bank, Direction direction, int slot);
  void choose();
  void choose_again();  // after the admission of the access that waits first
  void issue(const Offer& offer);
  void activate(const Offer& offer);
  void column(const Offer& offer);
  void account_gap(const Offer& offer, DramClock start);
  void remove(int slot, int bank, Direction direction);
  void refresh();
  void close(int bank, DramClock clock);
  void log(const DramCommand& command) {
    if (log_) log_(command);
  }

  DramTiming t_;
  DramControllerConfig config_;
  bool separate_buses_;
  bool closed_page_;
  std::function<void(const DramCommand&)> log_;

  AccessQueue<DramAccess> waiting_;
  std::vector<Slot> slots_;
  std::vector<int> free_;
  std::vector<Bank> banks_;
  std::vector<Group> groups_;
  // By direction. Bit b: bank b has accesses; has some to its open row.
  std::array<std::uint64_t, 2> pending_{}, hits_{};
  std::array<int, 2> oldest_{kNone, kNone}, youngest_{kNone, kNone};
  std::uint64_t opened_ = 0;  // bit b: bank b has a row that was not used yet
  std::array<int, 2> queued_{};
  std::deque<DramClock> in_flight_;  // ends of the reads that were commanded
  std::vector<DramAnswer> answers_;

  Direction direction_ = kReading;
  int owed_reads_ = 0;        // before the next drain
  std::int64_t drained_ = 0;  // served_ when the drain began
  std::int64_t served_ = 0;   // column commands
  std::uint64_t next_age_ = 0;

  Offer best_;  // the command that comes next, if nothing is admitted before
  DramClock now_ = 0;
  DramClock last_admission_ = -1;
  DramClock row_bus_ = 0, column_bus_ = 0;
  DramClock activate_ = 0;
  std::array<DramClock, 4> last_activates_;
  int oldest_activate_ = 0;
  ColumnLimits column_;
  DramClock refresh_due_;

  DramStatistics statistics_;
  DramClock data_end_ = 0;
  DramClock refresh_end_ = 0;
  DramClock work_since_ = 0;  // when the queues were last empty before
  int open_banks_ = 0;
  DramClock open_since_ = 0;
  DramClock closed_at_ = 0;  // the last precharge, which may be still to come
};

}  // namespace corank
