// An initiator's side of the TLM-2.0 base protocol.
#pragma once

#include <deque>
#include <functional>
#include <systemc>
#include <tlm>
#include <utility>

#include "sim/platform/duration.h"
#include "sim/platform/transaction_sink.h"
#include "tlm_utils/simple_initiator_socket.h"

namespace corank {

/// Sends requests in order, one after the other as the base protocol's request exclusion rule wants
/// (the next BEGIN_REQ after the END_REQ of the one before), and accepts every response at once.
class RequestPort : public sc_core::sc_module, public TransactionSink {
 public:
  /// Called once a transaction, with the time from which its response counts (later than now() if
  /// the target annotates a delay).
  using Completion = std::function<void(Transaction&, Femtoseconds when)>;

  tlm_utils::simple_initiator_socket<RequestPort> socket;

  RequestPort(const sc_core::sc_module_name& name, Completion completion)
      : sc_module(name), socket("socket"), completion_(std::move(completion)) {
    socket.register_nb_transport_bw(this, &RequestPort::backward);
    SC_HAS_PROCESS(RequestPort);
    SC_METHOD(send_waiting);
    dont_initialize();
    sensitive << resume_;
  }

  void send(Transaction& transaction) override {
    waiting_.push_back(&transaction);
    send_waiting();
  }

 private:
  void send_waiting() {
    while (!waiting_.empty() && open_ == nullptr) {
      Transaction& transaction = *waiting_.front();
      waiting_.pop_front();
      open_ = &transaction;
      tlm::tlm_phase phase = tlm::BEGIN_REQ;
      sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
      const tlm::tlm_sync_enum status = socket->nb_transport_fw(transaction, phase, delay);
      if (status == tlm::TLM_ACCEPTED) continue;
      open_ = nullptr;
      if (status == tlm::TLM_UPDATED && phase == tlm::END_REQ) continue;
      const Femtoseconds when = now() + delay.value();
      if (status == tlm::TLM_UPDATED) {  // BEGIN_RESP on the return path
        phase = tlm::END_RESP;
        socket->nb_transport_fw(transaction, phase, delay);
      }
      completion_(transaction, when);
    }
  }

  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                              sc_core::sc_time& delay) {
    auto& transaction = static_cast<Transaction&>(payload);
    if (open_ == &transaction) {  // END_REQ, or BEGIN_RESP, which implies it
      open_ = nullptr;
      resume_.notify(sc_core::SC_ZERO_TIME);
    }
    if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
    completion_(transaction, now() + delay.value());
    return tlm::TLM_COMPLETED;
  }

  Completion completion_;
  std::deque<Transaction*> waiting_;
  Transaction* open_ = nullptr;  // sent, END_REQ not seen yet
  sc_core::sc_event resume_;
};

}  // namespace corank
