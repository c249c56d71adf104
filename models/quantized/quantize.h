// Plain weights become packed ones, with the codes of the packages themselves.
#pragma once

#include <vector>

#include "models/base/tensor.h"
#include "models/quantized/quantized_tensor.h"

namespace corank {

enum class Quantizer {
  kNone,
  kNf4,          // bitsandbytes, blocks of 64
  kNf4Dq,        // the same with double quantization, scales in blocks of 256
  kFp4,          //
  kFp4Dq,        //
  kInt8,         // LLM.int8 of bitsandbytes: a scale for each row
  kInt4Group32,  // compressed-tensors, symmetric, BF16 scales
  kInt4Group64,
  kInt4Group128
};

/// "none", "nf4", "nf4-dq", "int4-group64", ...
const char* name_of(Quantizer quantizer);
const std::vector<Quantizer>& quantizers();

/// What a matrix of this shape is stored in; not of kNone.
StorageFormat format_of(Quantizer quantizer, const Shape& shape);

/// Packs a matrix of finite F32 numbers. Throws InputError for others.
///
/// NF4, FP4: every block is multiplied by the reciprocal of its largest magnitude (FP32; the last
/// one, where it is shorter, divided by it), and an element's level is that between whose midpoints
/// it lies, the lower one where it is on one. Double quantization: the same of the scales less
/// their mean, with the map dynamic_map(). LLM.int8: numbers are rounded to F16, a code is the
/// nearest even integer to x * f32(127 / largest magnitude of the row). Groups of 4 bits: numbers
/// are rounded to BF16, scale = bf16(largest magnitude / 7.5), code = the nearest even integer to
/// bf16(x / scale) within -8 and 7, plus 8.
///
/// The mean is summed up in double; torch's FP32 sum depends on the processor, and is an ulp off
/// now and then.
QuantizedTensor quantize(const Tensor& weight, Quantizer quantizer);

/// bitsandbytes' create_dynamic_map(signed=True): 256 numbers, ascending (Dettmers et al., 2021,
/// arXiv 2110.02861, "dynamic tree quantization").
std::vector<float> dynamic_map();

}  // namespace corank
