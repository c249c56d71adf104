#include "host/huggingface/json_object.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "models/base/error.h"

namespace corank {
namespace {

// The index of the largest published models is below 10 MiB; keeps a wrong path from being read to
// its end.
constexpr std::size_t kMaxBytes = 64u << 20;
// Deeper than any configuration; the parser's callback would otherwise be the attacker's stack.
constexpr int kMaxDepth = 32;

std::string read_text_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw InputError(path + ": expected a file, found a directory");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw InputError(path + ": cannot be read: " + std::strerror(errno));
  std::string text;
  std::string block(1 << 16, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    text.append(block, 0, static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxBytes) throw InputError(path + ": is larger than 64 MiB");
  }
  return text;
}

}  // namespace

std::string excerpt(const Json& value) {
  constexpr std::size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

JsonObject::JsonObject(Json value, std::string where)
    : value_(std::move(value)), where_(std::move(where)) {
  if (!value_.is_object())
    throw InputError(where_ + ": expected a JSON object, found " + excerpt(value_));
}

bool JsonObject::has(const std::string& key) const {
  return value_.contains(key) && !value_.at(key).is_null();
}

void JsonObject::refuse(const std::string& key, const std::string& expected) const {
  throw InputError(where_ + ": '" + key + "': expected " + expected + ", found " +
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
  if (!value.is_number() || !std::isfinite(value.get<double>())) refuse(key, "a number");
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
  return {value, where_ + ": " + key};
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
  // The parser keeps one of several equal keys; a file that has them says two things.
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) throw InputError(path + ": is nested too deeply for a configuration");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw InputError(path + ": has the key " + excerpt(parsed) + " twice");
    return true;
  };
  try {
    return {Json::parse(text, watch), path};
  } catch (const Json::parse_error& error) {
    throw InputError(path + ": is not valid JSON at byte " + std::to_string(error.byte) + " of " +
                     std::to_string(text.size()));
  } catch (const Json::exception& error) {
    throw InputError(path + ": is not valid JSON: " + error.what());
  }
}

}  // namespace corank
