#include "sim/platform/link.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "models/base/error.h"

namespace corank {

Link::Link(const sc_core::sc_module_name& name, const LinkConfig& config, Failure& failure)
    : sc_module(name),
      memory("memory", [this](Transaction& transaction,
                              Femtoseconds when) { complete(transaction, when, memory); }),
      control("control", [this](Transaction& transaction,
                                Femtoseconds when) { complete(transaction, when, control); }),
      failure_(failure),
      latency_(from_ns(config.latency_ns)),
      bandwidth_(config.bandwidth_gb_per_s),
      payload_(static_cast<std::size_t>(config.payload_bytes)),
      overhead_(config.overhead_bytes) {
  SC_HAS_PROCESS(Link);
  SC_METHOD(deliver);
  dont_initialize();
  sensitive << next_delivery_;
}

// The time at which a packet that is ready at `ready` has left.
Femtoseconds Link::occupy(LinkDirectionStatistics& direction, Femtoseconds& wire_free,
                          Femtoseconds ready, std::int64_t payload) {
  const std::int64_t wire = payload + overhead_;
  const Femtoseconds duration = transfer_time(wire, bandwidth_);
  ++direction.packets;
  direction.payload_bytes += payload;
  direction.wire_bytes += wire;
  direction.busy_ns += static_cast<double>(duration) * 1e-6;
  wire_free = std::max(ready, wire_free) + duration;
  return wire_free;
}

void Link::send(RequestPort& port, Transaction& transaction, std::int64_t payload) {
  const Femtoseconds left = occupy(statistics_.to_device, to_device_free_, now(), payload);
  on_the_way_.push_back({left + latency_, &transaction, &port});
  if (on_the_way_.size() == 1) next_delivery_.notify(to_sc_time(left + latency_ - now()));
}

void Link::deliver() {
  while (!on_the_way_.empty() && on_the_way_.front().time <= now()) {
    const Delivery delivery = on_the_way_.front();
    on_the_way_.pop_front();
    delivery.port->send(*delivery.transaction);
  }
  if (!on_the_way_.empty()) next_delivery_.notify(to_sc_time(on_the_way_.front().time - now()));
}

void Link::wait_until(Femtoseconds time) {
  failure_.wait_for(to_sc_time(time > now() ? time - now() : 0));
}

// Packets are made as the wire takes them: memory for a few, not for a whole tensor.
void Link::wait_between_packets(std::size_t at) {
  if (at / payload_ % kPacketsAtOnce == kPacketsAtOnce - 1) wait_until(to_device_free_);
}

void Link::wait_for_answers() {
  while (answers_missing_ > 0) failure_.wait_for(all_answered_);
  wait_until(to_host_free_ + latency_);
}

void Link::write_register(std::uint32_t offset, std::uint32_t value) {
  Transaction& transaction = pool_.allocate(tlm::TLM_WRITE_COMMAND, offset, sizeof value);
  std::memcpy(transaction.bytes.data(), &value, sizeof value);
  send(control, transaction, sizeof value);
  wait_until(to_device_free_);
}

std::uint32_t Link::read_register(std::uint32_t offset) {
  std::uint32_t value = 0;
  read_address_ = offset;
  read_bytes_.assign(sizeof value, 0);
  answers_missing_ = 1;
  send(control, pool_.allocate(tlm::TLM_READ_COMMAND, offset, sizeof value), 0);
  wait_for_answers();
  std::memcpy(&value, read_bytes_.data(), sizeof value);
  return value;
}

// Null for `bytes`: no byte is enabled.
void Link::send_memory_write(std::uint64_t address, const std::uint8_t* bytes, std::size_t size) {
  for (std::size_t at = 0; at < size; at += payload_) {
    const std::size_t part = std::min(payload_, size - at);
    Transaction& transaction = pool_.allocate(tlm::TLM_WRITE_COMMAND, address + at, part);
    if (bytes != nullptr) {
      std::memcpy(transaction.bytes.data(), bytes + at, part);
    } else {
      transaction.enables.assign(1, TLM_BYTE_DISABLED);  // repeated over all bytes, TLM-2.0
      transaction.set_byte_enable_ptr(transaction.enables.data());
      transaction.set_byte_enable_length(1);
    }
    ++open_writes_;
    send(memory, transaction, static_cast<std::int64_t>(part));
    wait_between_packets(at);
  }
  wait_until(to_device_free_);
}

void Link::write_memory(std::uint64_t address, const std::vector<std::uint8_t>& bytes) {
  send_memory_write(address, bytes.data(), bytes.size());
}

void Link::write_nothing(std::uint64_t address, std::size_t size) {
  send_memory_write(address, nullptr, size);
}

std::vector<std::uint8_t> Link::read_memory(std::uint64_t address, std::size_t size) {
  if (size == 0) return {};
  read_address_ = address;
  read_bytes_.assign(size, 0);
  answers_missing_ = (size + payload_ - 1) / payload_;
  for (std::size_t at = 0; at < size; at += payload_) {
    const std::size_t part = std::min(payload_, size - at);
    send(memory, pool_.allocate(tlm::TLM_READ_COMMAND, address + at, part), 0);
    wait_between_packets(at);
  }
  wait_for_answers();
  return std::move(read_bytes_);
}

void Link::flush() {
  wait_until(occupy(statistics_.to_device, to_device_free_, now(), 0) + latency_);
  while (open_writes_ > 0) failure_.wait_for(all_written_);
  wait_until(occupy(statistics_.to_host, to_host_free_, now(), 0) + latency_);
}

void Link::complete(Transaction& transaction, Femtoseconds when, const RequestPort& port) {
  const bool of_memory = &port == &memory;
  const std::uint64_t address = transaction.get_address();
  if (!transaction.is_response_ok()) {
    failure_.raise(std::make_exception_ptr(MachineError(
        std::string("a host ") + (transaction.is_read() ? "read" : "write") + " of the " +
        (of_memory ? "memory" : "registers") + " at address " + std::to_string(address) + ", " +
        std::to_string(transaction.get_data_length()) +
        " bytes, failed: " + transaction.get_response_string())));
  } else if (transaction.is_read()) {
    std::copy(transaction.bytes.begin(), transaction.bytes.end(),
              read_bytes_.begin() + static_cast<std::ptrdiff_t>(address - read_address_));
    occupy(statistics_.to_host, to_host_free_, when,
           static_cast<std::int64_t>(transaction.bytes.size()));
    if (--answers_missing_ == 0) all_answered_.notify(sc_core::SC_ZERO_TIME);
  } else if (of_memory && --open_writes_ == 0) {
    all_written_.notify(sc_core::SC_ZERO_TIME);
  }
  transaction.release();
}

}  // namespace corank
