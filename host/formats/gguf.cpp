#include "host/formats/gguf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "host/formats/input_file.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::int64_t kMostAlignment = 1 << 20;
constexpr std::size_t kLongestName = 1 << 16;
constexpr std::array<GgufType, 6> kTypes = {kGgufF32,  kGgufF16,  kGgufQ4_0,
                                            kGgufQ4_1, kGgufQ8_0, kGgufBf16};

/// Of the types that are not read those that published files have, by llama.cpp's names.
const std::map<std::uint32_t, const char*> kOtherTypes = {
    {6, "Q5_0"},   {7, "Q5_1"},    {9, "Q8_1"},   {10, "Q2_K"},    {11, "Q3_K"},   {12, "Q4_K"},
    {13, "Q5_K"},  {14, "Q6_K"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"},
    {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"}, {24, "I8"},
    {25, "I16"},   {26, "I32"},    {27, "I64"},   {28, "F64"},     {29, "IQ1_M"},  {34, "TQ1_0"},
    {35, "TQ2_0"}, {39, "MXFP4"}};

enum Kind : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
  kKinds
};
constexpr std::array<std::uint64_t, kKinds> kKindBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

/// Reads one after the other; what would be beyond the end is refused.
class GgufCursor {
 public:
  GgufCursor(const std::string& path, const MappedFile& file) : path_(path), file_(file) {}

  [[noreturn]] void refuse(const std::string& message) const {
    throw InputError(path_ + ": " + message);
  }
  template <class T>
  T number(const std::string& what) {
    T value{};
    std::memcpy(&value, take(sizeof value, what), sizeof value);
    return value;
  }
  std::string text(const std::string& what, std::size_t longest) {
    const auto size = number<std::uint64_t>(what);
    if (size > longest)
      refuse(what + ": expected a text of at most " + std::to_string(longest) + " bytes, found " +
             std::to_string(size));
    return {reinterpret_cast<const char*>(take(size, what)), size};
  }
  const std::byte* take(std::uint64_t bytes, const std::string& what) {
    if (bytes > file_.size() - at_)
      refuse(what + ": the file ends in it, at byte " + std::to_string(file_.size()));
    const std::byte* data = file_.data() + at_;
    at_ += bytes;
    return data;
  }
  std::uint64_t place() const { return at_; }

 private:
  const std::string& path_;
  const MappedFile& file_;
  std::uint64_t at_ = 0;
};

GgufValue read_value(GgufCursor& cursor, std::uint32_t kind, const std::string& what);

/// Passes over the elements.
GgufValue read_list(GgufCursor& cursor, const std::string& what) {
  const auto kind = cursor.number<std::uint32_t>(what);
  const auto count = cursor.number<std::uint64_t>(what);
  if (kind >= kKinds || kind == kArray)
    cursor.refuse(what + ": expected a list of numbers or texts, found one of type " +
                  std::to_string(kind));
  if (kind == kString) {
    for (std::uint64_t i = 0; i < count; ++i) cursor.take(cursor.number<std::uint64_t>(what), what);
  } else {
    if (count > std::numeric_limits<std::uint64_t>::max() / kKindBytes[kind])
      cursor.refuse(what + ": the file ends in it");
    cursor.take(count * kKindBytes[kind], what);
  }
  return GgufList{count};
}

GgufValue read_value(GgufCursor& cursor, std::uint32_t kind, const std::string& what) {
  const auto integer = [&](auto zero) {
    return static_cast<std::int64_t>(cursor.number<decltype(zero)>(what));
  };
  switch (kind) {
    case kU8:
      return integer(std::uint8_t{});
    case kI8:
      return integer(std::int8_t{});
    case kU16:
      return integer(std::uint16_t{});
    case kI16:
      return integer(std::int16_t{});
    case kU32:
      return integer(std::uint32_t{});
    case kI32:
      return integer(std::int32_t{});
    case kU64:
      return integer(std::uint64_t{});
    case kI64:
      return integer(std::int64_t{});
    case kF32:
      return static_cast<double>(cursor.number<float>(what));
    case kF64:
      return cursor.number<double>(what);
    case kBool:
      return cursor.number<std::uint8_t>(what) != 0;
    case kString:
      return cursor.text(what, std::numeric_limits<std::size_t>::max());
    case kArray:
      return read_list(cursor, what);
    default:
      cursor.refuse(what + ": expected a value of a type from 0 to 12, found " +
                    std::to_string(kind));
  }
}

GgufType type_of(const GgufCursor& cursor, std::uint32_t number, const std::string& what) {
  std::string names;
  for (const GgufType& type : kTypes) {
    if (type.number == number) return type;
    names += (names.empty() ? "" : ", ") + std::string(type.name);
  }
  const auto other = kOtherTypes.find(number);
  cursor.refuse(what + ": expected a type out of " + names + ", found " +
                (other != kOtherTypes.end() ? other->second : std::to_string(number)));
}

/// GGUF counts the dimensions from the one of neighbours on.
Shape read_shape(GgufCursor& cursor, const std::string& what) {
  constexpr std::uint32_t kMostDimensions = 2;
  constexpr std::uint64_t kMostElements = std::uint64_t{1} << 40;
  const auto dimensions = cursor.number<std::uint32_t>(what);
  if (dimensions < 1 || dimensions > kMostDimensions)
    cursor.refuse(what + ": expected 1 or 2 dimensions, found " + std::to_string(dimensions));
  Shape shape;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto size = cursor.number<std::uint64_t>(what);
    if (size < 1 || size > kMostElements)
      cursor.refuse(what + ": expected dimensions from 1 to 2^40, found " + std::to_string(size));
    shape.insert(shape.begin(), static_cast<std::int64_t>(size));
  }
  if (dimensions == 2 &&
      static_cast<std::uint64_t>(shape[0]) > kMostElements / static_cast<std::uint64_t>(shape[1]))
    cursor.refuse(what + ": expected at most 2^40 elements, found " + corank::to_string(shape));
  return shape;
}

struct TensorPlace {
  std::string name;
  GgufTensor tensor;
  std::uint64_t offset = 0;
};

TensorPlace read_place(GgufCursor& cursor, std::uint64_t alignment) {
  TensorPlace place;
  place.name = cursor.text("the name of a tensor", kLongestName);
  const std::string what = "tensor " + quote(place.name);
  GgufTensor& tensor = place.tensor;
  tensor.shape = read_shape(cursor, what);
  tensor.type = type_of(cursor, cursor.number<std::uint32_t>(what), what);
  place.offset = cursor.number<std::uint64_t>(what);
  if (tensor.shape.back() % tensor.type.block != 0)
    cursor.refuse(what + ": " + tensor.type.name + ": expected rows of whole blocks of " +
                  std::to_string(tensor.type.block) + ", found " + to_string(tensor.shape));
  if (place.offset % alignment != 0)
    cursor.refuse(what + ": expected an offset that is a multiple of " + std::to_string(alignment) +
                  ", found " + std::to_string(place.offset));
  tensor.bytes = static_cast<std::size_t>(element_count(tensor.shape) / tensor.type.block *
                                          tensor.type.block_bytes);
  return place;
}

}  // namespace

std::string to_string(const GgufValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value)) return short_number(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value))
    return "\"" + printable(*text, 60) + "\"";
  return "a list of " + std::to_string(std::get<GgufList>(value).count);
}

MappedGguf::MappedGguf(const std::string& path) : path_(path), file_(path) {
  GgufCursor cursor(path_, file_);
  refuse_lfs_pointer(
      path, {reinterpret_cast<const char*>(file_.data()), std::min<std::size_t>(file_.size(), 64)});
  const auto magic = cursor.number<std::uint32_t>("the magic number");
  if (magic != kMagic) cursor.refuse("expected a GGUF file, found other first bytes");
  const auto version = cursor.number<std::uint32_t>("the version");
  if (version != 2 && version != 3)
    cursor.refuse("expected version 2 or 3, little-endian, found " + std::to_string(version));
  const auto tensors = cursor.number<std::uint64_t>("the number of tensors");
  const auto keys = cursor.number<std::uint64_t>("the number of keys");
  for (std::uint64_t i = 0; i < keys; ++i) {
    const std::string key = cursor.text("the name of a key", kLongestName);
    const auto kind = cursor.number<std::uint32_t>(quote(key));
    if (!values_.emplace(key, read_value(cursor, kind, quote(key))).second)
      cursor.refuse(quote(key) + ": is there twice");
  }
  const std::string alignment_key = "general.alignment";
  std::uint64_t alignment = 32;
  if (has(alignment_key))
    alignment = static_cast<std::uint64_t>(integer(alignment_key, 1, kMostAlignment));
  std::vector<TensorPlace> places;
  for (std::uint64_t i = 0; i < tensors; ++i) places.push_back(read_place(cursor, alignment));
  const std::uint64_t begin = (cursor.place() + alignment - 1) / alignment * alignment;
  for (TensorPlace& place : places) {
    GgufTensor& tensor = place.tensor;
    if (begin > file_.size() || place.offset > file_.size() - begin ||
        tensor.bytes > file_.size() - begin - place.offset)
      cursor.refuse("tensor " + quote(place.name) + ": expected " + std::to_string(tensor.bytes) +
                    " bytes from byte " + std::to_string(place.offset) +
                    " of the tensors on, found a file of " + std::to_string(file_.size()));
    tensor.data = file_.data() + begin + place.offset;
    if (!tensors_.emplace(place.name, tensor).second)
      cursor.refuse("tensor " + quote(place.name) + " is there twice");
  }
}

const GgufValue* MappedGguf::find(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

void MappedGguf::refuse(const std::string& key, const std::string& expected) const {
  const GgufValue* value = find(key);
  throw InputError(path_ + ": " + quote(key) + ": expected " + expected + ", found " +
                   (value == nullptr ? "no such key" : to_string(*value)));
}

std::int64_t MappedGguf::integer(const std::string& key, std::int64_t least,
                                 std::int64_t most) const {
  const GgufValue* value = find(key);
  const auto* found = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
  if (found == nullptr || *found < least || *found > most)
    refuse(key, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return *found;
}

double MappedGguf::positive(const std::string& key) const {
  const GgufValue* value = find(key);
  const auto* found = value == nullptr ? nullptr : std::get_if<double>(value);
  if (found == nullptr || !(*found > 0) || !(*found <= std::numeric_limits<float>::max()))
    refuse(key, "a number above 0");
  return *found;
}

std::string MappedGguf::text(const std::string& key) const {
  const GgufValue* value = find(key);
  const auto* found = value == nullptr ? nullptr : std::get_if<std::string>(value);
  if (found == nullptr) refuse(key, "a text");
  return *found;
}

}  // namespace corank
