// One verilated accelerator behind the C functions of pins.h. Compiled into each machine's shared
// library.
#include "Vcorank_accelerator.h"
#include "Vcorank_accelerator__Syms.h"
#include "Vcorank_accelerator___024root.h"
#include "pins.h"
#ifdef CORANK_HOST_FLOAT
#include "host_float.h"
#endif
#ifdef CORANK_WAVES
#include <verilated_fst_c.h>
#endif

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace corank {

struct VerilatedMachine {
  VerilatedContext context;
  std::unique_ptr<Vcorank_accelerator> model;
  std::string error;
  std::vector<char> state;  // of the clock before, for the comparison
#ifdef CORANK_WAVES
  std::unique_ptr<VerilatedFstC> waves;
  std::uint64_t period_ps = 0;
  std::uint64_t cycle = 0;
#endif
};

}  // namespace corank

namespace {

// What the RTL prints ($display, the text of $error). An assertion's text comes just before its
// vl_stop.
thread_local std::string printed;

struct RtlStopped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void stop(const char* file, int line, const std::string& what) {
  std::string message = printed.empty() ? what : printed;
  while (!message.empty() && message.back() == '\n') message.pop_back();
  printed.clear();
  if (file != nullptr && file[0] != 0) {
    message += " (" + std::string(file) + ":" + std::to_string(line) + ")";
  }
  throw RtlStopped(message);
}

// Verilator passes numbers of up to 64 bits as integers and wider ones as words, lowest first. Both
// are little endian here, so that bytes can be copied.
template <typename Port>
void drive_bytes(Port& port, const std::uint8_t* bytes) {
  std::memcpy(&port, bytes, sizeof(Port));
}
template <typename Port>
void sample_bytes(const Port& port, std::uint8_t* bytes) {
  std::memcpy(bytes, &port, sizeof(Port));
}

void drive(Vcorank_accelerator& v, const corank::MachinePins& p) {
  v.s_axil_awvalid_i = p.s_axil_awvalid;
  v.s_axil_awaddr_i = static_cast<SData>(p.s_axil_awaddr);
  v.s_axil_wvalid_i = p.s_axil_wvalid;
  v.s_axil_wdata_i = p.s_axil_wdata;
  v.s_axil_bready_i = p.s_axil_bready;
  v.s_axil_arvalid_i = p.s_axil_arvalid;
  v.s_axil_araddr_i = static_cast<SData>(p.s_axil_araddr);
  v.s_axil_rready_i = p.s_axil_rready;
  v.m_axi_awready_i = p.m_axi_awready;
  v.m_axi_wready_i = p.m_axi_wready;
  v.m_axi_bvalid_i = p.m_axi_bvalid;
  v.m_axi_bid_i = p.m_axi_bid;
  v.m_axi_bresp_i = p.m_axi_bresp;
  v.m_axi_arready_i = p.m_axi_arready;
  v.m_axi_rvalid_i = p.m_axi_rvalid;
  v.m_axi_rlast_i = p.m_axi_rlast;
  v.m_axi_rid_i = p.m_axi_rid;
  v.m_axi_rresp_i = p.m_axi_rresp;
  if (p.m_axi_rvalid) drive_bytes(v.m_axi_rdata_i, p.m_axi_rdata);
}

void sample(const Vcorank_accelerator& v, corank::MachinePins& p) {
  p.irq = v.irq_o;
  p.s_axil_awready = v.s_axil_awready_o;
  p.s_axil_wready = v.s_axil_wready_o;
  p.s_axil_bvalid = v.s_axil_bvalid_o;
  p.s_axil_bresp = v.s_axil_bresp_o;
  p.s_axil_arready = v.s_axil_arready_o;
  p.s_axil_rvalid = v.s_axil_rvalid_o;
  p.s_axil_rresp = v.s_axil_rresp_o;
  p.s_axil_rdata = v.s_axil_rdata_o;
  p.m_axi_bready = v.m_axi_bready_o;
  p.m_axi_rready = v.m_axi_rready_o;
  p.m_axi_awvalid = v.m_axi_awvalid_o;
  p.m_axi_awid = v.m_axi_awid_o;
  p.m_axi_awlen = v.m_axi_awlen_o;
  p.m_axi_awsize = v.m_axi_awsize_o;
  p.m_axi_awburst = v.m_axi_awburst_o;
  p.m_axi_awaddr = v.m_axi_awaddr_o;
  p.m_axi_arvalid = v.m_axi_arvalid_o;
  p.m_axi_arid = v.m_axi_arid_o;
  p.m_axi_arlen = v.m_axi_arlen_o;
  p.m_axi_arsize = v.m_axi_arsize_o;
  p.m_axi_arburst = v.m_axi_arburst_o;
  p.m_axi_araddr = v.m_axi_araddr_o;
  p.m_axi_wvalid = v.m_axi_wvalid_o;
  if (p.m_axi_wvalid) {
    p.m_axi_wlast = v.m_axi_wlast_o;
    p.m_axi_wstrb = v.m_axi_wstrb_o;
    sample_bytes(v.m_axi_wdata_o, p.m_axi_wdata);
  }
  p.trace_issue_valid = v.trace_issue_valid_o;
  p.trace_start_valid = v.trace_start_valid_o;
  p.trace_end_valid = v.trace_end_valid_o;
  if (p.trace_issue_valid) p.trace_issue_index = v.trace_issue_index_o;
  if (p.trace_start_valid != 0) {
    std::memcpy(p.trace_start_index, &v.trace_start_index_o, sizeof(p.trace_start_index));
  }
  if (p.trace_end_valid != 0) {
    std::memcpy(p.trace_end_index, &v.trace_end_index_o, sizeof(p.trace_end_index));
  }
}

void low_phase(corank::VerilatedMachine& machine) {
#ifdef CORANK_WAVES
  ++machine.cycle;
  machine.context.time(machine.cycle * machine.period_ps - machine.period_ps / 2);
#endif
  machine.model->clk_i = 0;
  machine.model->eval();
#ifdef CORANK_WAVES
  if (machine.waves) machine.waves->dump(machine.context.time());
#endif
}

void rising_edge(corank::VerilatedMachine& machine) {
#ifdef CORANK_WAVES
  machine.context.time(machine.cycle * machine.period_ps);
#endif
#ifdef CORANK_HOST_FLOAT
  const HostFloatEnvironment environment;  // the array computes at this edge alone
#endif
  machine.model->clk_i = 1;
  machine.model->eval();
#ifdef CORANK_WAVES
  if (machine.waves) machine.waves->dump(machine.context.time());
#endif
}

template <typename Action>
int guarded(corank::VerilatedMachine* machine, const Action& action) {
  try {
    action();
    return 0;
  } catch (const std::exception& problem) {
    machine->error = problem.what();
    return 1;
  }
}

}  // namespace

// What Verilator calls for $finish, $stop (a failed assertion ends there) and its own fatal errors.
void vl_finish(const char* file, int line, const char*) {
  stop(file, line, "the RTL called $finish");
}
void vl_stop(const char* file, int line, const char*) { stop(file, line, "the RTL called $stop"); }
void vl_fatal(const char* file, int line, const char*, const char* message) {
  printed += message;
  stop(file, line, "fatal");
}

extern "C" int corank_vl_printf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char text[4096];
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  printed += text;
  return length;
}

#define CORANK_EXPORT extern "C" __attribute__((visibility("default")))

CORANK_EXPORT int corank_machine_version() { return corank::kMachineInterfaceVersion; }

CORANK_EXPORT corank::VerilatedMachine* corank_machine_create() {
  auto machine = std::make_unique<corank::VerilatedMachine>();
#ifdef CORANK_WAVES
  machine->context.traceEverOn(true);
#endif
  machine->model = std::make_unique<Vcorank_accelerator>(&machine->context);
  return machine.release();
}

CORANK_EXPORT void corank_machine_destroy(corank::VerilatedMachine* machine) {
#ifdef CORANK_WAVES
  if (machine->waves) machine->waves->close();
#endif
  // A model takes itself off the thread's context, which is that of whichever machine came last.
  Verilated::threadContextp(&machine->context);
  machine->model.reset();
  Verilated::threadContextp(Verilated::defaultContextp());
  delete machine;
}

CORANK_EXPORT const char* corank_machine_error(const corank::VerilatedMachine* machine) {
  return machine->error.c_str();
}

CORANK_EXPORT int corank_machine_reset(corank::VerilatedMachine* machine, int cycles) {
  return guarded(machine, [&] {
    drive(*machine->model, corank::MachinePins{});
    machine->model->rst_ni = 0;
    for (int i = 0; i < cycles; ++i) {
      machine->model->clk_i = 0;
      machine->model->eval();
      machine->model->clk_i = 1;
      machine->model->eval();
    }
    machine->model->rst_ni = 1;
    printed.clear();
  });
}

CORANK_EXPORT int corank_machine_clock(corank::VerilatedMachine* machine,
                                       corank::MachinePins* pins) {
  return guarded(machine, [&] {
    drive(*machine->model, *pins);
    low_phase(*machine);
    sample(*machine->model, *pins);
    rising_edge(*machine);
    if (!printed.empty()) {  // a $display that did not end in $stop
      std::fputs(printed.c_str(), stderr);
      printed.clear();
    }
  });
}

CORANK_EXPORT int corank_machine_clock_compare(corank::VerilatedMachine* machine,
                                               corank::MachinePins* pins, bool* changed) {
  // Verilator keeps the state of every instance inside one object.
  using State = Vcorank_accelerator__Syms;
  const char* now = reinterpret_cast<const char*>(machine->model->rootp->vlSymsp);
  machine->state.assign(now, now + sizeof(State));
  const int failed = corank_machine_clock(machine, pins);
  *changed = std::memcmp(machine->state.data(), now, sizeof(State)) != 0;
  return failed;
}

CORANK_EXPORT int corank_machine_open_waves(corank::VerilatedMachine* machine, const char* path,
                                            std::uint64_t period_ps) {
  return guarded(machine, [&] {
#ifdef CORANK_WAVES
    machine->period_ps = period_ps;
    machine->waves = std::make_unique<VerilatedFstC>();
    machine->model->trace(machine->waves.get(), 99);
    machine->waves->open(path);
    if (!machine->waves->isOpen())
      throw std::runtime_error(std::string(path) + ": cannot be written");
#else
    static_cast<void>(period_ps);
    throw std::runtime_error(std::string("this machine was built without waves, for ") + path);
#endif
  });
}
