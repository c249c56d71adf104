#include "sim/platform/axi_checker.h"

#include <catch2/catch.hpp>
#include <string>

#include "models/base/error.h"

using Catch::Matchers::Contains;
using corank::AxiChecker;
using corank::MachinePins;

namespace {

MachinePins quiet() { return MachinePins{}; }

// A legal 4-beat burst on a bus of 16 bytes.
MachinePins read_address() {
  MachinePins pins{};
  pins.m_axi_arvalid = true;
  pins.m_axi_arid = 1;
  pins.m_axi_araddr = 0x1000;
  pins.m_axi_arlen = 3;
  pins.m_axi_arsize = 4;
  pins.m_axi_arburst = 1;
  return pins;
}

MachinePins write_address(int beats) {
  MachinePins pins{};
  pins.m_axi_awvalid = true;
  pins.m_axi_awready = true;
  pins.m_axi_awid = 2;
  pins.m_axi_awaddr = 0x2000;
  pins.m_axi_awlen = static_cast<std::uint8_t>(beats - 1);
  pins.m_axi_awsize = 4;
  pins.m_axi_awburst = 1;
  return pins;
}

MachinePins write_data(bool last, bool ready = true) {
  MachinePins pins{};
  pins.m_axi_wvalid = true;
  pins.m_axi_wready = ready;
  pins.m_axi_wlast = last;
  return pins;
}

// The second cycle breaks what the first one promised.
void check_broken(const MachinePins& first, const MachinePins& second, const std::string& rule) {
  AxiChecker checker(16);
  checker.check(first, 41);
  CHECK_THROWS_MATCHES(checker.check(second, 42), corank::MachineError,
                       Catch::Predicate<corank::MachineError>([&](const corank::MachineError& e) {
                         const std::string text = e.what();
                         UNSCOPED_INFO(text);
                         return text.find("cycle 42") != std::string::npos &&
                                text.find(rule) != std::string::npos;
                       }));
}

}  // namespace

TEST_CASE("legal traffic passes") {
  AxiChecker checker(16);
  std::int64_t cycle = 0;
  MachinePins pins = read_address();
  checker.check(pins, ++cycle);
  checker.check(pins, ++cycle);  // still waiting
  pins.m_axi_arready = true;
  checker.check(pins, ++cycle);
  pins.m_axi_araddr = 0x1f00;  // a new one, after the handshake
  pins.m_axi_arlen = 15;       // up to the last byte below the boundary
  checker.check(pins, ++cycle);
  checker.check(write_address(2), ++cycle);
  checker.check(write_address(1), ++cycle);
  checker.check(write_data(false), ++cycle);
  checker.check(write_data(true, false), ++cycle);
  checker.check(write_data(true), ++cycle);
  checker.check(write_data(true), ++cycle);
  checker.check(quiet(), ++cycle);
}

TEST_CASE("a valid must stay, with its payload, until ready") {
  check_broken(read_address(), quiet(), "ARVALID fell");
  MachinePins other = read_address();
  other.m_axi_arlen = 2;
  check_broken(read_address(), other, "AR payload changed");

  MachinePins waiting = write_address(1);
  waiting.m_axi_awready = false;
  check_broken(waiting, quiet(), "AWVALID fell");
  other = waiting;
  other.m_axi_awaddr += 16;
  check_broken(waiting, other, "AW payload changed");

  check_broken(write_data(true, false), quiet(), "WVALID fell");
  other = write_data(true, false);
  other.m_axi_wdata[15] = 1;
  check_broken(write_data(true, false), other, "W payload changed");
  other = write_data(true, false);
  other.m_axi_wdata[16] = 1;  // beyond a bus of 16 bytes
  AxiChecker checker(16);
  checker.check(write_data(true, false), 1);
  CHECK_NOTHROW(checker.check(other, 2));
}

TEST_CASE("WLAST marks exactly the last beat") {
  check_broken(write_address(2), write_data(true), "WLAST before the last beat");
  check_broken(write_address(1), write_data(false), "no WLAST");
}

TEST_CASE("an address must be legal") {
  MachinePins pins = read_address();
  pins.m_axi_araddr = 0x1ff0;
  pins.m_axi_arlen = 0;
  AxiChecker checker(16);
  CHECK_NOTHROW(checker.check(pins, 1));
  pins.m_axi_arlen = 1;
  check_broken(quiet(), pins, "AR: the burst crosses a 4 KiB boundary");
  pins = read_address();
  pins.m_axi_araddr = 0x1008;
  check_broken(quiet(), pins, "ARADDR is not a multiple");
  pins = read_address();
  pins.m_axi_arsize = 3;
  check_broken(quiet(), pins, "ARSIZE");
  pins = read_address();
  pins.m_axi_arburst = 2;
  check_broken(quiet(), pins, "ARBURST");
  pins = read_address();
  pins.m_axi_arid = 2;
  check_broken(quiet(), pins, "ARID");
  pins = write_address(1);
  pins.m_axi_awid = 1;
  check_broken(quiet(), pins, "AWID");
}

TEST_CASE("AXI4-Lite responses follow their requests") {
  MachinePins pins{};
  pins.s_axil_bvalid = true;
  check_broken(quiet(), pins, "BVALID without a write");
  MachinePins address_only{};
  address_only.s_axil_awvalid = true;
  address_only.s_axil_awready = true;
  check_broken(address_only, pins, "BVALID without a write");
  pins = quiet();
  pins.s_axil_rvalid = true;
  check_broken(quiet(), pins, "RVALID without a read");

  AxiChecker checker(16);
  MachinePins read{};
  read.s_axil_arvalid = true;
  read.s_axil_arready = true;
  checker.check(read, 1);
  pins.s_axil_rdata = 5;
  checker.check(pins, 2);
  pins.s_axil_rdata = 6;
  CHECK_THROWS_WITH(checker.check(pins, 3), Contains("RDATA"));
}
