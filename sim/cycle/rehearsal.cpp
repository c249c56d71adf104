#include "sim/cycle/rehearsal.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include "models/base/error.h"
#include "sim/cycle/axi_port.h"
#include "sim/cycle/device.h"

namespace corank {
namespace {

using namespace interface;
using cycle_model::Cycle;

constexpr Femtoseconds kPeriod = 1000000;  // so a cycle is a nanosecond
constexpr std::uint64_t kRing = std::uint64_t{1} << 46, kMemoryLimit = std::uint64_t{1} << 47;

Femtoseconds edge_of(Cycle cycle) { return static_cast<Femtoseconds>(cycle) * kPeriod; }
// The first cycle whose edge sees what comes at a time.
Cycle cycle_after(Femtoseconds when) { return static_cast<Cycle>(when / kPeriod) + 1; }

class Memory : public TransactionSink {
 public:
  struct Answer {
    Transaction* transaction;
    Femtoseconds when;
  };

  Memory(const MemoryTiming& timing, const std::vector<CommandWords>& commands,
         const std::vector<std::uint64_t>& instructions)
      : latency_(from_ns(timing.latency_cycles)),
        bytes_per_cycle_(timing.bytes_per_cycle),
        commands_(commands),
        instructions_(instructions) {}

  void send(Transaction& transaction) override {
    if (transaction.is_read()) fill(transaction);
    transaction.set_response_status(tlm::TLM_OK_RESPONSE);
    bus_free_ =
        std::max(now_ + latency_, bus_free_) +
        transfer_time(static_cast<std::int64_t>(transaction.bytes.size()), bytes_per_cycle_);
    answers_.push_back({&transaction, bus_free_});
  }

  void set_now(Femtoseconds now) { now_ = now; }
  std::deque<Answer>& answers() { return answers_; }  // in the order of their times

 private:
  // Only what the device does not pass on as it is: commands and programs.
  void fill(Transaction& transaction) const {
    const std::uint64_t address = transaction.get_address();
    const auto copy = [&](const void* from, std::uint64_t bytes, std::uint64_t first) {
      if (first >= bytes) return;
      std::memcpy(transaction.bytes.data(), static_cast<const std::uint8_t*>(from) + first,
                  std::min<std::uint64_t>(transaction.bytes.size(), bytes - first));
    };
    if (address >= kRing) {
      copy(commands_.data(), commands_.size() * sizeof(CommandWords), address - kRing);
    } else {
      copy(instructions_.data(), instructions_.size() * sizeof(std::uint64_t), address);
    }
  }

  Femtoseconds latency_;
  double bytes_per_cycle_;
  const std::vector<CommandWords>& commands_;
  const std::vector<std::uint64_t>& instructions_;
  Femtoseconds now_ = 0, bus_free_ = 0;
  std::deque<Answer> answers_;
};

class Bench {
 public:
  Bench(const MachineShape& shape, const MemoryTiming& timing,
        const std::vector<CommandWords>& commands, const std::vector<std::uint64_t>& instructions)
      : memory_(timing, commands, instructions),
        port_(memory_, shape.axi_data_bits / 8, {}, {}),
        device_(shape, false, port_) {}

  void write_register(std::uint32_t offset, std::uint32_t value) {
    pins_.s_axil_awaddr = offset;
    pins_.s_axil_wdata = value;
    pins_.s_axil_awvalid = pins_.s_axil_wvalid = pins_.s_axil_bready = true;
    do {
      evaluate(cycle_ + 1);
      if (pins_.s_axil_awready) pins_.s_axil_awvalid = pins_.s_axil_wvalid = false;
    } while (!pins_.s_axil_bvalid);
    pins_.s_axil_bready = false;
  }

  // Up to the interrupt, or until `end` is over.
  void run(Cycle end) {
    while (!pins_.irq && cycle_ < end) {
      Cycle next = device_.next();
      while (!memory_.answers().empty() && cycle_after(memory_.answers().front().when) <= next) {
        const auto [transaction, when] = memory_.answers().front();
        memory_.answers().pop_front();
        if (port_.complete(*transaction, when)) next = std::max(cycle_ + 1, cycle_after(when));
      }
      if (next == cycle_model::kNever) throw MachineError("a rehearsed command never ends");
      evaluate(next);
    }
  }

  Cycle cycle() const { return cycle_; }

 private:
  void evaluate(Cycle cycle) {
    cycle_ = cycle;
    memory_.set_now(edge_of(cycle));
    device_.evaluate(cycle, edge_of(cycle), pins_);
  }

  Memory memory_;
  cycle_model::AxiPort port_;
  cycle_model::Device device_;
  MachinePins pins_{};
  Cycle cycle_ = 0;
};

}  // namespace

Cycle rehearse(const MachineShape& shape, const MemoryTiming& memory,
               const std::vector<CommandWords>& commands,
               const std::vector<std::uint64_t>& instructions, Cycle most) {
  std::uint32_t entries = 1;
  while (entries < commands.size()) entries *= 2;
  Bench bench(shape, memory, commands, instructions);
  bench.write_register(kRegRingBaseLo, static_cast<std::uint32_t>(kRing));
  bench.write_register(kRegRingBaseHi, static_cast<std::uint32_t>(kRing >> 32));
  bench.write_register(kRegRingEntries, entries);
  bench.write_register(kRegMemoryLimitHi, static_cast<std::uint32_t>(kMemoryLimit >> 32));
  bench.write_register(kRegBurstLimits, static_cast<std::uint32_t>(memory.outstanding_bursts)
                                                << kBurstLimitsOutstandingLsb |
                                            static_cast<std::uint32_t>(memory.burst_beats)
                                                << kBurstLimitsBeatsLsb);
  bench.write_register(kRegStreamWritten, std::numeric_limits<std::int32_t>::max());
  bench.write_register(kRegInterruptEnable, 1u << kInterruptEnableDoneLsb);
  bench.write_register(kRegControl, 1u << kControlEnableLsb);
  bench.write_register(kRegRingTail, static_cast<std::uint32_t>(commands.size()));
  const Cycle doorbell = bench.cycle();
  bench.run(doorbell + most);
  return bench.cycle() - doorbell;
}

}  // namespace corank
