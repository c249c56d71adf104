// The host link: packets with a latency, a bandwidth and an overhead, one wire for each direction.
#pragma once

#include <cstdint>
#include <deque>
#include <systemc>
#include <tlm>
#include <vector>

#include "sim/platform/configuration.h"
#include "sim/platform/duration.h"
#include "sim/platform/failure.h"
#include "sim/platform/request_port.h"
#include "sim/platform/statistics.h"
#include "sim/platform/transaction_pool.h"

namespace corank {

/// A packet of p payload bytes occupies its wire for (p + overhead) / bandwidth and arrives one
/// latency after it has left. The functions are for one thread, the host's, and return when:
///   write_register, write_memory, write_nothing   the last packet has left (they are posted; the
///                                                 order of arrival is that of sending)
///   read_register, read_memory                    the last answer has arrived
///   flush                                         its answer has arrived
/// A flush is a packet without payload each way; its answer starts back when the memory has
/// answered every write that was sent before it.
/// A read request is a packet without payload; a read of the memory asks for at most one packet's
/// payload at a time, without waiting for answers in between, and each answer starts back when the
/// memory has it. An access beyond the memory or the registers is a MachineError, raised when its
/// answer comes.
class Link : public sc_core::sc_module {
 public:
  RequestPort memory;
  RequestPort control;

  Link(const sc_core::sc_module_name& name, const LinkConfig& config, Failure& failure);

  void write_register(std::uint32_t offset, std::uint32_t value);
  std::uint32_t read_register(std::uint32_t offset);
  void write_memory(std::uint64_t address, const std::vector<std::uint8_t>& bytes);
  void write_nothing(std::uint64_t address, std::size_t size);
  std::vector<std::uint8_t> read_memory(std::uint64_t address, std::size_t size);
  void flush();

  Femtoseconds latency() const { return latency_; }
  const LinkStatistics& statistics() const { return statistics_; }

 private:
  static constexpr std::size_t kPacketsAtOnce = 1024;

  struct Delivery {
    Femtoseconds time;
    Transaction* transaction;
    RequestPort* port;
  };

  Femtoseconds occupy(LinkDirectionStatistics& direction, Femtoseconds& wire_free,
                      Femtoseconds ready, std::int64_t payload);
  void send_memory_write(std::uint64_t address, const std::uint8_t* bytes, std::size_t size);
  void send(RequestPort& port, Transaction& transaction, std::int64_t payload);
  void wait_until(Femtoseconds time);
  void wait_between_packets(std::size_t at);  // behind that of a transfer's byte `at`
  void wait_for_answers();
  void deliver();
  void complete(Transaction& transaction, Femtoseconds when, const RequestPort& port);

  Failure& failure_;
  Femtoseconds latency_;
  double bandwidth_;
  std::size_t payload_;
  std::int64_t overhead_;
  TransactionPool pool_;
  std::deque<Delivery> on_the_way_;
  sc_core::sc_event next_delivery_;
  Femtoseconds to_device_free_ = 0;
  Femtoseconds to_host_free_ = 0;
  LinkStatistics statistics_;

  std::int64_t open_writes_ = 0;  // of the memory, not answered
  sc_core::sc_event all_written_;

  // The read at hand.
  std::uint64_t read_address_ = 0;
  std::vector<std::uint8_t> read_bytes_;
  std::size_t answers_missing_ = 0;
  sc_core::sc_event all_answered_;
};

}  // namespace corank
