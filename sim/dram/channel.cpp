#include "sim/dram/channel.h"

#include <algorithm>
#include <utility>

namespace corank {

namespace {

// The compiler makes less of std::max of a list: a loop over memory.
inline DramClock latest(DramClock a, DramClock b) { return a < b ? b : a; }
template <class... Clocks>
inline DramClock latest(DramClock a, DramClock b, Clocks... others) {
  return latest(latest(a, b), others...);
}

}  // namespace

DramChannel::DramChannel(const DramDevice& device, const DramControllerConfig& config,
                         std::function<void(const DramCommand&)> log)
    : t_(device.timing),
      config_(config),
      separate_buses_(device.separate_buses),
      closed_page_(config.page_policy == PagePolicy::kClosed),
      log_(std::move(log)),
      banks_(static_cast<std::size_t>(device.organisation.all_banks())),
      groups_(static_cast<std::size_t>(device.organisation.bank_groups)),
      refresh_due_(device.timing.tREFI) {
  Lane& reads = lanes_[kReading];
  Lane& writes = lanes_[kWriting];
  reads.places = config.read_queue;
  reads.on_the_way = config.reads_in_flight;
  reads.flight = lookahead();
  writes.places = writes.on_the_way = config.write_queue;
  for (Lane& lane : lanes_) {
    lane.room = std::min(lane.places, lane.on_the_way);
    while (lane.mask + 1 < std::max(lane.places, lane.on_the_way)) lane.mask = 2 * lane.mask + 1;
    lane.history.assign(static_cast<std::size_t>(lane.mask) + 1, -(lookahead() + 1));
    lane.banks.resize(banks_.size());
  }
  for (std::size_t i = 0; i < banks_.size(); ++i)
    banks_[i].group = static_cast<int>(i) / device.organisation.banks;
  last_activates_.fill(-t_.tFAW);
}

void DramChannel::run(DramClock end) {
  while (true) {
    if (!chosen_) {
      if (!always_searches_ && stream(std::min(end, refresh_due_))) {
        if (refresh_due_ >= end || (end == kNever && at_rest())) return;
        refresh();
        continue;
      }
      choose();
    }
    const DramClock next = std::min(admission_, best_.clock);
    if (next == kNever && end == kNever) return;
    if (std::min(next, refresh_due_) >= end) return;
    if (refresh_due_ <= next) {
      refresh();
    } else if (admission_ <= best_.clock) {
      choose_again();
    } else {
      now_ = best_.clock;
      issue(best_);
    }
  }
}

// ---- streams ----

// Mostly the next command needs no search. If the oldest access of the direction is to an open row,
// and its data command can go at the first clock that the rank allows to any, then no other data
// command comes before it: the others are not earlier, and younger. A row command comes before it
// only if it can go at an earlier clock, and only banks without an access to their open row want
// one. What arrives up to then is admitted in its turn; it may change the direction, or want a row.
// None of this holds where an access starves or a row was opened for the other direction.

// Returns whether nothing is left to do before the limit; else the next command is to be searched
// for.
bool DramChannel::stream(DramClock limit) {
  while (true) {
    if (nothing_queued()) {
      if (admission_ >= limit) return true;
      admit();
    }
    choose_direction();
    // A row that was opened for the other direction is used first.
    if (lanes_[other(direction_)].opened != 0) return false;
    const Stop stop =
        direction_ == kReading ? stream_of<kReading>(limit) : stream_of<kWriting>(limit);
    if (stop != Stop::kTurn) return stop == Stop::kLimit;
  }
}

template <DramChannel::Direction kDirection>
DramChannel::Stop DramChannel::stream_of(DramClock limit) {
  const Lane& lane = lanes_[kDirection];
  const Lane& others = lanes_[other(kDirection)];
  while (!lane.queue.empty()) {
    const Queued& oldest = lane.queue.front();
    const Bank& bank = bank_at(oldest.bank);
    // If the oldest does not starve, none does.
    if (bank.row != oldest.row || starves(oldest)) return Stop::kSearch;
    const DramClock clock = any_column_clock<kDirection>();
    if (column_clock<kDirection>(bank) > clock) return Stop::kSearch;
    DramClock row = first_row_clock(lane.blocked());
    while (admission_ <= std::min(clock, row)) {
      if (admission_ >= limit) return Stop::kLimit;
      admit();
      if (turns(others)) return Stop::kTurn;
      row = first_row_clock(lane.blocked());
    }
    if (row < clock) return Stop::kSearch;
    if (clock >= limit) return Stop::kLimit;
    now_ = clock;
    column<kDirection>(0);
    ++streamed_;
    if (turns(others)) return Stop::kTurn;
  }
  return Stop::kTurn;
}

// Whether the direction changes, which it does only for others.
inline bool DramChannel::turns(const Lane& others) {
  if (others.queue.empty()) return false;
  const Direction before = direction_;
  choose_direction();
  return direction_ != before;
}

// ---- from the arrivals into the queues ----

// An access has a place if the one so many before it has had its command. As with the end of a
// read, that is seen a clock later.
inline DramClock DramChannel::next_admission() const {
  if (waiting_.empty()) return kNever;
  const Waiting& access = waiting_.front();
  const Lane& lane = lanes_[access.write ? kWriting : kReading];
  if (lane.queued() >= lane.room) return kNever;
  const std::int64_t number = lane.done + lane.queued();
  const DramClock clock = latest(access.arrival, last_admission_ + 1,
                                 lane.command(number - lane.on_the_way) + lane.flight + 1);
  // Else what has ended has long had its command.
  if (lane.places >= lane.on_the_way) return clock;
  return latest(clock, lane.command(number - lane.places) + 1);
}

void DramChannel::look_at_next() { admission_ = next_admission(); }

inline void DramChannel::answer(DramClock clock, std::uint64_t tag) {
  if (answers_.empty() || answers_.back().tag != tag) {
    answers_.push_back({clock, tag, 1});
    return;
  }
  DramAnswer& last = answers_.back();
  last.clock = std::max(last.clock, clock);
  ++last.accesses;
}

inline void DramChannel::admit() {
  Waiting& access = waiting_.front();
  now_ = last_admission_ = admission_;
  if (access.write) {
    answer(now_ + lookahead(), access.tag);
    enqueue<kWriting>(access);
  } else if (forwards(access)) {
    answer(now_ + lookahead(), access.tag);
    ++statistics_.forwarded_reads;
  } else {
    enqueue<kReading>(access);
  }
  if (--access.count > 0) {
    access.bank = static_cast<std::int16_t>(access.bank + access.step);
  } else {
    waiting_.pop();
  }
  admission_ = next_admission();
}

template <DramChannel::Direction kDirection>
inline void DramChannel::enqueue(const Waiting& access) {
  if (nothing_queued()) work_since_ = now_;
  Lane& lane = lanes_[kDirection];
  lane.queue.push({now_, served_, access.tag, access.row, access.column, access.bank});
  BankQueue& bank = lane.banks[static_cast<std::size_t>(access.bank)];
  const std::uint64_t bit = std::uint64_t{1} << access.bank;
  if (bank_at(access.bank).row == access.row) {
    if (bank.hits++ == 0) bank.oldest_hit = now_;
    lane.hits |= bit;
  } else {
    if (bank.misses++ == 0) {
      bank.oldest_miss = now_;
      bank.next_row = access.row;
    }
    lane.misses |= bit;
  }
}

inline bool DramChannel::forwards(const Waiting& access) const {
  const Lane& writes = lanes_[kWriting];
  if ((writes.pending() >> access.bank & 1) == 0) return false;
  bool found = false;
  for (std::size_t i = 0; i < writes.queue.size(); ++i) {
    const Queued& write = writes.queue[i];
    found |=
        (write.bank == access.bank) & (write.row == access.row) & (write.column == access.column);
  }
  return found;
}

// Of a bank whose row has changed.
void DramChannel::count_hits(int index) {
  const int row = bank_at(index).row;
  const std::uint64_t bit = std::uint64_t{1} << index;
  for (Lane& lane : lanes_) {
    BankQueue& bank = lane.banks[static_cast<std::size_t>(index)];
    int left = bank.hits + bank.misses;
    if (left == 0) continue;
    bank.hits = bank.misses = 0;
    for (std::size_t place = 0; left > 0; ++place) {
      const Queued& access = lane.queue[place];
      if (access.bank != index) continue;
      --left;
      if (access.row == row) {
        if (bank.hits++ == 0) bank.oldest_hit = access.admitted;
      } else if (bank.misses++ == 0) {
        bank.oldest_miss = access.admitted;
        bank.next_row = access.row;
      }
    }
    lane.hits = bank.hits > 0 ? lane.hits | bit : lane.hits & ~bit;
    lane.misses = bank.misses > 0 ? lane.misses | bit : lane.misses & ~bit;
  }
}

// Of a bank that has hits. Looked for only when it is asked for.
inline DramClock DramChannel::oldest_hit(Lane& lane, int index) {
  BankQueue& bank = lane.banks[static_cast<std::size_t>(index)];
  if (bank.oldest_hit == kUnknown) {
    const int row = bank_at(index).row;
    std::size_t place = 0;
    while (lane.queue[place].bank != index || lane.queue[place].row != row) ++place;
    bank.oldest_hit = lane.queue[place].admitted;
  }
  return bank.oldest_hit;
}

// ---- what to do next ----

inline void DramChannel::choose_direction() {
  const int reads = lanes_[kReading].queued(), writes = lanes_[kWriting].queued();
  if (direction_ == kReading) {
    if ((writes > config_.drain_high && owed_reads_ == 0) || (reads == 0 && writes > 0)) {
      direction_ = kWriting;
      drained_ = served_;
    }
  } else if (reads > 0) {
    const bool starves = served_ - drained_ >= config_.starvation_limit;
    if (writes > config_.drain_low && !starves) return;
    direction_ = kReading;
    owed_reads_ = starves ? reads : 0;
  }
}

// As far as the rank, the buses and the present allow it.
template <DramChannel::Direction kDirection>
inline DramClock DramChannel::any_column_clock() const {
  return latest(now_, column_bus_, column_.same[kDirection], column_.turned[kDirection]);
}

// As far as the bank and its group allow it.
template <DramChannel::Direction kDirection>
inline DramClock DramChannel::column_clock(const Bank& bank) const {
  const ColumnLimits& group = group_of(bank).column;
  return latest(bank.column[kDirection], group.same[kDirection], group.turned[kDirection]);
}

// Of the precharge or activate that the bank needs.
inline DramClock DramChannel::row_clock(const Bank& bank) const {
  if (bank.row != kNone) return latest(now_, row_bus_, bank.precharge);
  const DramClock window = last_activates_[static_cast<std::size_t>(oldest_activate_)] + t_.tFAW;
  return latest(now_, row_bus_, bank.activate, group_of(bank).activate, activate_, window);
}

inline DramClock DramChannel::first_row_clock(std::uint64_t banks) const {
  DramClock first = kNever;
  for (; banks != 0; banks &= banks - 1)
    first = std::min(first, row_clock(bank_at(__builtin_ctzll(banks))));
  return first;
}

void DramChannel::choose() {
  choose_direction();
  best_ = {};
  chosen_ = true;
  // A row that was opened is used once, even after the direction has changed.
  const std::uint64_t theirs = lanes_[other(direction_)].opened;
  const std::uint64_t ours = lanes_[direction_].pending() & ~theirs;
  offer_of<kReading>(direction_ == kReading ? ours : theirs);
  offer_of<kWriting>(direction_ == kWriting ? ours : theirs);
}

// An arrival changes what its own bank offers, and at most the direction.
void DramChannel::choose_again() {
  const Direction before = direction_;
  const Waiting access = waiting_.front();
  admit();
  choose_direction();
  if (direction_ != before || always_searches_) {
    choose();
    return;
  }
  if (access.write != (direction_ == kWriting) ||
      (lanes_[other(direction_)].opened >> access.bank & 1) != 0)
    return;
  const BankQueue& queue = lanes_[direction_].banks[static_cast<std::size_t>(access.bank)];
  const bool hit = bank_at(access.bank).row == access.row;
  if ((hit ? queue.hits : queue.misses) == 1) choose();
}

// Each of the banks offers one command: for its oldest access to the open row, else for its oldest;
// for the oldest in any case if that starves.
template <DramChannel::Direction kDirection>
void DramChannel::offer_of(std::uint64_t banks) {
  if (banks == 0) return;
  Lane& lane = lanes_[kDirection];
  const Queued& oldest = lane.queue.front();
  // If the oldest does not starve, none does.
  if (starves(oldest)) {
    offer_starving<kDirection>(banks);
    return;
  }
  // As in a stream, no data command comes before that of the oldest access.
  const Bank& its_bank = bank_at(oldest.bank);
  if (!always_searches_ && (banks >> oldest.bank & 1) != 0 && its_bank.row == oldest.row &&
      column_clock<kDirection>(its_bank) <= any_column_clock<kDirection>()) {
    offer_column<kDirection>(oldest.bank, 1, oldest.admitted);
    banks &= ~lane.hits;
  }
  for (; banks != 0; banks &= banks - 1) {
    const int index = __builtin_ctzll(banks);
    if ((lane.hits >> index & 1) != 0) {
      offer_column<kDirection>(index, 1, oldest_hit(lane, index));
    } else {
      offer_row<kDirection>(index, 2, lane.banks[static_cast<std::size_t>(index)].oldest_miss);
    }
  }
}

template <DramChannel::Direction kDirection>
void DramChannel::offer_starving(std::uint64_t banks) {
  Lane& lane = lanes_[kDirection];
  for (std::size_t place = 0; banks != 0; ++place) {
    const Queued& oldest = lane.queue[place];
    const std::uint64_t bit = std::uint64_t{1} << oldest.bank;
    if ((banks & bit) == 0) continue;
    banks &= ~bit;
    const bool urgent = starves(oldest);
    if (bank_at(oldest.bank).row == oldest.row || (!urgent && (lane.hits & bit) != 0)) {
      offer_column<kDirection>(oldest.bank, urgent ? 0 : 1, oldest_hit(lane, oldest.bank));
    } else {
      offer_row<kDirection>(oldest.bank, urgent ? 0 : 2, oldest.admitted);
    }
  }
}

template <DramChannel::Direction kDirection>
inline void DramChannel::offer_column(int index, int urgency, DramClock admitted) {
  const DramClock clock =
      latest(any_column_clock<kDirection>(), column_clock<kDirection>(bank_at(index)));
  offer({clock, urgency, admitted, index, kDirection,
         kDirection == kReading ? DramCommandKind::kRead : DramCommandKind::kWrite});
}

template <DramChannel::Direction kDirection>
inline void DramChannel::offer_row(int index, int urgency, DramClock admitted) {
  const Bank& bank = bank_at(index);
  offer({row_clock(bank), urgency, admitted, index, kDirection,
         bank.row != kNone ? DramCommandKind::kPrecharge : DramCommandKind::kActivate});
}

// The earliest wins, then the most urgent, then the oldest.
inline void DramChannel::offer(const Offer& offer) {
  if (offer.clock < best_.clock ||
      (offer.clock == best_.clock &&
       (offer.urgency < best_.urgency ||
        (offer.urgency == best_.urgency && offer.admitted < best_.admitted))))
    best_ = offer;
}

// ---- commands ----

void DramChannel::issue(const Offer& offer) {
  chosen_ = false;
  switch (offer.kind) {
    case DramCommandKind::kActivate:
      activate(offer);
      break;
    case DramCommandKind::kPrecharge:
      log({now_, DramCommandKind::kPrecharge, false, offer.bank, 0});
      bank_at(offer.bank).conflict = true;
      close(offer.bank, now_);
      row_bus_ = now_ + 1;
      break;
    case DramCommandKind::kRead:
      column_of<kReading>(offer.admitted);
      break;
    default:
      column_of<kWriting>(offer.admitted);
      break;
  }
  if (!separate_buses_) row_bus_ = column_bus_ = std::max(row_bus_, column_bus_);
}

void DramChannel::activate(const Offer& offer) {
  Bank& bank = bank_at(offer.bank);
  Group& group = group_of(bank);
  const int row = lanes_[offer.direction].banks[static_cast<std::size_t>(offer.bank)].next_row;
  log({now_, DramCommandKind::kActivate, false, offer.bank, row});
  bank.row = row;
  count_hits(offer.bank);
  bank.opened_for = offer.direction;
  lanes_[offer.direction].opened |= std::uint64_t{1} << offer.bank;
  bank.column = {now_ + t_.tRCD_RD, now_ + t_.tRCD_WR};
  bank.precharge = now_ + t_.tRAS;
  bank.activate = now_ + t_.tRC;
  group.activate = now_ + t_.tRRD_L;
  activate_ = now_ + t_.tRRD_S;
  last_activates_[static_cast<std::size_t>(oldest_activate_)] = now_;
  oldest_activate_ = (oldest_activate_ + 1) % 4;
  row_bus_ = now_ + t_.activate_slots;
  // A bank that closes by itself may still be closing.
  if (open_banks_++ == 0) open_since_ = std::max(now_, closed_at_);
  ++statistics_.activates;
}

void DramChannel::close(int index, DramClock clock) {
  Bank& bank = bank_at(index);
  bank.row = kNone;
  if (bank.opened_for != kNone)
    lanes_[static_cast<std::size_t>(bank.opened_for)].opened &= ~(std::uint64_t{1} << index);
  bank.opened_for = kNone;
  count_hits(index);
  bank.activate = std::max(bank.activate, clock + t_.tRP);
  closed_at_ = std::max(closed_at_, clock);
  if (--open_banks_ == 0) statistics_.active += std::max<DramClock>(closed_at_ - open_since_, 0);
  ++statistics_.precharges;
}

// For the access that was admitted then.
template <DramChannel::Direction kDirection>
void DramChannel::column_of(DramClock admitted) {
  std::size_t place = 0;
  while (lanes_[kDirection].queue[place].admitted != admitted) ++place;
  column<kDirection>(place);
}

// For the oldest access to the open row of its bank.
template <DramChannel::Direction kDirection>
inline void DramChannel::column(std::size_t place) {
  constexpr bool kReads = kDirection == kReading;
  Lane& lane = lanes_[kDirection];
  const Queued& access = lane.queue[place];
  const int index = access.bank, row = access.row;
  const DramClock admitted = access.admitted;
  const std::uint64_t tag = access.tag;
  Bank& bank = bank_at(index);
  Group& group = group_of(bank);
  lane.queue.take(place);
  BankQueue& queue = lane.banks[static_cast<std::size_t>(index)];
  queue.oldest_hit = kUnknown;
  if (--queue.hits == 0) lane.hits &= ~(std::uint64_t{1} << index);

  const DramClock start = now_ + (kReads ? t_.CL : t_.CWL);
  const DramClock end = start + t_.burst;
  if (start > data_end_) account_gap(bank, kDirection, start);
  data_end_ = end;
  if (bank.opened_for != kNone) {
    ++(bank.conflict ? statistics_.row_conflicts : statistics_.row_misses);
    bank.conflict = false;
    lanes_[static_cast<std::size_t>(bank.opened_for)].opened &= ~(std::uint64_t{1} << index);
    bank.opened_for = kNone;
  }

  column_.same[kDirection] = now_ + t_.tCCD_S;
  group.column.same[kDirection] = now_ + t_.tCCD_L;
  if (kReads) {
    column_.turned[kWriting] = now_ + t_.tRTW;
    bank.precharge = std::max(bank.precharge, now_ + t_.tRTP);
    answer(end, tag);
    statistics_.read_latency += end - admitted;
    statistics_.longest_read = std::max(statistics_.longest_read, end - admitted);
    if (owed_reads_ > 0) --owed_reads_;
  } else {
    column_.turned[kReading] = end + t_.tWTR_S;
    group.column.turned[kReading] = end + t_.tWTR_L;
    bank.precharge = std::max(bank.precharge, end + t_.tWR);
  }
  column_bus_ = now_ + 1;
  if (!separate_buses_) row_bus_ = column_bus_;
  lane.command(lane.done++) = now_;
  ++served_;
  if (admission_ == kNever && !waiting_.empty()) look_at_next();  // there is room now

  const bool closes =
      closed_page_ && ((lanes_[kReading].hits | lanes_[kWriting].hits) >> index & 1) == 0;
  log({now_, kReads ? DramCommandKind::kRead : DramCommandKind::kWrite, closes, index, row});
  if (closes) close(index, bank.precharge);
}

void DramChannel::account_gap(const Bank& bank, Direction direction, DramClock start) {
  DramClock from = now_ - (start - data_end_);  // a command then would have left no gap
  const auto until = [&](DramClock clock, DramClock& reason) {
    const DramClock to = std::min(clock, now_);
    if (to <= from) return;
    reason += to - from;
    from = to;
  };
  const ColumnLimits& group = groups_[static_cast<std::size_t>(bank.group)].column;
  until(work_since_, statistics_.idle);
  until(refresh_end_, statistics_.refresh);
  until(std::max(column_.turned[direction], group.turned[direction]), statistics_.turnaround);
  until(group.same[direction], statistics_.bank_group);
  until(now_, statistics_.row);
}

// Nothing else may happen from the moment it is due, so it is done in one go: rows are closed as
// soon as all may be, then the refresh.
void DramChannel::refresh() {
  chosen_ = false;
  now_ = std::max(now_, refresh_due_);
  DramClock start = std::max(now_, row_bus_);
  if (open_banks_ > 0) {
    for (const Bank& bank : banks_)
      if (bank.row != kNone) start = std::max(start, bank.precharge);
    log({start, DramCommandKind::kPrechargeAll, false, 0, 0});
    for (std::size_t i = 0; i < banks_.size(); ++i)
      if (banks_[i].row != kNone) close(static_cast<int>(i), start);
    start += t_.tRP_AB;
  }
  // A bank that was closed before may still need its tRP.
  for (const Bank& bank : banks_) start = std::max(start, bank.activate);
  log({start, DramCommandKind::kRefresh, false, 0, 0});
  refresh_end_ = start + t_.tRFC;
  for (Bank& bank : banks_) bank.activate = std::max(bank.activate, refresh_end_);
  row_bus_ = start + 1;
  if (!separate_buses_) column_bus_ = row_bus_;
  statistics_.active += t_.tRFC;
  ++statistics_.refreshes;
  refresh_due_ += t_.tREFI;
}

DramStatistics DramChannel::statistics(DramClock end) const {
  DramStatistics result = statistics_;
  result.reads = lanes_[kReading].done;
  result.writes = lanes_[kWriting].done;
  result.row_hits = served_ - result.row_misses - result.row_conflicts;
  result.data = served_ * t_.burst;
  result.clocks = std::max(end, data_end_);
  result.idle += result.clocks - data_end_;
  if (open_banks_ > 0) result.active += std::max<DramClock>(result.clocks - open_since_, 0);
  return result;
}

}  // namespace corank
