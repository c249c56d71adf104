// GPTQ and AWQ. Both keep, for W [out, in], scales and zeros [groups, out]; GPTQ packs codes down
// the columns of W^T, AWQ along its rows in an order of its own.
#include <cstring>

#include "host/quantized/packed_folder.h"
#include "host/quantized/word_fields.h"
#include "models/base/error.h"

namespace corank {
namespace {

/// AutoAWQ's order of columns in a word: field i is column 8 c + kAwqOrder[i].
constexpr int kAwqOrder[8] = {0, 2, 4, 6, 1, 3, 5, 7};

/// The column of each input is in the group of its place: no other order was chosen by activations.
void check_group_index(const PackedLinear& linear, const StorageFormat& format) {
  if (find_part(linear, "g_idx") == nullptr && !linear.config.by_activations) return;
  const TensorView& view = require_part(linear, "g_idx", "I32", {linear.columns()});
  for (std::int64_t k = 0; k < linear.columns(); ++k) {
    std::int32_t group = 0;
    std::memcpy(&group, view.data + 4 * k, 4);
    if (group != k / format.block)
      throw InputError(part_text(linear, "g_idx") + ": [" + std::to_string(k) + "]: expected " +
                       std::to_string(k / format.block) +
                       ", the group of its place (an order by activations, desc_act, is not "
                       "supported), found " +
                       std::to_string(group));
  }
}

/// [groups, out] in the file; a row of W after the other here.
void read_scales(const PackedLinear& linear, std::int64_t groups, Tensor& scales) {
  const TensorView& view = *find_part(linear, "scales");
  const std::size_t size = bytes_of(scales.dtype);
  for (std::int64_t n = 0; n < linear.rows(); ++n)
    for (std::int64_t g = 0; g < groups; ++g)
      std::memcpy(scales.bytes.data() + static_cast<std::size_t>(n * groups + g) * size,
                  view.data + static_cast<std::size_t>(g * linear.rows() + n) * size, size);
}

/// Where the two packages differ.
struct Layout {
  /// Word and field of a code and of a zero.
  unsigned (*code)(const WordFields& words, std::int64_t n, std::int64_t k);
  unsigned (*zero)(const WordFields& words, std::int64_t n, std::int64_t group);
};

unsigned gptq_code(const WordFields& words, std::int64_t n, std::int64_t k) {
  return words.at(k / words.per_word(), n, k % words.per_word());
}
unsigned gptq_zero(const WordFields& words, std::int64_t n, std::int64_t group) {
  return words.at(group, n / words.per_word(), n % words.per_word());
}
int awq_field(std::int64_t n) {
  int field = 0;
  while (kAwqOrder[field] != n % 8) ++field;
  return field;
}
unsigned awq_code(const WordFields& words, std::int64_t n, std::int64_t k) {
  return words.at(k, n / 8, awq_field(n));
}
unsigned awq_zero(const WordFields& words, std::int64_t n, std::int64_t group) {
  return words.at(group, n / 8, awq_field(n));
}

constexpr Layout kGptqLayout{gptq_code, gptq_zero}, kAwqLayout{awq_code, awq_zero};

/// The zero of a group as a code. GPTQ's first format stores one less; what it cannot mean (0 less
/// one) its decoders read in different ways.
unsigned zero_at(const PackedLinear& linear, const Layout& layout, const WordFields& words,
                 std::int64_t n, std::int64_t group) {
  const int bits = linear.config.bits;
  const unsigned field = layout.zero(words, n, group);
  if (!linear.config.zeros_less_one) return code_of_field(field, bits);
  const unsigned most = (1u << bits) - 1;
  if (field == most)
    throw InputError(part_text(linear, "qzeros") + ": group " + std::to_string(group) +
                     " of output " + std::to_string(n) + ": expected a zero less one from 0 to " +
                     std::to_string(most - 1) + ", found " + std::to_string(field));
  return code_of_field(field + 1, bits);
}

/// Zeros that are all those of symmetric codes are not kept.
bool has_zeros(const PackedLinear& linear, const Layout& layout, std::int64_t groups) {
  const WordFields words(*find_part(linear, "qzeros"), linear.config.bits);
  const unsigned symmetric = static_cast<unsigned>(symmetric_zero(linear.config.bits));
  bool found = false;
  for (std::int64_t n = 0; n < linear.rows(); ++n)
    for (std::int64_t g = 0; g < groups; ++g)
      found = zero_at(linear, layout, words, n, g) != symmetric || found;
  return found;
}

QuantizedTensor read_words(const PackedLinear& linear, const Layout& layout,
                           const StorageFormat& format) {
  const int bits = linear.config.bits;
  const std::int64_t groups = group_count(format, linear);
  QuantizedTensor tensor(format, linear.shape);
  const TensorView& view = *find_part(linear, "qweight");
  const WordFields codes(view, bits), zeros(*find_part(linear, "qzeros"), bits);
  for (std::int64_t n = 0; n < linear.rows(); ++n) {
    for (std::int64_t k = 0; k < linear.columns(); ++k)
      put_code(tensor.codes, bits, n * linear.columns() + k,
               code_of_field(layout.code(codes, n, k), bits));
    for (std::int64_t g = 0; g < groups && format.zeros; ++g)
      put_code(tensor.zeros, bits, n * groups + g, zero_at(linear, layout, zeros, n, g));
  }
  release(view);
  read_scales(linear, groups, tensor.scales);
  return tensor;
}

PackedWeight words_weight(const PackedLinear& linear, const Layout& layout, const Shape& codes,
                          std::int64_t zero_words) {
  StorageFormat format = group_format(linear.config.bits, linear.config.group, linear.columns(),
                                      scale_dtype(linear, "scales"));
  const std::int64_t groups = group_count(format, linear);
  require_part(linear, "qweight", "I32", codes);
  require_part(linear, "qzeros", "I32", {groups, zero_words});
  require_part(linear, "scales", name_of(format.scale), {groups, linear.rows()});
  check_group_index(linear, format);
  format.zeros = has_zeros(linear, layout, groups);
  if (format.zeros) format.zero = 0;
  PackedWeight packed;
  packed.format = format;
  packed.tensors = {"qweight", "qzeros", "scales", "g_idx"};
  packed.read = [linear, &layout, format] { return read_words(linear, layout, format); };
  return packed;
}

}  // namespace

std::optional<PackedWeight> gptq_weight(const PackedLinear& linear) {
  if (find_part(linear, "qweight") == nullptr) return std::nullopt;
  const int bits = linear.config.bits, per_word = 32 / bits;
  require_whole_words(linear, "qweight", "inputs", linear.columns(), bits);
  require_whole_words(linear, "qzeros", "outputs", linear.rows(), bits);
  return words_weight(linear, kGptqLayout, {linear.columns() / per_word, linear.rows()},
                      linear.rows() / per_word);
}

std::optional<PackedWeight> awq_weight(const PackedLinear& linear) {
  if (find_part(linear, "qweight") == nullptr) return std::nullopt;
  const int bits = linear.config.bits, per_word = 32 / bits;
  require_whole_words(linear, "qweight", "outputs", linear.rows(), bits);
  return words_weight(linear, kAwqLayout, {linear.columns(), linear.rows() / per_word},
                      linear.rows() / per_word);
}

}  // namespace corank
