#include "models/graph/origin.h"

#include <algorithm>
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
  if (kind == kRecomputed) return "recompute";
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
    case Pass::kRecompute:
      return text + " recompute";
    case Pass::kUpdate:
      return text + " update";
  }
  return text;  // not reached: every pass stands above
}

std::string identifier_of(const GemmKind& kind) {
  std::string text = to_string(kind);
  std::replace(text.begin(), text.end(), ' ', '_');
  return text;
}

Origin update_of(Origin origin) {
  origin.kind.pass = Pass::kUpdate;
  return origin;
}

}  // namespace corank
