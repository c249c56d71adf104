// What is looked for in a JSON text before it becomes a value: faults that the parser would pass
// over (equal keys, depth), and those that it reports, with their place.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace corank {

struct JsonFault {
  enum class Kind { kSyntax, kNumber, kTwice, kDepth };
  Kind kind = Kind::kSyntax;
  std::size_t byte = 0;  // where, counted from 1; 0: unknown
  std::string key;       // the last one before it, or the one that is there twice; "": none
  std::string token;     // a number that no double holds
};

/// The first fault of a text whose objects and arrays may be nested `most_depth` deep. A text
/// without one is parsed without an error.
std::optional<JsonFault> find_json_fault(const std::string& text, int most_depth);

/// A JSON value as ASCII, short enough for a message.
template <class BasicJson>
std::string excerpt(const BasicJson& value) {
  constexpr std::size_t kLongest = 60;
  const std::string text = value.dump(-1, ' ', true, BasicJson::error_handler_t::replace);
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

}  // namespace corank
