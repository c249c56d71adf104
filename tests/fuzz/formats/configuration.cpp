// Run configurations: any keys of the schema in the file, in files that it includes, and by --set.
#include <array>

#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {
namespace {

void draw_settings(Random& random, Settings& settings) {
  for (int left = draw::int_between(random, 0, 4); left > 0; --left) {
    const SchemaKey key = draw::one_of(random, schema_keys());
    // A device comes as a whole (memory.cpp), an item with its list.
    const bool alone =
        key.path.find('[') == std::string::npos && key.path.rfind("memory.device.", 0) != 0;
    if (alone) settings[key.path] = draw_value(random, key.type, 90);
  }
}

/// Moves some settings to the command line.
void set_some(Random& random, Settings& settings, Input& input) {
  for (auto setting = settings.begin(); setting != settings.end();) {
    if (!percent(random, 20)) {
      ++setting;
      continue;
    }
    std::string text = setting->first + "=" + setting->second;
    if (percent(random, 15)) mutate_text(random, text);
    input.arguments.insert(input.arguments.end(), {"--set", text});
    setting = settings.erase(setting);
  }
}

/// Moves some sections to files of their own.
void include_some(Random& random, Settings& settings, Input& input) {
  for (const std::string section : {"accelerator", "memory", "link", "energy", "workload.shapes"}) {
    const auto first = settings.lower_bound(section + ".");
    if (first == settings.end() || first->first.rfind(section + ".", 0) != 0) continue;
    if (!percent(random, 25)) continue;
    const std::string file = "parts/" + section + ".yaml";
    input.files[file] = to_yaml(settings, section);
    settings.erase(first, settings.lower_bound(section + "/"));  // '/' follows '.'
    settings[section] = file;
  }
}

}  // namespace

Input make_configuration(Random& random) {
  Settings settings = small_step(random);
  draw_settings(random, settings);
  Input input = run_of({});
  set_some(random, settings, input);
  include_some(random, settings, input);
  input.files["config.yaml"] = to_yaml(settings);
  if (percent(random, 50)) mutate_files(random, input, "");
  if (percent(random, 10)) input.arguments.insert(input.arguments.end(), {"--trace", "trace.json"});
  return input;
}

}  // namespace corank::fuzz
