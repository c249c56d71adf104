#include "models/numerics/numerics.h"

namespace corank {

const char* name_of(Numerics numerics) {
  switch (numerics) {
    case Numerics::kFp32:
      return "fp32";
    case Numerics::kFp64:
      return "fp64";
    case Numerics::kBf16:
      return "bf16";
  }
  return "";  // not reached: all stand above
}

DType stored_dtype(Numerics numerics, DType dtype) {
  if (dtype != DType::BF16 && dtype != DType::F32) return dtype;
  switch (numerics) {
    case Numerics::kFp32:
      return DType::F32;
    case Numerics::kFp64:
      return DType::F64;
    case Numerics::kBf16:
      return dtype;
  }
  return dtype;  // not reached
}

}  // namespace corank
