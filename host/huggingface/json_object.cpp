#include "host/huggingface/json_object.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

#include "host/formats/input_file.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

// The index of the largest published models is below 10 MiB; keeps a wrong path from being read to
// its end.
constexpr std::size_t kMaxBytes = 64u << 20;
// Deeper than any configuration.
constexpr int kMostDepth = 32;

std::string read_text_file(const std::string& path) {
  if (input_file_size(path) > kMaxBytes) throw InputError(path + ": is larger than 64 MiB");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw InputError(path + ": cannot be read: " + std::strerror(errno));
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) throw InputError(path + ": cannot be read to its end");
  refuse_lfs_pointer(path, text);
  return text;
}

/// The place of a byte, counted from 1.
SourceLocation location_of(const std::string& path, const std::string& text, std::size_t byte) {
  SourceLocation location{path, 0, 0};
  if (byte == 0) return location;
  location.line = location.column = 1;
  for (std::size_t i = 0; i + 1 < byte && i < text.size(); ++i) {
    ++location.column;
    if (text[i] == '\n') {
      ++location.line;
      location.column = 1;
    }
  }
  return location;
}

[[noreturn]] void refuse_text(const std::string& path, const std::string& text,
                              const JsonFault& fault) {
  const SourceLocation location = location_of(path, text, fault.byte);
  switch (fault.kind) {
    case JsonFault::Kind::kNumber:
      throw InputError(location, quote(fault.key) +
                                     ": expected a number of at most 1.8e308, found " +
                                     printable(fault.token, 60));
    case JsonFault::Kind::kTwice:
      throw InputError(location, "has the key " + quote(fault.key) + " twice");
    case JsonFault::Kind::kDepth:
      throw InputError(location, "is nested too deeply for a configuration");
    case JsonFault::Kind::kSyntax:
      break;
  }
  throw InputError(location, fault.byte > text.size() ? "is not valid JSON: it ends too early"
                                                      : "is not valid JSON");
}

}  // namespace

JsonObject::JsonObject(Json value, std::string where)
    : value_(std::move(value)), where_(std::move(where)) {
  if (!value_.is_object())
    throw InputError(where_ + ": expected a JSON object, found " + excerpt(value_));
}

bool JsonObject::has(const std::string& key) const {
  return value_.contains(key) && !value_.at(key).is_null();
}

void JsonObject::refuse(const std::string& key, const std::string& expected) const {
  throw InputError(where_ + ": " + quote(key) + ": expected " + expected + ", found " +
                   (value_.contains(key) ? excerpt(value_.at(key)) : "no such key"));
}

const Json& JsonObject::at(const std::string& key, const std::string& expected) const {
  if (!value_.contains(key)) refuse(key, expected);
  return value_.at(key);
}

std::int64_t JsonObject::integer(const std::string& key, std::int64_t least,
                                 std::int64_t most) const {
  std::string expected = "an integer";
  if (least != std::numeric_limits<std::int64_t>::min())
    expected += ", at least " + std::to_string(least);
  if (most != std::numeric_limits<std::int64_t>::max())
    expected += ", at most " + std::to_string(most);
  const Json& value = at(key, expected);
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<std::uint64_t>() <=
                         static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!fits || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
    refuse(key, expected);
  return value.get<std::int64_t>();
}

double JsonObject::number(const std::string& key) const {
  const Json& value = at(key, "a number");
  // What it is multiplied with is FP32.
  if (!value.is_number() || !(std::abs(value.get<double>()) <= std::numeric_limits<float>::max()))
    refuse(key, "a number that FP32 holds");
  return value.get<double>();
}

bool JsonObject::boolean(const std::string& key) const {
  const Json& value = at(key, "true or false");
  if (!value.is_boolean()) refuse(key, "true or false");
  return value.get<bool>();
}

std::string JsonObject::text(const std::string& key) const {
  const Json& value = at(key, "a text");
  if (!value.is_string()) refuse(key, "a text");
  return value.get<std::string>();
}

std::vector<std::string> JsonObject::texts(const std::string& key) const {
  const Json& value = at(key, "a list of texts");
  if (!value.is_array()) refuse(key, "a list of texts");
  std::vector<std::string> items;
  for (const Json& item : value) {
    if (!item.is_string()) refuse(key, "a list of texts");
    items.push_back(item.get<std::string>());
  }
  return items;
}

JsonObject JsonObject::object(const std::string& key) const {
  const Json& value = at(key, "an object");
  if (!value.is_object()) refuse(key, "an object");
  return {value, where_ + ": " + printable(key, 120)};
}

std::int64_t JsonObject::integer_or(const std::string& key, std::int64_t preset,
                                    std::int64_t least) const {
  return has(key) ? integer(key, least) : preset;
}
double JsonObject::number_or(const std::string& key, double preset) const {
  return has(key) ? number(key) : preset;
}
bool JsonObject::boolean_or(const std::string& key, bool preset) const {
  return has(key) ? boolean(key) : preset;
}
std::string JsonObject::text_or(const std::string& key, const std::string& preset) const {
  return has(key) ? text(key) : preset;
}

JsonObject read_json_object(const std::string& path) {
  const std::string text = read_text_file(path);
  if (const auto fault = find_json_fault(text, kMostDepth)) refuse_text(path, text, *fault);
  return {Json::parse(text), path};
}

}  // namespace corank
