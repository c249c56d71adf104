// The binary interface of a verilated machine: a shared library with one accelerator in it
// (shell.cpp, compiled for each shape), opened at run time, because the shape is chosen by the
// user's configuration. Plain C types only.
#pragma once

#include <cstdint>

namespace corank {

constexpr int kMachineInterfaceVersion = 1;
constexpr int kMaximumAxiBytes = 64;  // 512 data bits
constexpr int kUnits = 4;             // load, array, vector, store: the order of the trace ports

/// The accelerator's ports in one cycle. Data beats and trace indices mean something only while
/// their valid is set.
struct MachinePins {
  // Driven by the platform.
  bool s_axil_awvalid, s_axil_wvalid, s_axil_bready, s_axil_arvalid, s_axil_rready;
  std::uint32_t s_axil_awaddr, s_axil_wdata, s_axil_araddr;
  bool m_axi_awready, m_axi_wready, m_axi_bvalid, m_axi_arready, m_axi_rvalid, m_axi_rlast;
  std::uint8_t m_axi_bid, m_axi_bresp, m_axi_rid, m_axi_rresp;
  const std::uint8_t* m_axi_rdata;  // one beat; may be null while rvalid is 0

  // Driven by the accelerator.
  bool irq;
  bool s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid;
  std::uint8_t s_axil_bresp, s_axil_rresp;
  std::uint32_t s_axil_rdata;
  bool m_axi_awvalid, m_axi_wvalid, m_axi_wlast, m_axi_bready, m_axi_arvalid, m_axi_rready;
  std::uint8_t m_axi_awid, m_axi_awlen, m_axi_awsize, m_axi_awburst;
  std::uint8_t m_axi_arid, m_axi_arlen, m_axi_arsize, m_axi_arburst;
  std::uint64_t m_axi_awaddr, m_axi_araddr;
  std::uint64_t m_axi_wstrb;
  std::uint8_t m_axi_wdata[kMaximumAxiBytes];
  bool trace_issue_valid;
  std::uint8_t trace_start_valid, trace_end_valid;  // one bit a unit
  std::uint32_t trace_issue_index, trace_start_index[kUnits], trace_end_index[kUnits];
};

/// One verilated accelerator.
struct VerilatedMachine;

// Functions that can fail return 0, or 1 and leave the reason in corank_machine_error; the machine
// is then dead.
extern "C" {
using MachineVersionFunction = int();
using MachineCreateFunction = VerilatedMachine*();
using MachineDestroyFunction = void(VerilatedMachine*);
using MachineErrorFunction = const char*(const VerilatedMachine*);
/// `cycles` clocks with rst_ni low and every valid and ready at 0.
using MachineResetFunction = int(VerilatedMachine*, int cycles);
/// One clock: the platform's pins are driven, the accelerator's pins are sampled just before the
/// rising edge (what both sides of a handshake see at that edge), then the edge comes.
using MachineClockFunction = int(VerilatedMachine*, MachinePins*);
/// The same, and says whether any bit of the machine's state changed. If none did, further clocks
/// with the same pins change nothing either. Slow: it compares the whole state.
using MachineClockCompareFunction = int(VerilatedMachine*, MachinePins*, bool* changed);
/// Writes every signal to an FST file from now on; clock n rises at n * period_ps. Fails in a
/// machine built without.
using MachineOpenWavesFunction = int(VerilatedMachine*, const char* path, std::uint64_t period_ps);
}

}  // namespace corank
