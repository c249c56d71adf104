#include "host/analytic/link_times.h"

#include <algorithm>
#include <deque>

namespace corank {
namespace {

using cycle_model::Cycle;

// Of a register: a word; cycles from the first in which the access is at the pins to that in which
// a value is taken, and from there on to the one in which it counts (sim/cycle/registers.cpp).
constexpr std::uint64_t kRegisterBytes = 4;
constexpr Cycle kReadCycles = 3, kWriteCycles = 1;
// Registers that the driver writes once, and before each step (set_registers(), begin()).
constexpr int kWrittenOnce = 9, kWrittenBefore = 1;
// It reads these after each tile: where the device is in the commands, and in the tiles.
constexpr int kReadAfterTile = 2;

/// One direction's wire.
class Wire {
 public:
  explicit Wire(const LinkConfig& link)
      : payload_(static_cast<std::uint64_t>(link.payload_bytes)),
        overhead_(static_cast<std::uint64_t>(link.overhead_bytes)),
        bandwidth_(link.bandwidth_gb_per_s) {}

  std::uint64_t packets(std::uint64_t bytes) const { return (bytes + payload_ - 1) / payload_; }
  std::uint64_t wire_bytes(std::uint64_t bytes) const { return bytes + packets(bytes) * overhead_; }
  // Of so many bytes of memory, in packets.
  Femtoseconds time(std::uint64_t bytes) const {
    const std::uint64_t rest = bytes % payload_;
    return bytes / payload_ * packet(payload_) + (rest > 0 ? packet(rest) : 0);
  }
  Femtoseconds packet(std::uint64_t payload) const {
    return transfer_time(static_cast<std::int64_t>(payload + overhead_), bandwidth_);
  }
  std::uint64_t overhead() const { return overhead_; }

 private:
  const std::uint64_t payload_, overhead_;
  const double bandwidth_;
};

/// What the memory takes for what comes over the link.
struct LinkMemory {
  Femtoseconds latency = 0;
  double bandwidth = 0;
  std::uint64_t posted = 0;  // bytes that are answered before they are written, at most

  explicit LinkMemory(const MemoryConfig& memory) : bandwidth(memory.bandwidth_gb_per_s) {
    latency = from_ns(memory.latency_ns);
    if (memory.kind != MemoryKind::kDram) return;
    const DramDevice& device = memory.dram.device;
    latency = static_cast<Femtoseconds>(device.timing.CL + device.timing.burst) *
              from_ns(device.timing.tCK_ns);
    bandwidth = device.peak_gb_per_s() * memory.dram.channels;
    posted = static_cast<std::uint64_t>(memory.dram.controller.write_queue) *
             static_cast<std::uint64_t>(memory.dram.channels) *
             static_cast<std::uint64_t>(device.organisation.access_bytes);
  }
  Femtoseconds time(std::uint64_t bytes) const {
    return transfer_time(static_cast<std::int64_t>(bytes), bandwidth);
  }
};

double ns_of(Femtoseconds time) { return static_cast<double>(time) * 1e-6; }

/// The host's wait for a register's value.
Femtoseconds register_read(const Config& config, const Wire& wire) {
  return wire.packet(0) + wire.packet(kRegisterBytes) + 2 * from_ns(config.link.latency_ns) +
         static_cast<Femtoseconds>(kReadCycles) * period_of(config.limits.clock_mhz);
}

std::uint64_t tiles_before(const CompiledStep& step) {
  return std::min<std::uint64_t>(step.tiles.size(), step.tile_ring_places);
}

class LeastHost : public HostTimes {
 public:
  LeastHost(const Config& config, const CompiledStep& step)
      : step_(step),
        wire_(config.link),
        period_(period_of(config.limits.clock_mhz)),
        latency_(from_ns(config.link.latency_ns)),
        look_(kReadAfterTile * register_read(config, wire_)),
        sent_(tiles_before(step)) {}

  Cycle tile_there(std::uint64_t tiles) override {
    const std::uint64_t places = step_.tile_ring_places;
    if (tiles <= places) return 0;
    while (sent_ < tiles && sent_ - places < releases_.size()) send();
    return sent_ < tiles ? -1 : there_[tiles - places - 1];
  }
  void released(Cycle cycle) override { releases_.push_back(cycle); }

 private:
  // Times count from the doorbell's arrival, which was sent a latency before: so does the host.
  void send() {
    const std::uint64_t number = sent_ - step_.tile_ring_places;
    const Femtoseconds known = static_cast<Femtoseconds>(releases_[number]) * period_ + latency_;
    const Femtoseconds sent = std::max(known + latency_, free_) +
                              wire_.time(step_.tiles[sent_].bytes()) + wire_.packet(kRegisterBytes);
    free_ = sent + look_;
    ++sent_;
    // The edge before it may be that of cycle 0.
    there_.push_back(static_cast<Cycle>(sent / period_) + kWriteCycles);
  }

  const CompiledStep& step_;
  const Wire wire_;
  const Femtoseconds period_, latency_, look_;
  std::uint64_t sent_;
  Femtoseconds free_ = 0;  // a latency after the host is
  std::deque<Cycle> releases_, there_;
};

class ExpectedHost : public HostTimes {
 public:
  ExpectedHost(const Config& config, const CompiledStep& step)
      : step_(step),
        wire_(config.link),
        payload_(static_cast<std::uint64_t>(config.link.payload_bytes)),
        period_(period_of(config.limits.clock_mhz)),
        latency_(from_ns(config.link.latency_ns)),
        read_(register_read(config, wire_)),
        sent_(tiles_before(step)) {}

  Cycle tile_there(std::uint64_t tiles) override {
    if (tiles <= step_.tile_ring_places) return 0;
    while (sent_ < tiles) go_on();
    return there_[tiles - step_.tile_ring_places - 1];
  }
  void released(Cycle cycle) override { releases_.push_back(cycle); }
  const MemoryBurst* next_write(Femtoseconds now) override {
    while (sent_ < step_.tiles.size() && free_ <= now) go_on();
    return writes_.empty() ? nullptr : &writes_.front();
  }
  void written() override { writes_.pop_front(); }

 private:
  // Once around the driver's loop. Times count from the doorbell's arrival, as of somebody who is a
  // latency behind the host.
  void go_on() {
    if (sent_ < known_ + step_.tile_ring_places) send();
    if (sent_ == step_.tiles.size()) return;
    if (sent_ == known_ + step_.tile_ring_places) look();
    if (sent_ < known_ + step_.tile_ring_places) return;
    free_ += static_cast<Femtoseconds>(kRefillPollCycles) * period_;
    look();
  }

  void send() {
    const StreamTile& tile = step_.tiles[sent_++];
    for (std::uint64_t at = 0; at < tile.bytes(); at += payload_) {
      const std::uint64_t part = std::min(payload_, tile.bytes() - at);
      free_ += wire_.packet(part);
      writes_.push_back({MemoryUser::kLink, free_, tile.layout.address + at, part, false});
    }
    free_ += wire_.packet(kRegisterBytes);
    there_.push_back(static_cast<Cycle>(free_ / period_) + kWriteCycles);
    look();
  }

  // Two registers, of which the second one says how many tiles are released.
  void look() {
    free_ += (kReadAfterTile - 1) * read_;
    const auto seen = static_cast<Cycle>((free_ + wire_.packet(0)) / period_) + kReadCycles;
    while (known_ < releases_.size() && releases_[known_] <= seen) ++known_;
    free_ += read_;
  }

  const CompiledStep& step_;
  const Wire wire_;
  const std::uint64_t payload_;
  const Femtoseconds period_, latency_, read_;
  std::uint64_t sent_, known_ = 0;
  Femtoseconds free_ = 0;  // a latency after the host is
  std::deque<Cycle> releases_, there_;
  std::deque<MemoryBurst> writes_;
};

}  // namespace

LinkTimes least_link_times(const Config& config, const PreparedProgram& prepared,
                           const std::vector<ValueId>& asked) {
  const CompiledStep& step = prepared.step;
  const Wire wire(config.link);
  const LinkMemory memory(config.memory);
  const Femtoseconds latency = from_ns(config.link.latency_ns);
  const Femtoseconds read = register_read(config, wire);
  LinkTimes times;

  // Before the step.
  const UploadPieces pieces = upload_pieces(step, prepared.program.graph);
  Femtoseconds upload = 0, last_write = 0;  // the end of the last packet for the memory
  std::uint64_t packets = 0;
  const auto write_memory = [&](std::uint64_t bytes) {
    upload += wire.time(bytes);
    last_write = upload;
    times.upload_wire_bytes += wire.wire_bytes(bytes);
    times.upload_bytes += bytes;
    packets += wire.packets(bytes);
  };
  const auto write_registers = [&](std::uint64_t count) {
    upload += count * wire.packet(kRegisterBytes);
    times.upload_wire_bytes += count * (kRegisterBytes + wire.overhead());
  };
  const auto compared = static_cast<std::uint64_t>(
      std::count_if(kMachineRegisters.begin(), kMachineRegisters.end(),
                    [](const MachineRegister& one) { return one.in_programs; }));
  upload += compared * read;
  times.upload_wire_bytes += compared * (kRegisterBytes + 2 * wire.overhead());
  for (const std::uint64_t bytes : pieces.loaded) write_memory(bytes);
  write_registers(kWrittenOnce);
  for (const std::uint64_t bytes : pieces.fed) write_memory(bytes);
  write_memory(step.instructions.size() * sizeof(std::uint64_t));
  write_registers(kWrittenBefore);
  const std::uint64_t commands = std::min<std::uint64_t>(step.commands.size(), step.ring_entries);
  write_memory(commands * sizeof(interface::CommandWords));
  const std::uint64_t tiles = tiles_before(step);
  for (std::uint64_t tile = 0; tile < tiles; ++tile) {
    write_memory(step.tiles[tile].bytes());
    write_registers(1);
  }
  // The flush: it has arrived, and the last packet is written.
  const Femtoseconds there = upload + wire.packet(0) + latency;
  const Femtoseconds written =
      memory.latency +
      memory.time(times.upload_bytes - std::min(times.upload_bytes, memory.posted));
  upload =
      std::max({there, written, last_write + latency + memory.latency}) + wire.packet(0) + latency;
  times.upload_wire_bytes += 2 * wire.overhead();
  times.upload_ns = ns_of(upload);

  // The step. The status is read and cleared, and the device switched off.
  times.doorbell_ns = ns_of(wire.packet(kRegisterBytes) + latency);
  times.interrupt_ns = ns_of(latency + read + 2 * wire.packet(kRegisterBytes));
  times.step_wire_bytes =
      3 * (kRegisterBytes + wire.overhead()) + kRegisterBytes + 2 * wire.overhead();
  times.bytes_in_step = (step.commands.size() - commands) * sizeof(interface::CommandWords);
  if (times.bytes_in_step > 0) times.step_wire_bytes += wire.wire_bytes(times.bytes_in_step);
  for (std::uint64_t tile = tiles; tile < step.tiles.size(); ++tile) {
    const std::uint64_t bytes = step.tiles[tile].bytes();
    times.bytes_in_step += bytes;
    times.step_wire_bytes += wire.wire_bytes(bytes) + kRegisterBytes + wire.overhead() +
                             kReadAfterTile * (kRegisterBytes + 2 * wire.overhead());
  }

  // Behind it.
  Femtoseconds download = 0;
  for (const ValueId id : asked) {
    const std::uint64_t bytes = step.plan.layouts[static_cast<std::size_t>(id)].bytes();
    const std::uint64_t requests = wire.packets(bytes);
    if (requests == 0) continue;
    const std::uint64_t last =
        bytes - (requests - 1) * static_cast<std::uint64_t>(config.link.payload_bytes);
    download +=
        std::max({wire.packet(0) + wire.time(bytes), requests * wire.packet(0) + wire.packet(last),
                  wire.packet(0) + memory.time(bytes)}) +
        2 * latency + memory.latency;
    times.download_wire_bytes += bytes + 2 * requests * wire.overhead();
  }
  times.download_ns = ns_of(download);
  return times;
}

std::unique_ptr<HostTimes> least_host_times(const Config& config, const CompiledStep& step) {
  return std::make_unique<LeastHost>(config, step);
}

std::unique_ptr<HostTimes> expected_host_times(const Config& config, const CompiledStep& step) {
  return std::make_unique<ExpectedHost>(config, step);
}

}  // namespace corank
