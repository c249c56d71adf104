// What corank does with each key of a configuration that Hugging Face writes.
#pragma once

#include <string>
#include <vector>

#include "host/huggingface/json_object.h"

namespace corank {

enum class KeyUse {
  kHonoured,    // read
  kHarmless,    // whatever it says, losses and gradients are the same
  kNotApplied,  // named in a note unless it is off
  kRefused      // refused unless it is off: it would change what is computed
};

struct KnownKey {
  const char* key;
  KeyUse use;
  /// The value besides null that is off, as JSON; "": false, 0, "", [] and {}.
  const char* off = "";
};

using KnownKeys = std::vector<KnownKey>;

/// null, false, 0, "", [], {}: how "not used" is written.
bool is_off(const Json& value);

/// Throws InputError, naming the key, for one that is refused. Returns a note, naming key and
/// value, for each that is not applied.
std::vector<std::string> check_known_keys(const JsonObject& config, const KnownKeys& known);

/// The same, and one note that names the unknown keys, which transformers passes over as well.
std::vector<std::string> notes_of_keys(const JsonObject& config, const KnownKeys& known);

/// Keys that are neither known nor null.
std::vector<std::string> unknown_keys(const JsonObject& config, const KnownKeys& known);

}  // namespace corank
