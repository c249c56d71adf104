#include "models/numerics/convert.h"

#include <algorithm>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "models/base/numerics.h"

namespace corank {

bool is_float(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::BF16 || dtype == DType::F16;
}

template <class T>
void widen_elements(const Tensor& tensor, T* out) {
  const std::int64_t count = element_count(tensor.shape);
  switch (tensor.dtype) {
    case DType::F32:
      std::copy_n(tensor.data<float>(), count, out);
      return;
    case DType::F64:
      std::transform(tensor.data<double>(), tensor.data<double>() + count, out,
                     [](double element) { return static_cast<T>(element); });
      return;
    case DType::BF16:
      std::transform(tensor.data<std::uint16_t>(), tensor.data<std::uint16_t>() + count, out,
                     widen);
      return;
    case DType::F16:
      std::transform(tensor.data<std::uint16_t>(), tensor.data<std::uint16_t>() + count, out,
                     widen_f16);
      return;
    default:
      throw InputError(std::string("expected a floating-point tensor, found ") +
                       name_of(tensor.dtype));
  }
}
template void widen_elements(const Tensor& tensor, float* out);
template void widen_elements(const Tensor& tensor, double* out);

Tensor converted(const Tensor& tensor, DType dtype) {
  if (tensor.dtype == dtype && is_float(dtype)) return tensor;
  Tensor out(dtype, tensor.shape);
  if (dtype == DType::F32) {
    widen_elements(tensor, out.data<float>());
  } else if (dtype == DType::F64) {
    widen_elements(tensor, out.data<double>());
  } else if (dtype == DType::BF16) {
    std::vector<float> wide(static_cast<std::size_t>(element_count(tensor.shape)));
    widen_elements(tensor, wide.data());
    std::transform(wide.begin(), wide.end(), out.data<std::uint16_t>(), round_to_bf16);
  } else {
    throw InputError(std::string("a conversion to ") + name_of(dtype) + " is not supported");
  }
  return out;
}

}  // namespace corank
