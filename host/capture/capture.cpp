#include "host/capture/capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>

#include "host/formats/safetensors.h"
#include "models/base/error.h"
#include "models/base/text.h"
#include "models/numerics/convert.h"

namespace corank {
namespace {

constexpr std::array kTensors = {"x",
                                 "dy",
                                 "weight",
                                 "bias",
                                 "lora_A",
                                 "lora_A.exp_avg",
                                 "lora_A.exp_avg_sq",
                                 "lora_B",
                                 "lora_B.exp_avg",
                                 "lora_B.exp_avg_sq"};

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(read_safetensors(path)) {
    for (const auto& tensor : file_.tensors) check_name(tensor.first);
    for (const auto& tensor : file_.others) check_name(tensor.first);
  }

  const Tensor& matrix(const std::string& name, bool only_f32) const {
    const Tensor& tensor = find(name);
    if (tensor.shape.size() != 2) fail(name, "a matrix (2 dimensions)", to_string(tensor.shape));
    if (tensor.rows() == 0 || tensor.columns() == 0)
      fail(name, "at least one row and one column", to_string(tensor.shape));
    check_dtype(name, tensor, only_f32);
    return tensor;
  }

  const Tensor* optional(const std::string& name) const {
    const auto other = file_.others.find(name);
    if (other != file_.others.end()) fail(name, "dtype BF16 or F32", other->second);
    const auto entry = file_.tensors.find(name);
    return entry == file_.tensors.end() ? nullptr : &entry->second;
  }

  void check_dtype(const std::string& name, const Tensor& tensor, bool only_f32) const {
    const bool right = tensor.dtype == DType::F32 || (!only_f32 && tensor.dtype == DType::BF16);
    if (!right) fail(name, only_f32 ? "dtype F32" : "dtype BF16 or F32", name_of(tensor.dtype));
  }

  void check_shape(const std::string& name, const Tensor& tensor, const Shape& expected,
                   const std::string& why) const {
    if (tensor.shape != expected)
      fail(name, fmt::format("shape {} ({})", to_string(expected), why), to_string(tensor.shape));
  }

  std::string metadata(const std::string& key, const std::string& fallback) const {
    const auto entry = file_.metadata.find(key);
    if (entry != file_.metadata.end()) return entry->second;
    if (fallback.empty())
      throw InputError(fmt::format("{}: metadata \"{}\" is missing", path_, key));
    return fallback;
  }

  double number(const std::string& key, const std::string& fallback) const {
    const std::string text = metadata(key, fallback);
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    // Numbers of tensors are FP32.
    const bool fits = std::abs(value) <= std::numeric_limits<float>::max();
    if (text.empty() || *end != '\0' || !fits) {
      throw InputError(
          fmt::format("{}: metadata \"{}\": expected a number that FP32 holds, found \"{}\"", path_,
                      key, text));
    }
    return value;
  }

  std::int64_t positive_integer(const std::string& key, const std::string& fallback) const {
    const double value = number(key, fallback);
    if (value < 1 || value > 1e15 || value != std::floor(value)) {
      throw InputError(
          fmt::format("{}: metadata \"{}\": expected a whole number of at least 1, found {}", path_,
                      key, metadata(key, fallback)));
    }
    return static_cast<std::int64_t>(value);
  }

  [[noreturn]] void fail(const std::string& name, const std::string& expected,
                         const std::string& found) const {
    throw InputError(
        fmt::format("{}: tensor \"{}\": expected {}, found {}", path_, name, expected, found));
  }

  const std::string& path() const { return path_; }

 private:
  // One that is not read would be a mistake in its name: without its moments a step is another one.
  void check_name(const std::string& name) const {
    if (std::find(kTensors.begin(), kTensors.end(), name) == kTensors.end())
      throw InputError(fmt::format("{}: unknown tensor {}; a capture has {}", path_, quote(name),
                                   fmt::join(kTensors, ", ")));
  }

  const Tensor& find(const std::string& name) const {
    const Tensor* tensor = optional(name);
    if (!tensor) throw InputError(fmt::format("{}: tensor \"{}\" is missing", path_, name));
    return *tensor;
  }

  std::string path_;
  SafetensorsFile file_;
};

}  // namespace

Capture read_capture(const std::string& path) {
  const Reader reader(path);
  Capture capture;
  const Tensor& x = reader.matrix("x", false);
  const Tensor& weight = reader.matrix("weight", false);
  const Tensor& dy = reader.matrix("dy", false);
  const Tensor& a = reader.matrix("lora_A", true);
  const Tensor& b = reader.matrix("lora_B", true);

  LinearLayer& layer = capture.layer;
  layer.tokens = x.rows();
  layer.in = x.columns();
  layer.out = weight.rows();
  const std::int64_t rank = reader.positive_integer("r", "");
  reader.check_shape("weight", weight, {layer.out, layer.in}, "columns as x");
  reader.check_shape("dy", dy, {layer.tokens, layer.out}, "rows as x, columns as weight has rows");
  reader.check_shape("lora_A", a, {rank, layer.in}, "[r, in], r from the metadata");
  reader.check_shape("lora_B", b, {layer.out, rank}, "[out, r], r from the metadata");

  layer.lora.rank = static_cast<int>(rank);
  layer.lora.alpha = reader.number("lora_alpha", "");
  const std::string stabilized = reader.metadata("use_rslora", "false");
  if (stabilized != "true" && stabilized != "false") {
    throw InputError(
        fmt::format("{}: metadata \"use_rslora\": expected \"true\" or \"false\", found \"{}\"",
                    path, stabilized));
  }
  layer.lora.rank_stabilized = stabilized == "true";
  layer.next_update = reader.positive_integer("step", "1");

  std::map<std::string, const Tensor*> given = {
      {"x", &x}, {"dy", &dy}, {"weight", &weight}, {"lora_A", &a}, {"lora_B", &b}};
  if (const Tensor* bias = reader.optional("bias")) {
    reader.check_dtype("bias", *bias, false);
    reader.check_shape("bias", *bias, {layer.out}, "[out]");
    layer.has_bias = true;
    given["bias"] = bias;
  }
  for (const std::string master : {"lora_A", "lora_B"}) {
    for (const std::string moment : {".exp_avg", ".exp_avg_sq"}) {
      const Shape& shape = given.at(master)->shape;
      if (const Tensor* found = reader.optional(master + moment)) {
        reader.check_dtype(master + moment, *found, true);
        reader.check_shape(master + moment, *found, shape, "as " + master);
        given[master + moment] = found;
      } else {
        capture.inputs[master + moment] = Tensor(DType::F32, shape);
      }
    }
  }
  for (const auto& [name, tensor] : given) {
    const bool operand = name == "x" || name == "dy" || name == "weight";
    if (operand && tensor->dtype != DType::BF16) capture.originals[name] = *tensor;
    capture.inputs[name] =
        operand ? converted(*tensor, DType::BF16) : converted(*tensor, DType::F32);
  }
  return capture;
}

}  // namespace corank
