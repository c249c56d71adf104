// The bursts of one direction that the memory's side of an AXI4 port has in flight.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/platform/duration.h"
#include "sim/platform/transaction_pool.h"

namespace corank {

struct AxiBurst {
  Transaction* transaction = nullptr;
  std::uint64_t beats = 0;
  std::uint8_t id = 0;
  std::uint8_t response = 0;  // xRESP
  bool answered = false;
  bool fails = false;  // an injected error
  Femtoseconds when = 0;
};

/// At most kMost, in the order of their addresses.
class AxiBursts {
 public:
  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kNone = kMost;

  AxiBursts() { bursts_.reserve(kMost); }

  bool empty() const { return bursts_.empty(); }
  std::size_t size() const { return bursts_.size(); }
  const AxiBurst& operator[](std::size_t index) const { return bursts_[index]; }
  void push(const AxiBurst& burst) { bursts_.push_back(burst); }

  /// The earliest answer that came before the edge, of equal ones the oldest burst; within an ID in
  /// the order of the addresses. kNone: there is none.
  std::size_t next_answer(Femtoseconds edge) const;
  /// The memory's answer to a transaction of these; an injected error adds one to `injected`. The
  /// data of a read that failed is 0.
  void answer(Transaction& transaction, Femtoseconds when, std::int64_t& injected);
  /// The burst is over; its transaction is released.
  void finish(std::size_t index);

 private:
  std::vector<AxiBurst> bursts_;
};

}  // namespace corank
