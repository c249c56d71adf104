// One line on the terminal that says what is being done.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace corank {

/// Shown until destroyed, where the standard error is a terminal and nobody wants it quiet.
class ProgressLine {
 public:
  /// `stop` is asked at each show() whether to give up; it may be empty.
  ProgressLine(std::string what, bool quiet, std::function<bool()> stop);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// "what: stage, 12 s". Throws Interrupted if `stop` says so.
  void show(const std::string& stage) const;

 private:
  std::string what_;
  bool shown_;
  std::function<bool()> stop_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace corank
