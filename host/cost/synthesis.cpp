#include "host/cost/synthesis.h"

#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "models/base/error.h"
#include "sim/machine/build.h"
#include "sim/machine/recipe.h"
#include "sim/system/child_process.h"
#include "sim/system/installation.h"
#include "sim/system/progress_line.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPythonVariable = "CORANK_SYNTHESIS_PYTHON";
constexpr const char* kProgressVariable = "CORANK_PROGRESS";
constexpr const char* kWrongInput = "exit code 2";

// The virtual environment that scripts/setup makes, or another one that has pyosys.
std::string python() {
  if (const char* named = std::getenv(kPythonVariable); named != nullptr && named[0] != 0)
    return named;
  std::error_code ignored;
  if (fs::exists(CORANK_SYNTHESIS_PYTHON, ignored)) return CORANK_SYNTHESIS_PYTHON;
  throw InputError(std::string(CORANK_SYNTHESIS_PYTHON) +
                   ": the synthesis tools are not installed; expected what `scripts/setup cost` "
                   "makes, or " +
                   kPythonVariable + " to name a Python that has pyosys");
}

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \n") + 1);
  return text;
}

// The script says there at which stage it is; the name is in the environment of what it starts.
class StageFile {
 public:
  explicit StageFile(const fs::path& folder)
      : path_(folder / ("stage." + std::to_string(getpid()))) {
    setenv(kProgressVariable, path_.c_str(), 1);
  }
  ~StageFile() {
    unsetenv(kProgressVariable);
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  StageFile(const StageFile&) = delete;
  StageFile& operator=(const StageFile&) = delete;

  std::string stage() const {
    std::ifstream file(path_);
    std::string text;
    std::getline(file, text);
    return text.empty() ? "starting" : text;
  }

 private:
  fs::path path_;
};

[[noreturn]] void complain(const ProgramOutput& output) {
  std::string said = output.err;
  const std::size_t at = said.rfind("error: ");
  said = trimmed(at == std::string::npos ? said : said.substr(at + 7));
  if (output.failure == kWrongInput) throw InputError("cost: " + said);
  throw MachineError("the synthesis failed (" + output.failure + "): " + said);
}

}  // namespace

nlohmann::json synthesise(const MachineShape& shape, const SynthesisOptions& options) {
  const fs::path cache = fs::path(cache_root()) / "synthesis";
  std::error_code problem;
  fs::create_directories(cache, problem);
  if (problem) throw MachineError(cache.string() + ": " + problem.message());
  const fs::path script = built_or_installed(CORANK_SYNTHESIS_DIR, "synthesis") / "synthesize.py";
  std::vector<std::string> command = {python(),  script.string(), "--top",    "corank_accelerator",
                                      "--cache", cache.string(),  "--target", options.target};
  if (!options.route.empty()) command.insert(command.end(), {"--route", options.route});
  for (const MachineParameter& parameter : kMachineParameters)
    command.push_back(std::string(parameter.parameter) + "=" +
                      std::to_string(shape.*parameter.value));
  for (const std::string& file : rtl_files(read_recipe(shape, false))) command.push_back(file);
  const ProgressLine progress("synthesis of " + std::to_string(shape.array_rows) + "x" +
                                  std::to_string(shape.array_columns),
                              options.quiet, options.stop);
  const StageFile stage(cache);
  const ProgramOutput output = run_program(command, [&] { progress.show(stage.stage()); });
  if (!output.failure.empty()) complain(output);
  try {
    return nlohmann::json::parse(output.out);
  } catch (const nlohmann::json::exception&) {
    throw MachineError("the synthesis prints no result: " + trimmed(output.err));
  }
}

}  // namespace corank
