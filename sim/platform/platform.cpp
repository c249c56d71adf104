#include "sim/platform/platform.h"

#include <algorithm>
#include <ctime>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <systemc>

#include "models/base/error.h"
#include "sim/cycle/cycle_accelerator.h"
#include "sim/dram/dram_memory.h"
#include "sim/platform/accelerator.h"
#include "sim/platform/failure.h"
#include "sim/platform/fixed_latency_memory.h"
#include "sim/platform/link.h"
#include "sim/platform/rtl_accelerator.h"
#include "sim/platform/sanitizer.h"
#include "sim/platform/transaction_monitor.h"

#if defined(__SANITIZE_ADDRESS__)
// SystemC keeps this pool until the process ends, by pointers that the leak sanitizer does not see.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:sc_core::sc_event_timed::allocate\n";
}
#endif

namespace corank {

namespace {

constexpr int kAcceleratorSocket = 0;
constexpr int kLinkSocket = 1;
constexpr int kHostStackBytes = 16 << 20;  // the host program is a whole driver

// SystemC elaborates once a simulation context, so each simulation gets its own.
class SimulationContext {
 public:
  SimulationContext()
      : current_(sc_core::sc_curr_simcontext), global_(sc_core::sc_default_global_context) {
    sc_core::sc_curr_simcontext = new sc_core::sc_simcontext();
    sc_core::sc_default_global_context = sc_core::sc_curr_simcontext;
    sc_core::sc_set_time_resolution(1, sc_core::SC_FS);
    sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_INFO,
                                            sc_core::SC_DO_NOTHING);
  }
  ~SimulationContext() {
    delete sc_core::sc_curr_simcontext;
    sc_core::sc_curr_simcontext = current_;
    sc_core::sc_default_global_context = global_;
  }
  SimulationContext(const SimulationContext&) = delete;
  SimulationContext& operator=(const SimulationContext&) = delete;

 private:
  sc_core::sc_simcontext* current_;
  sc_core::sc_simcontext* global_;
};

// The host program's process, and its view of the machine.
class Host : public sc_core::sc_module, public HostPort {
 public:
  sc_core::sc_in<bool> interrupt;

  Host(const sc_core::sc_module_name& name, const std::function<void(HostPort&)>& program,
       std::function<void()> take_snapshot, const MemoryModule& memory, Link& link,
       Femtoseconds period, Failure& failure)
      : sc_module(name),
        interrupt("interrupt"),
        program_(program),
        take_snapshot_(std::move(take_snapshot)),
        memory_(memory),
        link_(link),
        period_(period),
        failure_(failure) {
    SC_HAS_PROCESS(Host);
    SC_THREAD(run);
    set_stack_size(kHostStackBytes);
    SC_METHOD(receive);
    dont_initialize();
    sensitive << interrupt.pos();
  }

  bool returned() const { return returned_; }
  const std::exception_ptr& error() const { return error_; }

  void write_register(std::uint32_t offset, std::uint32_t value) override {
    link_.write_register(offset, value);
  }
  std::uint32_t read_register(std::uint32_t offset) override { return link_.read_register(offset); }
  void write_memory(std::uint64_t address, const std::vector<std::uint8_t>& bytes) override {
    link_.write_memory(address, bytes);
  }
  void write_nothing(std::uint64_t address, std::size_t size) override {
    link_.write_nothing(address, size);
  }
  std::vector<std::uint8_t> read_memory(std::uint64_t address, std::size_t size) override {
    return link_.read_memory(address, size);
  }
  void flush() override { link_.flush(); }

  bool wait_interrupt(std::int64_t timeout) override {
    const Femtoseconds deadline =
        now() + static_cast<Femtoseconds>(std::max<std::int64_t>(timeout, 0)) * period_;
    while (true) {
      if (!messages_.empty() && messages_.front() <= now()) {
        messages_.pop_front();
        return true;
      }
      if (now() >= deadline) return false;
      const Femtoseconds next =
          messages_.empty() ? deadline : std::min(deadline, messages_.front());
      failure_.wait_for(to_sc_time(next - now()), message_);
    }
  }

  void take_snapshot() override { take_snapshot_(); }
  bool memory_at_work() const override { return memory_.at_work(); }
  std::uint64_t memory_answers() const override { return memory_.answers(); }
  double now_ns() const override { return static_cast<double>(now()) * 1e-6; }
  std::int64_t cycles() const override { return static_cast<std::int64_t>(now() / period_); }

 private:
  void run() {
    try {
      program_(*this);
    } catch (const sc_core::sc_unwind_exception&) {
      throw;
    } catch (...) {
      error_ = std::current_exception();
    }
    returned_ = true;
    sc_core::sc_stop();
  }

  void receive() {
    messages_.push_back(now() + link_.latency());
    message_.notify(sc_core::SC_ZERO_TIME);
  }

  const std::function<void(HostPort&)>& program_;
  const std::function<void()> take_snapshot_;
  const MemoryModule& memory_;
  Link& link_;
  Femtoseconds period_;
  Failure& failure_;
  std::deque<Femtoseconds> messages_;  // arrivals of interrupts not taken
  sc_core::sc_event message_;
  bool returned_ = false;
  std::exception_ptr error_;
};

AcceleratorConfig accelerator_config(const PlatformConfig& config) {
  AcceleratorConfig accelerator;
  accelerator.machine_library = config.machine_library;
  accelerator.shape = config.shape;
  accelerator.clock_mhz = config.limits.clock_mhz;
  accelerator.stalls = config.stalls;
  accelerator.faults = config.faults;
  accelerator.wave_file = config.wave_file;
  accelerator.trace = config.trace;
  accelerator.on_event = config.observer.event;
  return accelerator;
}

std::unique_ptr<Accelerator> make_accelerator(const PlatformConfig& config, Failure& failure) {
  const AcceleratorConfig accelerator = accelerator_config(config);
  if (config.fidelity == Fidelity::kCycle) {
    return std::make_unique<CycleAccelerator>("accelerator", accelerator, config.values, failure);
  }
  return std::make_unique<RtlAccelerator>("accelerator", accelerator, failure);
}

std::unique_ptr<MemoryModule> make_memory(const MemoryConfig& config) {
  constexpr int kSockets = 2;
  if (config.kind == MemoryKind::kDram)
    return std::make_unique<DramMemory>("memory", config.dram, kSockets);
  return std::make_unique<FixedLatencyMemory>("memory", config, kSockets);
}

PlatformSnapshot snapshot_of(Accelerator& accelerator, MemoryModule& memory, const Link& link) {
  memory.catch_up();
  PlatformSnapshot snapshot;
  snapshot.ns = static_cast<double>(now()) * 1e-6;
  snapshot.memory.accelerator = memory.statistics(kAcceleratorSocket);
  snapshot.memory.link = memory.statistics(kLinkSocket);
  snapshot.memory.busy_ns = memory.busy_ns();
  if (const auto* dram = dynamic_cast<const DramMemory*>(&memory))
    snapshot.dram = dram->dram_statistics();
  snapshot.link = link.statistics();
  snapshot.counters = accelerator.counters();
  return snapshot;
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

PlatformResult run_platform(const PlatformConfig& config,
                            const std::function<void(HostPort&)>& host_program) {
  const SimulationContext context;
  Failure failure;
  const std::unique_ptr<Accelerator> device = make_accelerator(config, failure);
  Accelerator& accelerator = *device;
  const std::unique_ptr<MemoryModule> memory = make_memory(config.memory);
  Link link("link", config.link, failure);
  PlatformResult result;
  Host host(
      "host", host_program,
      [&] { result.snapshots.push_back(snapshot_of(accelerator, *memory, link)); }, *memory, link,
      accelerator.period(), failure);
  sc_core::sc_signal<bool> interrupt("interrupt");

  std::unique_ptr<TransactionMonitor> monitor;
  if (config.transactions) {
    monitor = std::make_unique<TransactionMonitor>("monitor", accelerator.period(),
                                                   config.observer.transaction);
    accelerator.memory.socket.bind(monitor->from);
    monitor->to.bind(memory->socket(kAcceleratorSocket));
  } else {
    accelerator.memory.socket.bind(memory->socket(kAcceleratorSocket));
  }
  link.memory.socket.bind(memory->socket(kLinkSocket));
  link.control.socket.bind(accelerator.control);
  accelerator.interrupt.bind(interrupt);
  host.interrupt.bind(interrupt);

  const double before = cpu_seconds();
  try {
    sc_core::sc_start();
  } catch (const sc_core::sc_report& report) {  // what SystemC itself has to say
    if (std::string(report.get_msg_type()) == sc_core::SC_ID_STACK_SETUP_FAILED_)
      throw std::bad_alloc();
    throw MachineError(std::string("the simulation cannot go on: ") + report.get_msg());
  }
  tell_sanitizer_own_stack();
  result.cpu_seconds = cpu_seconds() - before;

  if (host.error()) std::rethrow_exception(host.error());
  if (failure.error()) std::rethrow_exception(failure.error());
  if (!host.returned()) throw MachineError("the simulation came to rest before the host program");

  const PlatformSnapshot end = snapshot_of(accelerator, *memory, link);
  result.memory = end.memory;
  result.link = end.link;
  if (end.dram)
    result.dram = DramResult{*end.dram, dram_energy(config.memory.dram.device, *end.dram)};
  result.axi = accelerator.axi();
  result.injections = accelerator.injections();
  result.trace = accelerator.take_trace();
  if (monitor) result.transactions = monitor->take();
  result.simulated_ns = end.ns;
  result.cycles = host.cycles();
  result.evaluated_cycles = accelerator.evaluated_cycles();
  return result;
}

}  // namespace corank
