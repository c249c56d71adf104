#include "sim/platform/control_side.h"

#include <cstring>
#include <string>

#include "models/base/error.h"

namespace corank {

namespace {

// Far beyond any register's latency, stalls included: the accelerator hangs.
constexpr std::int64_t kPatience = 100000;

}  // namespace

bool ControlSide::offer(bool offered, Channel channel, std::int64_t cycle) {
  if (offered || !stalls_.held(channel, cycle)) return true;
  ++injections_.held_cycles[static_cast<std::size_t>(channel)];
  return false;
}

bool ControlSide::ready(bool waits, Channel channel, std::int64_t cycle) {
  return waits && !stalls_.held(channel, cycle);
}

void ControlSide::drive(MachinePins& pins, std::int64_t cycle, Femtoseconds edge) {
  pins.s_axil_bready = false;
  pins.s_axil_rready = false;
  if (started_ < 0 && !waiting_.empty() && waiting_.front().arrival < edge) {
    started_ = cycle;
    address_done_ = false;
    data_done_ = false;
  }
  if (started_ < 0) return;

  const tlm::tlm_generic_payload& access = *waiting_.front().transaction;
  const auto address = static_cast<std::uint32_t>(access.get_address());
  if (cycle - started_ > kPatience) {
    throw MachineError("the accelerator did not answer a register access at offset " +
                       std::to_string(address) + " within " + std::to_string(kPatience) +
                       " cycles");
  }
  if (access.is_write()) {
    pins.s_axil_awaddr = address;
    std::memcpy(&pins.s_axil_wdata, access.get_data_ptr(), sizeof(pins.s_axil_wdata));
    pins.s_axil_awvalid = !address_done_ && offer(pins.s_axil_awvalid, Channel::control_aw, cycle);
    pins.s_axil_wvalid = !data_done_ && offer(pins.s_axil_wvalid, Channel::control_w, cycle);
    pins.s_axil_bready = ready(address_done_ && data_done_, Channel::control_b, cycle);
  } else {
    pins.s_axil_araddr = address;
    pins.s_axil_arvalid = !address_done_ && offer(pins.s_axil_arvalid, Channel::control_ar, cycle);
    pins.s_axil_rready = ready(address_done_, Channel::control_r, cycle);
  }
}

void ControlSide::sample(const MachinePins& pins) {
  if (started_ < 0) return;
  tlm::tlm_generic_payload& access = *waiting_.front().transaction;
  if (access.is_write()) {
    if (pins.s_axil_bvalid && !pins.s_axil_bready) {
      ++injections_.held_cycles[static_cast<std::size_t>(Channel::control_b)];
    }
    address_done_ = address_done_ || (pins.s_axil_awvalid && pins.s_axil_awready);
    data_done_ = data_done_ || (pins.s_axil_wvalid && pins.s_axil_wready);
    if (pins.s_axil_bvalid && pins.s_axil_bready) finish(pins.s_axil_bresp);
  } else {
    if (pins.s_axil_rvalid && !pins.s_axil_rready) {
      ++injections_.held_cycles[static_cast<std::size_t>(Channel::control_r)];
    }
    address_done_ = address_done_ || (pins.s_axil_arvalid && pins.s_axil_arready);
    if (pins.s_axil_rvalid && pins.s_axil_rready) {
      std::memcpy(access.get_data_ptr(), &pins.s_axil_rdata, sizeof(pins.s_axil_rdata));
      finish(pins.s_axil_rresp);
    }
  }
}

void ControlSide::finish(std::uint8_t response) {
  tlm::tlm_generic_payload& access = *waiting_.front().transaction;
  waiting_.pop_front();
  started_ = -1;
  access.set_response_status(response == 0 ? tlm::TLM_OK_RESPONSE
                                           : tlm::TLM_GENERIC_ERROR_RESPONSE);
  answer_(access);
}

}  // namespace corank
