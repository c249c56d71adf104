#include "sim/system/progress_line.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "sim/system/interruption.h"

namespace corank {

ProgressLine::ProgressLine(std::string what, bool quiet, std::function<bool()> stop)
    : what_(std::move(what)),
      shown_(!quiet && isatty(STDERR_FILENO) != 0),
      stop_(std::move(stop)) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void ProgressLine::show(const std::string& stage) const {
  if (stop_ && stop_()) throw Interrupted();
  if (!shown_) return;
  const auto elapsed = std::chrono::steady_clock::now() - start_;
  std::fprintf(
      stderr, "\r\033[K%s: %s, %lld s", what_.c_str(), stage.c_str(),
      static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(elapsed).count()));
  std::fflush(stderr);
}

}  // namespace corank
