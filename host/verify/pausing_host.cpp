#include "host/verify/pausing_host.h"

#include "rtl/interface/interface.h"

namespace corank {

void PausingHost::write_register(std::uint32_t offset, std::uint32_t value) {
  if (offset == interface::kRegStreamWritten && most_cycles_ > 0) {
    if (host_.wait_interrupt(draw::between(random_, 0, most_cycles_ - 1))) interrupted_ = true;
  }
  host_.write_register(offset, value);
}

bool PausingHost::wait_interrupt(std::int64_t timeout) {
  if (interrupted_) {
    interrupted_ = false;
    return true;
  }
  return host_.wait_interrupt(timeout);
}

}  // namespace corank
