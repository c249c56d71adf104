// A DRAM channel with its controller: first-ready, first-come-first-served (FR-FCFS; Rixner et al.,
// ISCA 2000), writes posted and drained in groups. Knows no SystemC: time is in the channel's
// clocks, and the model goes from one event to the next.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
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

/// Of some accesses of one tag together: how many, and the latest of their clocks.
struct DramAnswer {
  DramClock clock = 0;
  std::uint64_t tag = 0;
  std::int64_t accesses = 0;
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

  /// Arrivals must not go back, nor lie before what run() has passed. `count` accesses that differ
  /// in the bank alone, each `step` banks after the one before.
  void push(const DramAccess& access, int count = 1, int step = 0) {
    waiting_.push({std::max(access.arrival, now_), access.tag, access.row, access.column,
                   static_cast<std::int16_t>(access.bank), static_cast<std::int16_t>(count),
                   static_cast<std::int16_t>(step), access.write});
    if (waiting_.size() == 1) look_at_next();
  }
  /// Everything that happens before clock `end`; kNever: until all is answered and all writes are
  /// done.
  void run(DramClock end);
  /// Answers since the last call, in no order. Accesses of one tag may be answered together.
  std::vector<DramAnswer>& answers() { return answers_; }
  bool at_rest() const { return waiting_.empty() && nothing_queued(); }
  /// Whether run(end) would do nothing.
  bool quiet_until(DramClock end) const {
    return nothing_queued() && admission_ >= end && refresh_due_ >= end;
  }
  DramClock lookahead() const { return t_.CL + t_.burst; }
  /// Counts up to clock `end`, or the last data if that is later.
  DramStatistics statistics(DramClock end) const;

  /// Data commands that needed no search, because nothing could have come before them.
  std::int64_t streamed() const { return streamed_; }
  /// From now on searches for every command. Only tests want to know that this changes nothing.
  void always_search() { always_searches_ = true; }

 private:
  enum Direction { kReading, kWriting };
  static constexpr int kNone = -1;
  static constexpr DramClock kUnknown = -1;

  // What was pushed at once and not admitted yet: the first access of it, and how many more.
  struct Waiting {
    DramClock arrival;
    std::uint64_t tag;
    int row, column;
    std::int16_t bank, count, step;  // a device has no more than 64 banks
    bool write;
  };
  // An access that was admitted and is not done.
  struct Queued {
    DramClock admitted;   // at most one a clock is, so that this is its age, too
    std::int64_t passed;  // served_ when it was admitted
    std::uint64_t tag;
    int row, column, bank;
  };
  // The queued accesses of a direction to a bank: to its open row, and others.
  struct BankQueue {
    int hits = 0, misses = 0;
    DramClock oldest_hit = kUnknown, oldest_miss = 0;  // when they were admitted
    int next_row = 0;                                  // of the oldest miss
  };
  // The accesses of a direction.
  struct Lane {
    AccessQueue<Queued> queue;  // the oldest first
    std::vector<BankQueue> banks;
    // Bit b: bank b has hits; has misses; has a row that was opened for one of these and not used
    // yet.
    std::uint64_t hits = 0, misses = 0, opened = 0;
    // At most so many are queued, and so many on their way until `flight` clocks after their
    // commands.
    std::int64_t places = 0, on_the_way = 0;
    std::int64_t room = 0;  // the less of both
    DramClock flight = 0;
    std::int64_t done = 0;           // column commands
    std::vector<DramClock> history;  // clock of command n, if that is recent: at n & mask
    std::int64_t mask = 0;

    DramClock& command(std::int64_t n) { return history[static_cast<std::size_t>(n & mask)]; }
    DramClock command(std::int64_t n) const { return history[static_cast<std::size_t>(n & mask)]; }
    std::uint64_t pending() const { return hits | misses; }
    std::uint64_t blocked() const { return misses & ~hits; }  // these need row commands
    int queued() const { return static_cast<int>(queue.size()); }
  };
  struct Bank {
    int row = kNone;
    int group = 0;
    int opened_for = kNone;  // direction whose access has not used its row yet
    bool conflict = false;   // another row was closed for the next
    DramClock activate = 0, precharge = 0;
    std::array<DramClock, 2> column{};
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
    DramClock admitted = 0;
    int bank = kNone;
    Direction direction = kReading;
    DramCommandKind kind = DramCommandKind::kActivate;
  };
  // Why a stream is over: nothing before the limit; the next command is to be searched for; the
  // queue is empty or the direction another one.
  enum class Stop { kLimit, kSearch, kTurn };

  static constexpr Direction other(Direction direction) {
    return direction == kReading ? kWriting : kReading;
  }
  const Bank& bank_at(int index) const { return banks_[static_cast<std::size_t>(index)]; }
  Bank& bank_at(int index) { return banks_[static_cast<std::size_t>(index)]; }
  const Group& group_of(const Bank& bank) const {
    return groups_[static_cast<std::size_t>(bank.group)];
  }
  Group& group_of(const Bank& bank) { return groups_[static_cast<std::size_t>(bank.group)]; }
  bool nothing_queued() const {
    return lanes_[kReading].queue.empty() && lanes_[kWriting].queue.empty();
  }

  bool starves(const Queued& access) const {
    return served_ - access.passed >= config_.starvation_limit;
  }

  DramClock next_admission() const;
  void look_at_next();
  void admit();
  template <Direction kDirection>
  void enqueue(const Waiting& access);
  bool forwards(const Waiting& access) const;
  void answer(DramClock clock, std::uint64_t tag);
  void count_hits(int bank);
  DramClock oldest_hit(Lane& lane, int bank);
  void choose_direction();
  bool stream(DramClock limit);
  template <Direction kDirection>
  Stop stream_of(DramClock limit);
  bool turns(const Lane& others);
  template <Direction kDirection>
  DramClock any_column_clock() const;
  template <Direction kDirection>
  DramClock column_clock(const Bank& bank) const;
  DramClock row_clock(const Bank& bank) const;
  DramClock first_row_clock(std::uint64_t banks) const;
  void choose();
  void choose_again();  // after the admission of the access that waits first
  template <Direction kDirection>
  void offer_of(std::uint64_t banks);
  template <Direction kDirection>
  void offer_starving(std::uint64_t banks);
  template <Direction kDirection>
  void offer_column(int bank, int urgency, DramClock admitted);
  template <Direction kDirection>
  void offer_row(int bank, int urgency, DramClock admitted);
  void offer(const Offer& offer);
  void issue(const Offer& offer);
  void activate(const Offer& offer);
  template <Direction kDirection>
  void column_of(DramClock admitted);
  template <Direction kDirection>
  void column(std::size_t place);
  void account_gap(const Bank& bank, Direction direction, DramClock start);
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

  AccessQueue<Waiting> waiting_;
  std::array<Lane, 2> lanes_;
  std::vector<Bank> banks_;
  std::vector<Group> groups_;
  std::vector<DramAnswer> answers_;

  Direction direction_ = kReading;
  int owed_reads_ = 0;        // before the next drain
  std::int64_t drained_ = 0;  // served_ when the drain began
  std::int64_t served_ = 0;   // column commands
  std::int64_t streamed_ = 0;

  bool always_searches_ = false;
  bool chosen_ = false;  // best_ is known
  Offer best_;           // the command that comes next, if nothing is admitted before
  DramClock now_ = 0;
  DramClock admission_ = kNever;  // of the access that waits first, if there is room for it
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
