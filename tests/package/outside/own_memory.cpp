// The verilated accelerator in a SystemC design of one's own: behind a TLM-2.0 memory and
// registers' initiator that are not corank's. A panel of memory goes to the scratchpad and back to
// another address.
#include <cstring>
#include <iostream>
#include <numeric>
#include <systemc>
#include <tlm>
#include <vector>

#include "rtl/interface/interface.h"
#include "sim/machine/build.h"
#include "sim/platform/failure.h"
#include "sim/platform/rtl_accelerator.h"
#include "tlm_utils/simple_initiator_socket.h"
#include "tlm_utils/simple_target_socket.h"

using namespace corank::interface;
using sc_core::sc_time;

struct OwnMemory : sc_core::sc_module {
  tlm_utils::simple_target_socket<OwnMemory> socket;
  std::vector<unsigned char> bytes = std::vector<unsigned char>(1 << 20);

  explicit OwnMemory(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.register_b_transport(this, &OwnMemory::b_transport);
  }

  void b_transport(tlm::tlm_generic_payload& transaction, sc_time& delay) {
    unsigned char* place = &bytes.at(transaction.get_address());
    const unsigned size = transaction.get_data_length();
    const unsigned char* enables = transaction.get_byte_enable_ptr();
    if (transaction.is_read()) std::memcpy(transaction.get_data_ptr(), place, size);
    for (unsigned i = 0; transaction.is_write() && i < size; ++i) {
      if (enables == nullptr || enables[i] != 0) place[i] = transaction.get_data_ptr()[i];
    }
    delay += sc_time(80, sc_core::SC_NS);
    transaction.set_response_status(tlm::TLM_OK_RESPONSE);
  }
};

struct Processor : sc_core::sc_module {
  tlm_utils::simple_initiator_socket<Processor> registers;
  sc_core::sc_in<bool> interrupt;
  bool done = false;

  SC_HAS_PROCESS(Processor);
  explicit Processor(const sc_core::sc_module_name& name)
      : sc_module(name), registers("registers") {
    SC_THREAD(run);
  }

  void write(std::uint32_t offset, std::uint32_t value) {
    tlm::tlm_generic_payload transaction;
    transaction.set_command(tlm::TLM_WRITE_COMMAND);
    transaction.set_address(offset);
    transaction.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    transaction.set_data_length(4);
    transaction.set_streaming_width(4);
    sc_time delay = sc_core::SC_ZERO_TIME;
    registers->b_transport(transaction, delay);
    wait(delay);
  }

  void run() {
    write(kRegRingBaseLo, kRing);
    write(kRegRingEntries, 16);
    write(kRegMemoryLimitLo, 1 << 20);
    write(kRegBurstLimits, 4u << kBurstLimitsOutstandingLsb | 16u << kBurstLimitsBeatsLsb);
    write(kRegInterruptEnable, 1u << kInterruptEnableDoneLsb | 1u << kInterruptEnableFaultLsb);
    write(kRegControl, 1u << kControlEnableLsb);
    write(kRegRingTail, 3);
    if (!interrupt.read()) wait(sc_time(1, sc_core::SC_MS), interrupt.posedge_event());
    done = interrupt.read();
    sc_core::sc_stop();
  }

  static constexpr std::uint32_t kRing = 0x8000;
};

int sc_main(int, char**) {
  constexpr std::uint32_t kFrom = 0x1000, kTo = 0x2000, kRows = 6, kPanelColumns = 64;
  constexpr std::size_t kBytes = kRows * 128;
  constexpr std::uint32_t kLoadToStore = 1u << 3;  // token 4 * 0 + 3
  sc_core::sc_set_time_resolution(1, sc_core::SC_FS);

  OwnMemory memory("memory");
  std::iota(memory.bytes.begin() + kFrom, memory.bytes.begin() + kFrom + kBytes, 1);
  LoadCommand load;
  load.address_lo = kFrom;
  load.rows = kRows;
  load.columns = kPanelColumns;
  load.panel_stride = kBytes;
  load.line_stride = kRows;
  load.signal_tokens = kLoadToStore;
  StoreCommand store;
  store.address_lo = kTo;
  store.rows = kRows;
  store.columns = kPanelColumns;
  store.panel_stride = kBytes;
  store.line_stride = kRows;
  store.wait_tokens = kLoadToStore;
  const CommandWords commands[] = {encode(load), encode(store), encode(HaltCommand{})};
  std::memcpy(&memory.bytes[Processor::kRing], commands, sizeof commands);

  corank::AcceleratorConfig config;
  config.shape.array_rows = config.shape.array_columns = config.shape.vector_lanes = 4;
  config.shape.axi_data_bits = 64;
  config.machine_library = corank::machine_library(config.shape);
  corank::Failure failure;
  corank::RtlAccelerator accelerator("accelerator", config, failure);
  Processor processor("processor");
  sc_core::sc_signal<bool> interrupt;
  accelerator.memory.socket.bind(memory.socket);
  processor.registers.bind(accelerator.control);
  accelerator.interrupt(interrupt);
  processor.interrupt(interrupt);
  sc_core::sc_start();

  if (failure.error()) std::rethrow_exception(failure.error());
  const bool copied = std::memcmp(&memory.bytes[kTo], &memory.bytes[kFrom], kBytes) == 0;
  std::cout << (processor.done ? "interrupted" : "no interrupt") << ", panel "
            << (copied ? "copied" : "wrong") << "\n";
  return processor.done && copied ? 0 : 1;
}
