// What went in at the pins of a machine in every clock of a run, and a digest of what came out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "sim/machine/pins.h"

namespace corank::bench {

/// The pins that the platform drives are the first part of MachinePins, those of the accelerator
/// the rest.
constexpr std::size_t kDrivenBytes = offsetof(MachinePins, irq);
static_assert(offsetof(MachinePins, m_axi_rdata) + sizeof(MachinePins::m_axi_rdata) <=
              kDrivenBytes);

/// Of everything that the accelerator drives.
inline std::uint64_t digest(const MachinePins& pins) {
  const char* bytes = reinterpret_cast<const char*>(&pins);
  std::uint64_t value = 0;
  for (std::size_t at = kDrivenBytes; at < sizeof(MachinePins); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + at, sizeof(MachinePins) - at < 8 ? sizeof(MachinePins) - at : 8);
    value = (value ^ word) * 0x9e3779b97f4a7c15ULL;  // odd, so that no bit of the state is lost
    value ^= value >> 32;
  }
  return value;
}

class PinLog {
 public:
  /// `clocks` clocks in a row with the same pins; the read beat is null where there is none.
  struct Run {
    MachinePins driven{};  // the first kDrivenBytes of it
    std::int64_t clocks = 0;
    std::size_t beat = kNoBeat;  // in beats()
  };
  static constexpr std::size_t kNoBeat = ~std::size_t{0};
  using Beat = std::array<std::uint8_t, kMaximumAxiBytes>;

  explicit PinLog(std::size_t beat_bytes) : beat_bytes_(beat_bytes) {}

  void drive(const MachinePins& pins) {
    Run run;
    std::memcpy(static_cast<void*>(&run.driven), &pins, kDrivenBytes);
    run.driven.m_axi_rdata = nullptr;
    if (pins.m_axi_rvalid) {
      Beat beat{};
      std::memcpy(beat.data(), pins.m_axi_rdata, beat_bytes_);
      if (beats_.empty() || beats_.back() != beat)
        beats_.push_back(beat);  // else it waits for ready
      run.beat = beats_.size() - 1;
    }
    const bool same = !cut_ && !runs_.empty() && runs_.back().beat == run.beat &&
                      std::memcmp(&runs_.back().driven, &run.driven, kDrivenBytes) == 0;
    if (!same) runs_.push_back(run);
    cut_ = false;
    ++runs_.back().clocks;
  }
  void sample(const MachinePins& pins) { digests_.push_back(digest(pins)); }

  /// The next clock begins a new run; returns its number.
  std::size_t cut() {
    cut_ = true;
    return runs_.size();
  }

  /// The pins before a clock of this run; those of the accelerator stay as they are.
  void restore(const Run& run, MachinePins& pins) const {
    std::memcpy(static_cast<void*>(&pins), &run.driven, kDrivenBytes);
    if (run.beat != kNoBeat) pins.m_axi_rdata = beats_[run.beat].data();
  }

  const std::vector<Run>& runs() const { return runs_; }
  std::size_t clocks() const { return digests_.size(); }
  std::uint64_t digest_of(std::size_t clock) const { return digests_[clock]; }

 private:
  std::size_t beat_bytes_;
  std::vector<Run> runs_;
  std::vector<Beat> beats_;
  std::vector<std::uint64_t> digests_;
  bool cut_ = true;
};

}  // namespace corank::bench
