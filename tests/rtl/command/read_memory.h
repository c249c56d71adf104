// A memory behind an AXI read port, with as many stalls as wanted.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <set>
#include <vector>

namespace corank::test {

/// Answers bursts in the order in which they came, beats of `beat_bytes`. A cycle is: drive() gives
/// what the memory drives, accept() takes an address that was handed over, end_cycle().
class ReadMemory {
 public:
  struct Drive {
    bool ar_ready = false, r_valid = false, r_last = false;
    std::uint32_t id = 0, resp = 0;
    std::uint64_t address = 0;  // of the beat
  };

  std::uint64_t base = 0;
  std::vector<std::uint8_t> bytes;  // from `base` on
  std::set<std::uint64_t> errors;   // addresses of beats that are answered SLVERR
  int latency = 1;                  // cycles from an address to its first beat, at least 1
  int stall_percent = 0;            // of addresses and beats alike

  ReadMemory(unsigned beat_bytes, unsigned seed) : beat_bytes_(beat_bytes), random_(seed) {}

  const Drive& drive() {
    drive_ = {};
    drive_.ar_ready = !stalls();
    if (!bursts_.empty() && bursts_.front().ready_at <= now_ && !stalls()) {
      const Burst& burst = bursts_.front();
      drive_.r_valid = true;
      drive_.r_last = burst.beats == 1;
      drive_.id = burst.id;
      drive_.address = burst.address;
      drive_.resp = errors.count(burst.address) != 0 ? 2 : 0;
    }
    return drive_;
  }

  void accept(std::uint32_t id, std::uint64_t address, std::uint32_t len) {
    bursts_.push_back({id, address, len + 1, now_ + latency});
  }

  /// The beat of drive(), if any, is taken.
  void end_cycle() {
    if (drive_.r_valid) {
      bursts_.front().address += beat_bytes_;
      if (--bursts_.front().beats == 0) bursts_.pop_front();
    }
    ++now_;
  }

  const std::uint8_t* at(std::uint64_t address) const { return bytes.data() + (address - base); }
  std::size_t outstanding() const { return bursts_.size(); }

 private:
  struct Burst {
    std::uint32_t id;
    std::uint64_t address;
    std::uint32_t beats;
    long ready_at;
  };

  bool stalls() { return std::uniform_int_distribution<int>(0, 99)(random_) < stall_percent; }

  unsigned beat_bytes_;
  std::mt19937 random_;
  std::deque<Burst> bursts_;
  Drive drive_;
  long now_ = 0;
};

}  // namespace corank::test
