#include "sim/platform/axi_checker.h"

#include <cstring>
#include <string>

#include "models/base/error.h"

namespace corank {

namespace {

// The IDs that the accelerator uses (AxiId... in rtl/common/accelerator_pkg.sv).
constexpr int kLastReadId = 1;
constexpr int kWriteId = 2;
constexpr int kIncr = 1;
constexpr std::uint64_t kBoundary = 4096;

[[noreturn]] void broken(std::int64_t cycle, const std::string& rule) {
  throw MachineError("AXI protocol broken by the accelerator in cycle " + std::to_string(cycle) +
                     ": " + rule);
}

void require(bool kept, std::int64_t cycle, const char* rule) {
  if (!kept) broken(cycle, rule);
}

}  // namespace

void AxiChecker::check(const MachinePins& pins, std::int64_t cycle) {
  if (waiting_) check_stable(pins, cycle);
  if (pins.m_axi_arvalid) {
    check_address("AR", pins.m_axi_araddr, pins.m_axi_arlen, pins.m_axi_arsize, pins.m_axi_arburst,
                  cycle);
    require(pins.m_axi_arid <= kLastReadId, cycle, "ARID is not one of the accelerator's");
  }
  if (pins.m_axi_awvalid) {
    check_address("AW", pins.m_axi_awaddr, pins.m_axi_awlen, pins.m_axi_awsize, pins.m_axi_awburst,
                  cycle);
    require(pins.m_axi_awid == kWriteId, cycle, "AWID is not one of the accelerator's");
  }
  check_write_data(pins, cycle);
  check_control(pins, cycle);

  waiting_ =
      (pins.m_axi_arvalid && !pins.m_axi_arready) || (pins.m_axi_awvalid && !pins.m_axi_awready) ||
      (pins.m_axi_wvalid && !pins.m_axi_wready) || (pins.s_axil_bvalid && !pins.s_axil_bready) ||
      (pins.s_axil_rvalid && !pins.s_axil_rready);
  if (waiting_) before_ = pins;
}

// A3.2.1: once valid is set it stays, with its payload, until the handshake.
void AxiChecker::check_stable(const MachinePins& p, std::int64_t cycle) const {
  const MachinePins& q = before_;
  if (q.m_axi_arvalid && !q.m_axi_arready) {
    require(p.m_axi_arvalid, cycle, "ARVALID fell before ARREADY (A3.2.1)");
    require(p.m_axi_araddr == q.m_axi_araddr && p.m_axi_arlen == q.m_axi_arlen &&
                p.m_axi_arid == q.m_axi_arid && p.m_axi_arsize == q.m_axi_arsize &&
                p.m_axi_arburst == q.m_axi_arburst,
            cycle, "an AR payload changed before ARREADY (A3.2.1)");
  }
  if (q.m_axi_awvalid && !q.m_axi_awready) {
    require(p.m_axi_awvalid, cycle, "AWVALID fell before AWREADY (A3.2.1)");
    require(p.m_axi_awaddr == q.m_axi_awaddr && p.m_axi_awlen == q.m_axi_awlen &&
                p.m_axi_awid == q.m_axi_awid && p.m_axi_awsize == q.m_axi_awsize &&
                p.m_axi_awburst == q.m_axi_awburst,
            cycle, "an AW payload changed before AWREADY (A3.2.1)");
  }
  if (q.m_axi_wvalid && !q.m_axi_wready) {
    require(p.m_axi_wvalid, cycle, "WVALID fell before WREADY (A3.2.1)");
    require(
        p.m_axi_wlast == q.m_axi_wlast && p.m_axi_wstrb == q.m_axi_wstrb &&
            std::memcmp(p.m_axi_wdata, q.m_axi_wdata, static_cast<std::size_t>(beat_bytes_)) == 0,
        cycle, "a W payload changed before WREADY (A3.2.1)");
  }
  if (q.s_axil_bvalid && !q.s_axil_bready) {
    require(p.s_axil_bvalid && p.s_axil_bresp == q.s_axil_bresp, cycle,
            "AXI4-Lite BVALID or BRESP changed before BREADY (A3.2.1)");
  }
  if (q.s_axil_rvalid && !q.s_axil_rready) {
    require(p.s_axil_rvalid && p.s_axil_rdata == q.s_axil_rdata && p.s_axil_rresp == q.s_axil_rresp,
            cycle, "AXI4-Lite RVALID, RDATA or RRESP changed before RREADY (A3.2.1)");
  }
}

void AxiChecker::check_address(const char* channel, std::uint64_t address, int len, int size,
                               int burst, std::int64_t cycle) const {
  const std::string name = channel;
  if (burst != kIncr) broken(cycle, name + "BURST is not INCR");
  if ((1 << size) != beat_bytes_) broken(cycle, name + "SIZE is not the width of the bus");
  const auto beat = static_cast<std::uint64_t>(beat_bytes_);
  if (address % beat != 0) broken(cycle, name + "ADDR is not a multiple of the bus width");
  const std::uint64_t last = address + static_cast<std::uint64_t>(len + 1) * beat - 1;
  if (address / kBoundary != last / kBoundary) {
    broken(cycle, name + ": the burst crosses a 4 KiB boundary (A3.4.1)");
  }
}

// A3.4.1: WLAST marks the last beat of as many as AWLEN says. Data may be offered before the
// address; the platform takes it only after, so that `writes_` always knows the burst of a beat
// that is transferred.
void AxiChecker::check_write_data(const MachinePins& pins, std::int64_t cycle) {
  if (pins.m_axi_wvalid && pins.m_axi_wready) {
    ++beats_;
    require(pins.m_axi_wlast == (beats_ == writes_.front()), cycle,
            pins.m_axi_wlast ? "WLAST before the last beat that AWLEN says (A3.4.1)"
                             : "no WLAST on the last beat that AWLEN says (A3.4.1)");
    if (beats_ == writes_.front()) {
      writes_.pop_front();
      beats_ = 0;
    }
  }
  if (pins.m_axi_awvalid && pins.m_axi_awready) writes_.push_back(pins.m_axi_awlen + 1);
}

// A3.3.1: a response follows its address and, for a write, its data.
void AxiChecker::check_control(const MachinePins& pins, std::int64_t cycle) {
  require(!pins.s_axil_bvalid || (control_writes_ > 0 && control_data_ > 0), cycle,
          "AXI4-Lite BVALID without a write (A3.3.1)");
  require(!pins.s_axil_rvalid || control_reads_ > 0, cycle,
          "AXI4-Lite RVALID without a read (A3.3.1)");
  control_writes_ += (pins.s_axil_awvalid && pins.s_axil_awready) ? 1 : 0;
  control_data_ += (pins.s_axil_wvalid && pins.s_axil_wready) ? 1 : 0;
  control_reads_ += (pins.s_axil_arvalid && pins.s_axil_arready) ? 1 : 0;
  if (pins.s_axil_bvalid && pins.s_axil_bready) {
    --control_writes_;
    --control_data_;
  }
  if (pins.s_axil_rvalid && pins.s_axil_rready) --control_reads_;
}

}  // namespace corank
