// Writes down the transactions that pass between an initiator and the memory.
#pragma once

#include <cstdint>
#include <functional>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

#include "sim/platform/duration.h"
#include "sim/platform/memory_transaction.h"
#include "tlm_utils/simple_initiator_socket.h"
#include "tlm_utils/simple_target_socket.h"

namespace corank {

/// Stands between two base-protocol sockets and changes nothing.
class TransactionMonitor : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<TransactionMonitor> from;
  tlm_utils::simple_initiator_socket<TransactionMonitor> to;

  /// With a listener, transactions are told to it and not kept.
  TransactionMonitor(const sc_core::sc_module_name& name, Femtoseconds period,
                     std::function<void(const MemoryTransaction&)> listener)
      : sc_module(name), from("from"), to("to"), period_(period), listener_(std::move(listener)) {
    from.register_nb_transport_fw(this, &TransactionMonitor::forward);
    to.register_nb_transport_bw(this, &TransactionMonitor::backward);
  }

  std::vector<MemoryTransaction> take() { return std::move(transactions_); }

 private:
  tlm::tlm_sync_enum forward(tlm::tlm_generic_payload& transaction, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay) {
    if (phase == tlm::BEGIN_REQ) {
      const auto cycle = static_cast<std::int64_t>((now() + delay.value()) / period_);
      const MemoryTransaction seen{cycle, transaction.is_write(), transaction.get_address(),
                                   static_cast<std::int64_t>(transaction.get_data_length()),
                                   transaction.is_write() ? digest(transaction) : 0};
      if (listener_) {
        listener_(seen);
      } else {
        transactions_.push_back(seen);
      }
    }
    return to->nb_transport_fw(transaction, phase, delay);
  }
  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload& transaction, tlm::tlm_phase& phase,
                              sc_core::sc_time& delay) {
    return from->nb_transport_bw(transaction, phase, delay);
  }

  // FNV-1a over the bytes that are written and where they stand (Fowler, Noll, Vo).
  static std::uint64_t digest(const tlm::tlm_generic_payload& transaction) {
    const unsigned char* enables = transaction.get_byte_enable_ptr();
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (unsigned i = 0; i < transaction.get_data_length(); ++i) {
      const bool written =
          enables == nullptr || enables[i % transaction.get_byte_enable_length()] != 0;
      const unsigned value = written ? transaction.get_data_ptr()[i] : 0x100u;
      hash = (hash ^ value) * 0x100000001b3u;
    }
    return hash;
  }

  Femtoseconds period_;
  std::function<void(const MemoryTransaction&)> listener_;
  std::vector<MemoryTransaction> transactions_;
};

}  // namespace corank
