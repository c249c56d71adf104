#include "host/analytic/expected_dram.h"

#include <algorithm>

namespace corank {

ExpectedDram::ExpectedDram(const DramConfig& config)
    : config_(config),
      t_(config.device.timing),
      clock_(from_ns(t_.tCK_ns)),
      access_bytes_(static_cast<std::uint64_t>(config.device.organisation.access_bytes)),
      map_(config.address_map, config.device.organisation, config.channels),
      channels_(static_cast<std::size_t>(config.channels)) {
  const DramOrganisation& organisation = config.device.organisation;
  for (Channel& channel : channels_) {
    channel.banks.resize(static_cast<std::size_t>(organisation.all_banks()));
    for (std::size_t bank = 0; bank < channel.banks.size(); ++bank)
      channel.banks[bank].group = static_cast<int>(bank) / organisation.banks;
    channel.group_column.assign(static_cast<std::size_t>(organisation.bank_groups), -t_.tCCD_L);
    channel.activates.fill(-t_.tFAW);
    channel.column = -t_.tCCD_S;
    channel.refresh_due = t_.tREFI / 2;
    const int reads = std::min(config.controller.read_queue, config.controller.reads_in_flight);
    channel.read_ends.assign(static_cast<std::size_t>(reads), 0);
  }
}

Femtoseconds ExpectedDram::answer(const MemoryBurst& burst) {
  const auto edge = static_cast<DramClock>((burst.arrival + clock_ / 2) / clock_) + 1;
  const bool write = burst.user == MemoryUser::kStore || burst.user == MemoryUser::kLink;
  const DramClock lookahead = t_.CL + t_.burst;
  DramClock last = edge + lookahead;
  ++bursts_;
  const std::uint64_t first = burst.address / access_bytes_;
  const std::uint64_t end = (burst.address + burst.bytes - 1) / access_bytes_;
  map_.walk(first, end, [&](const DramPlace& place, int count, int step) {
    Channel& channel = channels_[static_cast<std::size_t>(place.channel)];
    for (int i = 0; i < count; ++i) {
      const Access access{place.bank + i * step, place.row};
      DramClock admitted = std::max(edge, channel.admitted + 1);
      drain_idle(channel, admitted);
      if (write) {
        const auto most = static_cast<std::size_t>(config_.controller.write_queue);
        if (channel.writes.size() >= most) {
          drain(channel, most - 1, channel.column);
          admitted = std::max(admitted, channel.column);
        }
        channel.writes.push_back(access);
        last = std::max(last, admitted + lookahead);
      } else {
        if (static_cast<int>(channel.writes.size()) > config_.controller.drain_high)
          drain(channel, static_cast<std::size_t>(config_.controller.drain_low), admitted);
        DramClock& ended = channel.read_ends[channel.next_read];
        channel.next_read = (channel.next_read + 1) % channel.read_ends.size();
        admitted = std::max(admitted, ended);
        ended = serve(channel, access, false, admitted);
        last = std::max(last, ended);
      }
      channel.admitted = admitted;
    }
  });
  const Femtoseconds time = static_cast<Femtoseconds>(last) * clock_;
  return std::max(burst.arrival, time - std::min(time, clock_ / 2));
}

// What waits to be written is written while nothing else comes.
void ExpectedDram::drain_idle(Channel& channel, DramClock until) {
  while (!channel.writes.empty() && channel.data_end < until) {
    const Access write = channel.writes.front();
    channel.writes.pop_front();
    serve(channel, write, true, channel.data_end);
  }
}

void ExpectedDram::drain(Channel& channel, std::size_t left, DramClock from) {
  while (channel.writes.size() > left) {
    const Access write = channel.writes.front();
    channel.writes.pop_front();
    serve(channel, write, true, from);
  }
}

// All rows are closed, and the banks are busy.
void ExpectedDram::refresh(Channel& channel, DramClock until) {
  while (channel.refresh_due <= until) {
    DramClock start = std::max(channel.refresh_due, channel.column);
    for (const Bank& bank : channel.banks)
      if (bank.row >= 0) start = std::max(start, bank.precharge);
    if (channel.open_since >= 0) {
      channel.statistics.active += start - channel.open_since;
      start += t_.tRP_AB;
    }
    channel.open_since = -1;
    for (Bank& bank : channel.banks) {
      if (bank.row >= 0) ++channel.statistics.precharges;
      bank.row = -1;
      bank.may_activate = std::max(bank.may_activate, start + t_.tRFC);
    }
    ++channel.statistics.refreshes;
    channel.statistics.active += t_.tRFC;
    channel.refresh_due += t_.tREFI;
  }
}

void ExpectedDram::open(Channel& channel, Bank& bank, int row, DramClock from) {
  DramClock activate = std::max(from, bank.may_activate);
  if (bank.row >= 0) {
    ++channel.statistics.precharges;
    activate = std::max(activate, std::max(from, bank.precharge) + t_.tRP);
  }
  DramClock& oldest = channel.activates[channel.oldest];
  const DramClock newest = channel.activates[(channel.oldest + 3) % 4];
  activate = std::max({activate, bank.activate + t_.tRC, oldest + t_.tFAW, newest + t_.tRRD_S});
  oldest = activate;
  channel.oldest = (channel.oldest + 1) % 4;
  if (channel.open_since < 0) channel.open_since = activate;
  bank.row = row;
  bank.activate = activate;
  bank.precharge = activate + t_.tRAS;
  ++channel.statistics.activates;
}

// From the clock `from` on, in which the controller knows of it. Returns its last data's clock.
DramClock ExpectedDram::serve(Channel& channel, const Access& access, bool write, DramClock from) {
  refresh(channel, std::max(from, channel.column));
  Bank& bank = channel.banks[static_cast<std::size_t>(access.bank)];
  const bool closed = config_.controller.page_policy == PagePolicy::kClosed;
  if (closed && bank.row >= 0 && bank.burst != bursts_) {
    ++channel.statistics.precharges;
    bank.may_activate = std::max(bank.may_activate, bank.precharge + t_.tRP);
    bank.row = -1;
  }
  bank.burst = bursts_;
  if (bank.row != access.row) open(channel, bank, access.row, from);
  const auto group = static_cast<std::size_t>(bank.group);
  DramClock column =
      std::max({from, bank.activate + (write ? t_.tRCD_WR : t_.tRCD_RD), channel.column + t_.tCCD_S,
                channel.group_column[group] + t_.tCCD_L});
  if (write != channel.writing) {
    const bool same = channel.last_group == bank.group;
    column = std::max(column, write ? channel.column + t_.tRTW
                                    : channel.data_end + (same ? t_.tWTR_L : t_.tWTR_S));
  }
  const DramClock end = column + (write ? t_.CWL : t_.CL) + t_.burst;
  channel.column = channel.group_column[group] = column;
  channel.last_group = bank.group;
  channel.writing = write;
  channel.data_end = end;
  bank.precharge = std::max(bank.precharge, write ? end + t_.tWR : column + t_.tRTP);
  ++(write ? channel.statistics.writes : channel.statistics.reads);
  return end;
}

DramStatistics ExpectedDram::statistics(Femtoseconds end) {
  const auto clocks = static_cast<DramClock>(end / clock_);
  DramStatistics sum;
  for (Channel& channel : channels_) {
    drain(channel, 0, channel.data_end);
    refresh(channel, clocks);
    if (channel.open_since >= 0)
      channel.statistics.active += std::max<DramClock>(0, clocks - channel.open_since);
    channel.open_since = -1;
    channel.statistics.clocks = std::max(clocks, channel.data_end);
    channel.statistics.active = std::min(channel.statistics.active, channel.statistics.clocks);
    sum += channel.statistics;
  }
  return sum;
}

}  // namespace corank
