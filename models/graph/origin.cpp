#include "models/graph/origin.h"

#include <tuple>
#include <utility>

namespace corank {

bool operator==(const GemmKind& a, const GemmKind& b) {
  return a.part == b.part && a.pass == b.pass;
}

bool operator<(const GemmKind& a, const GemmKind& b) {
  return std::tie(a.part, a.pass) < std::tie(b.part, b.pass);
}

std::string to_string(const GemmKind& kind) {
  std::string text;
  switch (kind.part) {
    case Part::kFrozen:
      text = "frozen";
      break;
    case Part::kAdapterDown:
      text = "adapter down";
      break;
    case Part::kAdapterUp:
      text = "adapter up";
      break;
    case Part::kAttention:
      text = "attention";
      break;
    case Part::kHead:
      text = "head";
      break;
  }
  switch (kind.pass) {
    case Pass::kForward:
      return text + " forward";
    case Pass::kInputGradient:
      return text + " input gradient";
    case Pass::kWeightGradient:
      return text + " weight gradient";
    case Pass::kUpdate:
      return text + " update";
  }
  return text;  // not reached: every pass stands above
}

Origin update_of(Origin origin) {
  origin.kind.pass = Pass::kUpdate;
  return origin;
}

}  // namespace corank
