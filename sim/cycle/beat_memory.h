// A memory that loads write beat by beat and units read word by word (rtl/memory/beat_memory.sv).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "rtl/interface/interface.h"

namespace corank::cycle_model {

template <class Word, std::uint64_t kWords>
class BeatMemory {
 public:
  /// The beats of a burst, from word `first` on. The place of a beat has 16 bits; what of it would
  /// lie beyond the end is dropped.
  void write(std::uint64_t first, const std::uint8_t* bytes, std::uint64_t beats,
             std::uint64_t beat_bytes) {
    const std::uint64_t beat_words = beat_bytes / sizeof(Word);
    for (std::uint64_t beat = 0; beat < beats; ++beat) {
      const std::uint64_t place = (first + beat * beat_words) & 0xffffu;
      for (std::uint64_t i = 0; i < beat_words && place + i < kWords; ++i) {
        std::memcpy(&words_[place + i], bytes + beat * beat_bytes + i * sizeof(Word), sizeof(Word));
      }
    }
  }

  /// `index` below kWords.
  Word word(std::uint64_t index) const { return words_[index]; }

 private:
  std::array<Word, kWords> words_{};
};

/// What gathers and scatters read. Each of their units has a copy in the RTL; all are written
/// alike.
using IndexMemory = BeatMemory<std::uint32_t, interface::kIndexWords>;

}  // namespace corank::cycle_model
