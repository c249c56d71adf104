#include "sim/machine/recipe.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "models/base/error.h"
#include "sim/system/child_process.h"
#include "sim/system/installation.h"

namespace corank {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;
using Stage = std::function<void(const std::string&)>;

// -O2 reaches the hot code only through OPT_FAST: Verilator's makefile puts its own -Os after
// everything in -CFLAGS.
constexpr const char* kHotOptions = "-O2 -march=native -ffp-contract=off";
constexpr const char* kColdOptions = "-O1";
// Private symbols, so that machines of several shapes live in one process.
constexpr const char* kLibraryOptions = "-fPIC -fvisibility=hidden -fno-gnu-unique";
// Failed assertions and $display come to the shell instead of ending the process.
constexpr const char* kHooks =
    "-DVL_USER_STOP -DVL_USER_FINISH -DVL_USER_FATAL -DVL_PRINTF=corank_vl_printf -include "
    "corank_vl_printf.h";
constexpr const char* kHookDeclaration =
    "extern \"C\" int corank_vl_printf(const char* format, ...);\n";
// What `mac: host-float` adds. The header is included in front of the verilated code.
constexpr const char* kHostFloatMacro = "CORANK_HOST_FLOAT";
constexpr const char* kHostFloatHeader = "host_float.h";
constexpr const char* kProcesses = "2";

constexpr const char* kRtlVariable = "CORANK_RTL_DIR";
constexpr const char* kGeneratedVariable = "CORANK_GENERATED_RTL_DIR";

/// Where texts are: in a folder that a variable of the environment names, or where this program was
/// built.
struct Place {
  fs::path folder;
  const char* variable = nullptr;  // nullptr: nothing else can be named
  bool named = false;              // by the variable
};

Place place(const char* variable, const char* built, const char* installed) {
  const char* value = std::getenv(variable);
  if (value != nullptr && value[0] != 0) return {value, variable, true};
  return {built_or_installed(built, installed), variable, false};
}

Place rtl_place() { return place(kRtlVariable, CORANK_RTL_DIR, "rtl"); }
Place generated_place() {
  return place(kGeneratedVariable, CORANK_GENERATED_RTL_DIR, "rtl/interface");
}

std::string read_text(const Place& from, const std::string& name) {
  const fs::path path = from.folder / name;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (file && text) return text.str();
  const std::string why = errno != 0 ? std::strerror(errno) : "it is no file or empty";
  std::string hint;
  if (from.variable != nullptr)
    hint = from.named ? std::string("; ") + from.variable + " names its folder"
                      : std::string("; ") + from.variable + " can name another folder";
  throw MachineError(path.string() + ": cannot be read, to build the machine: " + why + hint);
}

std::string assignment(const MachineParameter& parameter, const MachineShape& shape) {
  return std::string(parameter.parameter) + "=" + std::to_string(shape.*parameter.value);
}

// What -march=native looks at.
std::string cpu_flags() {
  std::ifstream file("/proc/cpuinfo");
  std::string model;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) model = line;
    if (line.rfind("flags", 0) == 0 || line.rfind("Features", 0) == 0) return model + line;
  }
  return model;
}

void add_shape(Hash& key, const MachineShape& shape, bool waves) {
  for (const MachineParameter& parameter : kMachineParameters)
    key.add(assignment(parameter, shape));
  key.add(host_float(shape) ? kHostFloatMacro : "");
  key.add(waves ? "waves" : "");
  key.add(cpu_flags());
}

std::string end_of(const std::string& text) {
  constexpr std::size_t kShown = 2000;
  return text.size() > kShown ? "..." + text.substr(text.size() - kShown) : text;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

void write_text(const fs::path& path, const std::string& text) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush())
    throw MachineError(path.string() +
                       ": cannot be written, to build the machine: " + std::strerror(errno));
}

/// The first line that a tool prints.
std::string first_line_of(const Strings& command) {
  const ProgramOutput output = run_program(command);
  if (output.failure.empty() && !output.out.empty())
    return output.out.substr(0, output.out.find('\n'));
  std::string words = end_of(output.err + output.out);
  words.erase(words.find_last_not_of('\n') + 1);
  throw MachineError("`" + command[0] + " " + command[1] +
                     "`, needed to build the machine, fails: " +
                     (output.failure.empty() ? "it says nothing" : output.failure) +
                     (words.empty() ? "" : ": " + words));
}

/// Runs the tools one after another and keeps what they say.
class Workshop {
 public:
  Workshop(const Recipe& recipe, fs::path work, std::string log, const Stage& stage)
      : recipe_(recipe), work_(std::move(work)), log_(std::move(log)), stage_(stage) {}

  void run(const Strings& command, const std::string& stage) {
    const ProgramOutput output = run_program(command, [&] {
      if (stage_) stage_(stage);
    });
    said_ += output.out + output.err;
    if (output.failure.empty()) return;
    // As the user knows the texts.
    replace_all(said_, (work_ / "rtl").string() + "/", recipe_.rtl_folder + "/");
    std::ofstream(log_, std::ios::binary) << said_;
    throw MachineError(command[0] + " failed while the machine was built (" + output.failure +
                       "); the end of " + log_ + ":\n" + end_of(said_));
  }

 private:
  const Recipe& recipe_;
  fs::path work_;
  std::string log_;
  const Stage& stage_;
  std::string said_;
};

Strings words_of(const std::string& text) {
  std::istringstream words(text);
  Strings all;
  for (std::string word; words >> word;) all.push_back(word);
  return all;
}

}  // namespace

std::string Hash::hex() const {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value_));
  return text;
}

Recipe read_recipe(const MachineShape& shape, bool waves) {
  Recipe recipe;
  recipe.shape = shape;
  recipe.waves = waves;
  const Place rtl = rtl_place(), generated = generated_place();
  recipe.rtl_folder = rtl.folder.string();
  std::istringstream list(read_text(rtl, "files.f"));
  for (std::string line; std::getline(list, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (line.empty() || line[0] == '#') continue;
    const bool made = line == "+generated";
    const std::string name = made ? "interface_pkg.sv" : line;
    const Place& from = made ? generated : rtl;
    recipe.rtl.push_back({"rtl/" + name, read_text(from, name), (from.folder / name).string()});
  }
  const Place shell{built_or_installed(CORANK_SHELL_DIR, "machine"), nullptr, false};
  for (const char* name : {"shell.cpp", "pins.h", kHostFloatHeader})
    recipe.shell.push_back(
        {std::string("shell/") + name, read_text(shell, name), (shell.folder / name).string()});
  return recipe;
}

std::string key_of(const Recipe& recipe) {
  Hash key;
  add_shape(key, recipe.shape, recipe.waves);
  for (const auto* texts : {&recipe.rtl, &recipe.shell})
    for (const SourceText& source : *texts) key.add(source.text);
  for (const char* choice : {kHotOptions, kColdOptions, kLibraryOptions, kHooks}) key.add(choice);
  return key.hex();
}

std::vector<std::string> rtl_files(const Recipe& recipe) {
  std::vector<std::string> files;
  for (const SourceText& source : recipe.rtl) files.push_back(source.path);
  return files;
}

std::string key_of_rtl(const Recipe& recipe) {
  Hash key;
  for (const SourceText& source : recipe.rtl) key.add(source.text);
  return key.hex();
}

std::string key_without_texts(const MachineShape& shape, bool waves) {
  const Place rtl = rtl_place(), generated = generated_place();
  if (rtl.named || generated.named) return "";
  Hash key;
  add_shape(key, shape, waves);
  for (const Place& from : {rtl, generated}) key.add(from.folder.string());
  return key.hex();
}

std::string tool_versions() {
  const std::string verilator = first_line_of({"verilator", "--version"});
  return verilator + "\n" + first_line_of({"g++", "--version"});
}

fs::path compile(const Recipe& recipe, const fs::path& work, const std::string& log,
                 const Stage& stage) {
  for (const auto* texts : {&recipe.rtl, &recipe.shell})
    for (const SourceText& source : *texts) write_text(work / source.name, source.text);
  write_text(work / "corank_vl_printf.h", kHookDeclaration);
  const MachineShape& shape = recipe.shape;
  const std::string model = (work / "model").string();
  std::string flags = std::string(kLibraryOptions) + " " + kHooks + " -I" + work.string();
  if (host_float(shape))
    flags += std::string(" -D") + kHostFloatMacro + " -include " +
             (work / "shell" / kHostFloatHeader).string();
  Workshop workshop(recipe, work, log, stage);

  // Warnings are for scripts/lint; but a shape that a module refuses ($error) is no machine.
  Strings verilate = {"verilator",        "--cc",
                      "--top-module",     "corank_simulation",
                      "--prefix",         "Vcorank_accelerator",
                      "--Mdir",           model,
                      "--assert",         "-Wno-fatal",
                      "-CFLAGS",          flags,
                      "-Werror-USERERROR"};
  for (const MachineParameter& parameter : kMachineParameters)
    verilate.push_back("-G" + assignment(parameter, shape));
  if (host_float(shape)) verilate.push_back(std::string("+define+") + kHostFloatMacro);
  if (recipe.waves) verilate.push_back("--trace-fst");
  for (const SourceText& source : recipe.rtl) verilate.push_back((work / source.name).string());
  workshop.run(verilate, "verilating");

  const std::string hot = kHotOptions;
  Strings objects = {"Vcorank_accelerator__ALL.a", "verilated.o", "verilated_threads.o"};
  if (recipe.waves) objects.push_back("verilated_fst_c.o");
  Strings make = {"make",
                  "-C",
                  model,
                  "-f",
                  "Vcorank_accelerator.mk",
                  "-j",
                  kProcesses,
                  "OPT_FAST=" + hot,
                  std::string("OPT_SLOW=") + kColdOptions,
                  "OPT_GLOBAL=" + hot};
  make.insert(make.end(), objects.begin(), objects.end());
  workshop.run(make, "compiling");

  const std::string verilator_root = first_line_of({"verilator", "--getenv", "VERILATOR_ROOT"});
  fs::path library = work / "machine.so";
  Strings link = {"g++", "-std=c++17", "-shared", "-o", library.string()};
  for (const std::string& word : words_of(hot + " " + flags)) link.push_back(word);
  if (recipe.waves) link.push_back("-DCORANK_WAVES");
  for (const char* include : {"/include", "/include/vltstd"})
    link.insert(link.end(), {"-isystem", verilator_root + include});
  link.insert(link.end(), {"-I" + model, "-I" + (work / "shell").string(),
                           (work / recipe.shell.front().name).string()});
  for (const std::string& object : objects) link.push_back(model + "/" + object);
  link.push_back("-lpthread");
  if (recipe.waves) link.push_back("-lz");
  workshop.run(link, "linking");
  return library;
}

}  // namespace corank
