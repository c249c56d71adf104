#include "host/huggingface/known_keys.h"

#include <algorithm>
#include <string_view>

#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

const KnownKey* find(const KnownKeys& known, std::string_view key) {
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const KnownKey& candidate) { return candidate.key == key; });
  return found == known.end() ? nullptr : &*found;
}

bool is_off_for(const KnownKey& known, const Json& value) {
  if (std::string_view(known.off).empty()) return is_off(value);
  return value.is_null() || value == Json::parse(known.off);
}

}  // namespace

bool is_off(const Json& value) {
  return value.is_null() || value == Json(false) || (value.is_number() && value == 0) ||
         ((value.is_array() || value.is_object()) && value.empty()) || value == Json("");
}

std::vector<std::string> check_known_keys(const JsonObject& config, const KnownKeys& known) {
  std::vector<std::string> notes;
  for (const auto& [key, value] : config.json().items()) {
    const KnownKey* rule = find(known, key);
    if (rule == nullptr || is_off_for(*rule, value)) continue;
    if (rule->use == KeyUse::kRefused)
      throw InputError(config.where() + ": " + quote(key) + ": " + excerpt(value) +
                       " is not supported; expected " +
                       (*rule->off == '\0' ? "null, false" : rule->off) + " or no such key");
    if (rule->use == KeyUse::kNotApplied)
      notes.push_back(config.where() + ": " + quote(key) + ": " + excerpt(value) +
                      " is not applied");
  }
  return notes;
}

std::vector<std::string> notes_of_keys(const JsonObject& config, const KnownKeys& known) {
  std::vector<std::string> notes = check_known_keys(config, known);
  const std::vector<std::string> keys = unknown_keys(config, known);
  if (!keys.empty())
    notes.push_back(config.where() + ": unknown keys are passed over: " + quote_list(keys));
  return notes;
}

std::vector<std::string> unknown_keys(const JsonObject& config, const KnownKeys& known) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : config.json().items())
    if (find(known, key) == nullptr && !value.is_null()) keys.push_back(key);
  return keys;
}

}  // namespace corank
