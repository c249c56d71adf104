// What `corank verify` and `corank machine` take. No machine is built: that takes too long for a
// fuzzer, so the environment hides the tools, and a right input ends where they are looked for.
#include <array>

#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {

Input make_verification(Random& random) {
  Settings settings;
  for (int left = draw::int_between(random, 0, 4); left > 0; --left) {
    const SchemaKey key = draw::one_of(random, schema_keys());
    if (key.path.find('[') == std::string::npos)
      settings[key.path] = draw_value(random, key.type, 95);
  }
  Input input;
  input.environment = {{"PATH", ""}, {"CORANK_CACHE", "cache"}};
  input.arguments = {percent(random, 80) ? "verify" : "machine"};
  input.files["config.yaml"] = "name: a\n" + to_yaml(settings);
  input.arguments.emplace_back("config.yaml");
  if (percent(random, 40)) mutate_files(random, input, "");
  constexpr std::array kOptions = {"--cases", "--seed", "--first"};
  for (const char* option : kOptions)
    if (input.arguments[0] == "verify" && percent(random, 15))
      input.arguments.insert(input.arguments.end(), {option, odd_scalar(random)});
  return input;
}

}  // namespace corank::fuzz
