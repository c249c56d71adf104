// The format "pack-quantized" of compressed-tensors: codes are bit strings along the rows of W, the
// zeros along its columns.
#include "host/quantized/packed_folder.h"
#include "host/quantized/word_fields.h"
#include "models/base/error.h"

namespace corank {
namespace {

std::int64_t words_for(std::int64_t count, int bits) { return (count * bits + 31) / 32; }

void check_shape_part(const PackedLinear& linear) {
  const TensorView& view = require_part(linear, "weight_shape", "I64", {2});
  Shape found(2);
  copy_part(view, found);
  if (found != linear.shape)
    throw InputError(part_text(linear, "weight_shape") + ": expected " + to_string(linear.shape) +
                     ", found " + to_string(found));
}

QuantizedTensor read_packed(const PackedLinear& linear, const StorageFormat& format) {
  const int bits = linear.config.bits, per_word = 32 / bits;
  QuantizedTensor tensor(format, linear.shape);
  const TensorView& view = *find_part(linear, "weight_packed");
  const WordFields codes(view, bits);
  for (std::int64_t n = 0; n < linear.rows(); ++n)
    for (std::int64_t k = 0; k < linear.columns(); ++k)
      put_code(tensor.codes, bits, n * linear.columns() + k,
               code_of_field(codes.at(n, k / per_word, k % per_word), bits));
  release(view);
  copy_part(*find_part(linear, "weight_scale"), tensor.scales.bytes);
  if (!format.zeros) return tensor;
  const TensorView& packed_zeros = *find_part(linear, "weight_zero_point");
  const WordFields zeros(packed_zeros, bits);
  const std::int64_t groups = packed_zeros.shape[1];
  for (std::int64_t n = 0; n < linear.rows(); ++n)
    for (std::int64_t g = 0; g < groups; ++g)
      put_code(tensor.zeros, bits, n * groups + g,
               code_of_field(zeros.at(n / per_word, g, n % per_word), bits));
  return tensor;
}

}  // namespace

std::optional<PackedWeight> compressed_tensors_weight(const PackedLinear& linear) {
  if (find_part(linear, "weight_packed") == nullptr) return std::nullopt;
  const int bits = linear.config.bits;
  StorageFormat format = group_format(bits, linear.config.group, linear.columns(),
                                      scale_dtype(linear, "weight_scale"));
  const std::int64_t groups = group_count(format, linear);
  require_part(linear, "weight_packed", "I32", {linear.rows(), words_for(linear.columns(), bits)});
  require_part(linear, "weight_scale", name_of(format.scale), {linear.rows(), groups});
  check_shape_part(linear);
  if (find_part(linear, "weight_g_idx") != nullptr)
    throw InputError(part_text(linear, "weight_g_idx") +
                     ": expected no such tensor (an order by activations is not supported), found "
                     "one");
  PackedWeight packed;
  packed.tensors = {"weight_packed", "weight_scale", "weight_shape"};
  if (!linear.config.symmetric) {
    require_part(linear, "weight_zero_point", "I32", {words_for(linear.rows(), bits), groups});
    format.zeros = true;
    format.zero = 0;
    packed.tensors.emplace_back("weight_zero_point");
  }
  packed.format = format;
  packed.read = [linear, format] { return read_packed(linear, format); };
  return packed;
}

}  // namespace corank
