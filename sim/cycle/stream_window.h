// The device's end of the ring of streamed weights (rtl/command/stream_window.sv).
#pragma once

#include <cstdint>
#include <deque>

namespace corank::cycle_model {

/// What a load does in cycle t shows from t + 1 on.
class StreamWindow {
 public:
  bool available(std::uint32_t written) const { return written != taken_; }
  std::uint32_t released() const { return released_; }

  void start(bool takes, bool releases) {
    if (takes) ++taken_;
    releases_.push_back(releases);
  }
  void complete() {
    if (releases_.front()) ++released_;
    releases_.pop_front();
  }
  void reset() { *this = StreamWindow(); }

 private:
  std::uint32_t taken_ = 0, released_ = 0;
  std::deque<bool> releases_;  // of the loads between start and completion
};

}  // namespace corank::cycle_model
