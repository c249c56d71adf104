#include "sim/platform/accelerator.h"

namespace corank {

namespace {

constexpr std::uint64_t kControlBytes = 4096;

}  // namespace

Accelerator::Accelerator(const sc_core::sc_module_name& name, double clock_mhz)
    : sc_module(name),
      memory("memory",
             [this](Transaction& transaction, Femtoseconds when) { complete(transaction, when); }),
      control("control"),
      interrupt("interrupt"),
      period_(period_of(clock_mhz)) {
  control.register_nb_transport_fw(this, &Accelerator::request);
}

tlm::tlm_sync_enum Accelerator::request(tlm::tlm_generic_payload& transaction,
                                        tlm::tlm_phase& phase, sc_core::sc_time& delay) {
  if (phase != tlm::BEGIN_REQ) return tlm::TLM_ACCEPTED;
  const bool fits =
      transaction.get_data_length() == 4 && transaction.get_byte_enable_ptr() == nullptr;
  const std::uint64_t offset = transaction.get_address();
  if (!fits || offset % 4 != 0 || offset >= kControlBytes) {
    transaction.set_response_status(fits ? tlm::TLM_ADDRESS_ERROR_RESPONSE
                                         : tlm::TLM_BURST_ERROR_RESPONSE);
    return tlm::TLM_COMPLETED;
  }
  transaction.acquire();
  access(transaction, now() + delay.value());
  phase = tlm::END_REQ;
  return tlm::TLM_UPDATED;
}

// Accesses are done one at a time, at least two cycles apart, so that an initiator has ended one
// response before the next.
void Accelerator::answer(tlm::tlm_generic_payload& transaction) {
  tlm::tlm_phase phase = tlm::BEGIN_RESP;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  control->nb_transport_bw(transaction, phase, delay);
  transaction.release();
}

void Accelerator::drive_interrupt(bool level) {
  if (interrupted_ == level) return;
  interrupted_ = level;
  interrupt.write(level);
}

}  // namespace corank
