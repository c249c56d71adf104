// A JSON file as Hugging Face writes its configurations, read key by key with errors that name the
// file and the key.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/formats/json_text.h"

namespace corank {

/// Keys keep the order of the file (rank_pattern depends on it).
using Json = nlohmann::ordered_json;

class JsonObject {
 public:
  /// `where` is what messages begin with: the file, and the path of keys inside it. Throws
  /// InputError if the value is no object.
  JsonObject(Json value, std::string where);

  const std::string& where() const { return where_; }
  const Json& json() const { return value_; }
  /// The key is there and not null.
  bool has(const std::string& key) const;

  // Each throws InputError for a missing (null counts as missing), mistyped or out-of-range value.
  std::int64_t integer(const std::string& key, std::int64_t least,
                       std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  double number(const std::string& key) const;
  bool boolean(const std::string& key) const;
  std::string text(const std::string& key) const;
  std::vector<std::string> texts(const std::string& key) const;  // a list of texts
  JsonObject object(const std::string& key) const;

  // The same, with what holds where the key is missing.
  std::int64_t integer_or(const std::string& key, std::int64_t preset, std::int64_t least) const;
  double number_or(const std::string& key, double preset) const;
  bool boolean_or(const std::string& key, bool preset) const;
  std::string text_or(const std::string& key, const std::string& preset) const;

  /// Throws the InputError "where: key: expected ..., found ...".
  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const;

 private:
  const Json& at(const std::string& key, const std::string& expected) const;

  Json value_;
  std::string where_;
};

/// Reads a file of at most 64 MiB that holds one object. Throws InputError: missing, unreadable, a
/// special file, a git-lfs pointer; truncated, not JSON or a number beyond a double (with line and
/// column); duplicate keys; not an object.
JsonObject read_json_object(const std::string& path);

}  // namespace corank
