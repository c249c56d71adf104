#include "sim/dram/channel.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace corank {

DramChannel::DramChannel(const DramDevice& device, const DramControllerConfig& config,
                         std::function<void(const DramCommand&)> log)
    : t_(device.timing),
      config_(config),
      separate_buses_(device.separate_buses),
      closed_page_(config.page_policy == PagePolicy::kClosed),
      log_(std::move(log)),
      slots_(static_cast<std::size_t>(config.read_queue + config.write_queue)),
      banks_(static_cast<std::size_t>(device.organisation.all_banks())),
      groups_(static_cast<std::size_t>(device.organisation.bank_groups)),
      refresh_due_(device.timing.tREFI) {
  for (std::size_t i = slots_.size(); i-- > 0;) free_.push_back(static_cast<int>(i));
  for (std::size_t i = 0; i < banks_.size(); ++i)
    banks_[i].group = static_cast<int>(i) / device.organisation.banks;
  last_activates_.fill(-t_.tFAW);
}

void DramChannel::push(const DramAccess& access) { waiting_.push(access); }

void DramChannel::run(DramClock end) {
  while (true) {
    const DramClock admission = next_admission();
    const DramClock next = std::min(admission, best_.clock);
    if (next == kNever && end == kNever) return;
    if (std::min(next, refresh_due_) >= end) return;
    if (refresh_due_ <= next) {
      refresh();
      choose();
    } else if (admission <= best_.clock) {
      now_ = admission;
      choose_again();
    } else {
      now_ = best_.clock;
      issue(best_);
      choose();
    }
  }
}

// ---- from the arrivals into the queues ----

DramClock DramChannel::next_admission() const {
  if (waiting_.empty()) return kNever;
  const DramAccess& access = waiting_.front();
  DramClock clock = std::max({access.arrival, last_admission_ + 1, now_});
  if (access.write) return queued_[kWriting] < config_.write_queue ? clock : kNever;
  if (queued_[kReading] >= config_.read_queue) return kNever;
  // Some that were commanded must have ended, in the order of their commands; as with room in the
  // queues, that is seen a clock later.
  const int in_flight = queued_[kReading] + static_cast<int>(in_flight_.size());
  if (const int excess = in_flight - config_.reads_in_flight; excess >= 0) {
    if (static_cast<std::size_t>(excess) >= in_flight_.size()) return kNever;
    clock = std::max(clock, in_flight_[static_cast<std::size_t>(excess)] + 1);
  }
  return clock;
}

void DramChannel::admit() {
  const DramAccess access = waiting_.front();
  waiting_.pop();
  last_admission_ = now_;
  while (!in_flight_.empty() && in_flight_.front() < now_) in_flight_.pop_front();
  if (access.write) answers_.push_back({now_ + lookahead(), access.tag});
  if (!access.write && forwards(access)) {
    ++statistics_.forwarded_reads;
    answers_.push_back({now_ + lookahead(), access.tag});
    return;
  }
  if (queued_[kReading] + queued_[kWriting] == 0) work_since_ = now_;
  const Direction direction = access.write ? kWriting : kReading;
  const int index = free_.back();
  free_.pop_back();
  Bank& bank = banks_[static_cast<std::size_t>(access.bank)];
  BankQueue& queue = bank.queue[direction];
  slots_[static_cast<std::size_t>(index)] = {
      access.row,  access.column, queue.tail, kNone,     youngest_[direction], kNone, access.bank,
      next_age_++, served_,       now_,       access.tag};
  (oldest_[direction] == kNone ? oldest_[direction]
                               : slots_[static_cast<std::size_t>(youngest_[direction])].younger) =
      index;
  youngest_[direction] = index;
  if (queue.tail == kNone) {
    queue.head = index;
  } else {
    slots_[static_cast<std::size_t>(queue.tail)].next = index;
  }
  queue.tail = index;
  if (queue.hit == kNone && bank.row == access.row) set_hit(access.bank, direction, index);
  pending_[direction] |= std::uint64_t{1} << access.bank;
  ++queued_[direction];
}

bool DramChannel::forwards(const DramAccess& access) const {
  const BankQueue& writes = banks_[static_cast<std::size_t>(access.bank)].queue[kWriting];
  for (int i = writes.head; i != kNone; i = slots_[static_cast<std::size_t>(i)].next) {
    const Slot& slot = slots_[static_cast<std::size_t>(i)];
    if (slot.row == access.row && slot.column == access.column) return true;
  }
  return false;
}

void DramChannel::remove(int index, int bank_index, Direction direction) {
  Bank& bank = banks_[static_cast<std::size_t>(bank_index)];
  BankQueue& queue = bank.queue[direction];
  const Slot& slot = slots_[static_cast<std::size_t>(index)];
  const int previous = slot.previous, next = slot.next;
  (previous == kNone ? queue.head : slots_[static_cast<std::size_t>(previous)].next) = next;
  (next == kNone ? queue.tail : slots_[static_cast<std::size_t>(next)].previous) = previous;
  (slot.older == kNone ? oldest_[direction]
                       : slots_[static_cast<std::size_t>(slot.older)].younger) = slot.younger;
  (slot.younger == kNone ? youngest_[direction]
                         : slots_[static_cast<std::size_t>(slot.younger)].older) = slot.older;
  // The slot was the oldest hit, so the next one is younger.
  int hit = next;
  while (hit != kNone && slots_[static_cast<std::size_t>(hit)].row != bank.row)
    hit = slots_[static_cast<std::size_t>(hit)].next;
  set_hit(bank_index, direction, hit);
  if (queue.head == kNone) pending_[direction] &= ~(std::uint64_t{1} << bank_index);
  // Room is seen a clock after the command that makes it.
  const int room = direction == kReading ? config_.read_queue : config_.write_queue;
  if (queued_[direction]-- == room) last_admission_ = std::max(last_admission_, now_);
  free_.push_back(index);
}

void DramChannel::set_hit(int bank, Direction direction, int slot) {
  banks_[static_cast<std::size_t>(bank)].queue[direction].hit = slot;
  const std::uint64_t bit = std::uint64_t{1} << bank;
  if (slot == kNone) {
    hits_[direction] &= ~bit;
  } else {
    hits_[direction] |= bit;
  }
}

// ---- what to do next ----

void DramChannel::choose_direction() {
  const int reads = queued_[kReading], writes = queued_[kWriting];
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

// Each bank offers one command: for the oldest access to its open row, else for its oldest. The
// earliest wins, then the most urgent, then the oldest.
void DramChannel::offer(int bank_index, Direction direction) {
  const Bank& bank = banks_[static_cast<std::size_t>(bank_index)];
  const BankQueue& queue = bank.queue[direction];
  const bool starves =
      served_ - slots_[static_cast<std::size_t>(queue.head)].passed >= config_.starvation_limit;
  const int index = starves || queue.hit == kNone ? queue.head : queue.hit;
  const Slot& slot = slots_[static_cast<std::size_t>(index)];
  const Group& group = groups_[static_cast<std::size_t>(bank.group)];
  Offer offer;
  offer.urgency = starves ? 0 : 2;
  if (bank.row == slot.row) {
    offer.clock = std::max({now_, column_bus_, bank.column[direction], column_.same[direction],
                            column_.turned[direction], group.column.same[direction],
                            group.column.turned[direction]});
    if (offer.clock > best_.clock) return;
    offer.kind = direction == kReading ? DramCommandKind::kRead : DramCommandKind::kWrite;
    if (!starves) offer.urgency = 1;
  } else if (bank.row != kNone) {
    offer.clock = std::max({now_, row_bus_, bank.precharge});
    offer.kind = DramCommandKind::kPrecharge;
  } else {
    const DramClock window = last_activates_[static_cast<std::size_t>(oldest_activate_)] + t_.tFAW;
    offer.clock = std::max({now_, row_bus_, bank.activate, group.activate, activate_, window});
    offer.kind = DramCommandKind::kActivate;
  }
  if (offer.clock > best_.clock) return;
  if (offer.clock == best_.clock &&
      (offer.urgency > best_.urgency || (offer.urgency == best_.urgency && slot.age >= best_.age)))
    return;
  offer.age = slot.age;
  offer.bank = bank_index;
  offer.slot = index;
  offer.direction = direction;
  best_ = offer;
}

// In a stream the oldest access of all is to an open row and can go as soon as any; then nothing is
// before it, if no row is to be closed or opened meanwhile.
bool DramChannel::offer_oldest() {
  const Direction other = direction_ == kReading ? kWriting : kReading;
  const int oldest = oldest_[direction_];
  if (oldest == kNone || pending_[direction_] != hits_[direction_] || (opened_ & hits_[other]) != 0)
    return false;
  const Slot& slot = slots_[static_cast<std::size_t>(oldest)];
  // If it does not starve, none does.
  if (served_ - slot.passed >= config_.starvation_limit ||
      banks_[static_cast<std::size_t>(slot.bank)].queue[direction_].hit != oldest)
    return false;
  offer(slot.bank, direction_);
  return best_.clock ==
         std::max({now_, column_bus_, column_.same[direction_], column_.turned[direction_]});
}

void DramChannel::choose() {
  choose_direction();
  best_ = {};
  if (offer_oldest()) return;
  // A row that was opened is used once, even after the direction has changed.
  const Direction other = direction_ == kReading ? kWriting : kReading;
  std::uint64_t theirs = opened_;
  for (std::uint64_t rest = theirs; rest != 0; rest &= rest - 1) {
    const int bank = __builtin_ctzll(rest);
    const Bank& state = banks_[static_cast<std::size_t>(bank)];
    if (state.opened_for == other && state.queue[other].hit != kNone) {
      offer(bank, other);
    } else {
      theirs &= ~(std::uint64_t{1} << bank);
    }
  }
  for (std::uint64_t rest = pending_[direction_] & ~theirs; rest != 0; rest &= rest - 1)
    offer(__builtin_ctzll(rest), direction_);
}

// An arrival changes what its own bank offers, and at most the direction.
void DramChannel::choose_again() {
  const Direction before = direction_;
  const int bank = waiting_.front().bank;
  admit();
  choose_direction();
  const bool opened = (opened_ >> bank & 1) != 0;
  if (direction_ != before || best_.bank == bank || opened) {
    choose();
  } else if ((pending_[direction_] >> bank & 1) != 0) {
    offer(bank, direction_);
  }
}

// ---- commands ----

void DramChannel::issue(const Offer& offer) {
  switch (offer.kind) {
    case DramCommandKind::kActivate:
      activate(offer);
      break;
    case DramCommandKind::kPrecharge:
      log({now_, DramCommandKind::kPrecharge, false, offer.bank, 0});
      banks_[static_cast<std::size_t>(offer.bank)].conflict = true;
      close(offer.bank, now_);
      row_bus_ = now_ + 1;
      break;
    default:
      column(offer);
      break;
  }
  if (!separate_buses_) row_bus_ = column_bus_ = std::max(row_bus_, column_bus_);
}

void DramChannel::activate(const Offer& offer) {
  Bank& bank = banks_[static_cast<std::size_t>(offer.bank)];
  Group& group = groups_[static_cast<std::size_t>(bank.group)];
  const int row = slots_[static_cast<std::size_t>(offer.slot)].row;
  log({now_, DramCommandKind::kActivate, false, offer.bank, row});
  bank.row = row;
  for (const Direction direction : {kReading, kWriting}) {
    int hit = bank.queue[direction].head;
    while (hit != kNone && slots_[static_cast<std::size_t>(hit)].row != row)
      hit = slots_[static_cast<std::size_t>(hit)].next;
    set_hit(offer.bank, direction, hit);
  }
  bank.opened_for = offer.direction;
  opened_ |= std::uint64_t{1} << offer.bank;
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
  Bank& bank = banks_[static_cast<std::size_t>(index)];
  bank.row = kNone;
  bank.opened_for = kNone;
  opened_ &= ~(std::uint64_t{1} << index);
  for (const Direction direction : {kReading, kWriting}) set_hit(index, direction, kNone);
  bank.activate = std::max(bank.activate, clock + t_.tRP);
  closed_at_ = std::max(closed_at_, clock);
  if (--open_banks_ == 0) statistics_.active += std::max<DramClock>(closed_at_ - open_since_, 0);
  ++statistics_.precharges;
}

void DramChannel::column(const Offer& offer) {
  Bank& bank = banks_[static_cast<std::size_t>(offer.bank)];
  Group& group = groups_[static_cast<std::size_t>(bank.group)];
  const Slot slot = slots_[static_cast<std::size_t>(offer.slot)];
  const Direction direction = offer.direction;
  const bool reads = direction == kReading;
  const DramClock start = now_ + (reads ? t_.CL : t_.CWL);
  const DramClock end = start + t_.burst;
  account_gap(offer, start);
  data_end_ = end;
  statistics_.data += t_.burst;
  ++(bank.opened_for == kNone ? statistics_.row_hits
     : bank.conflict          ? statistics_.row_conflicts
                              : statistics_.row_misses);
  if (bank.opened_for != kNone) bank.conflict = false;
  bank.opened_for = kNone;
  opened_ &= ~(std::uint64_t{1} << offer.bank);

  column_.same[direction] = now_ + t_.tCCD_S;
  group.column.same[direction] = now_ + t_.tCCD_L;
  if (reads) {
    column_.turned[kWriting] = now_ + t_.tRTW;
    bank.precharge = std::max(bank.precharge, now_ + t_.tRTP);
    in_flight_.push_back(end);
    answers_.push_back({end, slot.tag});
    ++statistics_.reads;
    statistics_.read_latency += end - slot.admitted;
    statistics_.longest_read = std::max(statistics_.longest_read, end - slot.admitted);
    if (owed_reads_ > 0) --owed_reads_;
  } else {
    column_.turned[kReading] = end + t_.tWTR_S;
    group.column.turned[kReading] = end + t_.tWTR_L;
    bank.precharge = std::max(bank.precharge, end + t_.tWR);
    ++statistics_.writes;
  }
  column_bus_ = now_ + 1;
  ++served_;
  remove(offer.slot, offer.bank, direction);

  const bool last = bank.queue[kReading].hit == kNone && bank.queue[kWriting].hit == kNone;
  const bool closes = closed_page_ && last;
  log({now_, offer.kind, closes, offer.bank, slot.row});
  if (closes) close(offer.bank, bank.precharge);
}

void DramChannel::account_gap(const Offer& offer, DramClock start) {
  DramClock from = now_ - (start - data_end_);  // a command then would have left no gap
  const auto until = [&](DramClock clock, DramClock& reason) {
    const DramClock to = std::min(clock, now_);
    if (to <= from) return;
    reason += to - from;
    from = to;
  };
  const Direction direction = offer.direction;
  const ColumnLimits& group =
      groups_[static_cast<std::size_t>(banks_[static_cast<std::size_t>(offer.bank)].group)].column;
  until(work_since_, statistics_.idle);
  until(refresh_end_, statistics_.refresh);
  until(std::max(column_.turned[direction], group.turned[direction]), statistics_.turnaround);
  until(group.same[direction], statistics_.bank_group);
  until(now_, statistics_.row);
}

// Nothing else may happen from the moment it is due, so it is done in one go: rows are closed as
// soon as all may be, then the refresh.
void DramChannel::refresh() {
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
  result.clocks = std::max(end, data_end_);
  result.idle += result.clocks - data_end_;
  if (open_banks_ > 0) result.active += std::max<DramClock>(result.clocks - open_since_, 0);
  return result;
}

}  // namespace corank
