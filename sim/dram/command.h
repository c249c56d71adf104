// What a channel's command bus carries.
#pragma once

#include <cstdint>

#include "sim/dram/device.h"

namespace corank {

enum class DramCommandKind : std::uint8_t {
  kActivate,
  kRead,
  kWrite,
  kPrecharge,
  kPrechargeAll,
  kRefresh
};

struct DramCommand {
  DramClock clock = 0;
  DramCommandKind kind = DramCommandKind::kActivate;
  bool auto_precharge = false;  // of a read or write
  int bank = 0;                 // kPrechargeAll, kRefresh: 0
  int row = 0;                  // of kActivate, kRead, kWrite
};

}  // namespace corank
