// Faults around the program: streams that cannot be written, paths that lead elsewhere, signals,
// limits. Every run is short: the cycle model, a small layer.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "tests/end_to_end/corank_program.h"
#include "tests/host/capture/small_capture.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

ProgramResult shell(const std::string& script) {
  return run_program("/bin/sh", {"-c", script}, {{"corank", CORANK_PROGRAM}});
}

/// A folder with a.yaml, which runs a small layer.
class Place {
 public:
  Place() {
    folder_.write("a.yaml",
                  "name: small\n"
                  "accelerator:\n"
                  "  array: {rows: 4, columns: 4}\n"
                  "  vector: {lanes: 4}\n"
                  "  axi: {data_bits: 64}\n"
                  "memory: memory.yaml\n"
                  "workload: {capture: layer.safetensors}\n");
    folder_.write("memory.yaml", "size_mib: 4\n");
    write_safetensors(file("layer.safetensors"), small_capture());
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  std::string write(const std::string& name, const std::string& text) const {
    return folder_.write(name, text);
  }
  std::size_t entries() const { return folder_.entries(); }
  /// `corank run a.yaml --fidelity cycle MORE`, as a shell takes it, in the folder.
  ProgramResult run(const std::string& more, const std::string& before = "") const {
    return shell("cd '" + file("") + "'; " + before + " \"$corank\" run a.yaml --fidelity cycle " +
                 more);
  }

 private:
  TemporaryFolder folder_;
};

/// Sends the signal to a run of corank as soon as `ready` says so.
template <class Ready>
ProgramResult interrupt(const std::vector<std::string>& arguments, int signal_number,
                        const Ready& ready) {
  const TemporaryFolder folder;
  const std::string out = folder.write("out", ""), err = folder.write("err", "");
  std::vector<char*> words = {const_cast<char*>(CORANK_PROGRAM)};
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(open(out.c_str(), O_WRONLY), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY), STDERR_FILENO);
    execv(words[0], words.data());
    _exit(127);
  }
  int status = 0;
  bool sent = false;
  for (int i = 0; waitpid(child, &status, WNOHANG) == 0; ++i) {
    if (!sent && ready()) {
      kill(child, signal_number);
      sent = true;
    }
    if (i > 12000) kill(child, SIGKILL);  // two minutes
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ProgramResult result;
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  result.out = content_of(out);
  result.err = content_of(err);
  return result;
}

}  // namespace

TEST_CASE("an error that cannot be told still has its exit code", "[program]") {
  for (const char* where : {"2>/dev/full", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"}) {
    INFO(where);
    CHECK(shell(std::string("\"$corank\" run /nowhere.yaml ") + where).exit_code == 2);
    CHECK(shell(std::string("\"$corank\" --dance ") + where).exit_code == 2);
  }
}

TEST_CASE("an output that is full is no success; one that nobody wants is", "[program]") {
  const Place place;
  for (const char* words : {"schema", "--help", "run --help", "run a.yaml --fidelity cycle"}) {
    INFO(words);
    const std::string command = "cd '" + place.file("") + "' && \"$corank\" " + words;
    const ProgramResult full = shell(command + " >/dev/full");
    CHECK(full.exit_code == 3);
    CHECK(full.err == "corank: the standard output cannot be written: No space left on device\n");
    CHECK(shell(command + " >/dev/full 2>/dev/full").exit_code == 3);
    CHECK(shell(command + " >&-").exit_code == 0);
    const ProgramResult gone =
        shell("{ " + command + "; echo $? > '" + place.file("code") + "'; } | true");
    CHECK(gone.err.empty());
    CHECK(content_of(place.file("code")) == "0\n");
  }
}

TEST_CASE("a closed stream does not become an output file", "[program]") {
  const Place place;
  CHECK(place.run("--out out --trace step.json >&-").exit_code == 0);
  CHECK(report_in(place.file("out"))["right"] == true);
  CHECK(nlohmann::json::parse(content_of(place.file("step.json"))).contains("traceEvents"));
}

TEST_CASE("a trace goes through a pipe and a symbolic link, and to the standard output",
          "[program]") {
  const Place place;
  REQUIRE(place.run("--trace right.json").exit_code == 0);
  const std::string right = content_of(place.file("right.json"));
  REQUIRE(!right.empty());
  REQUIRE(mkfifo(place.file("pipe").c_str(), 0600) == 0);
  CHECK(place.run("--trace pipe >out 2>&1 & cat pipe; wait").out == right);
  CHECK(fs::is_fifo(place.file("pipe")));
  fs::create_symlink("target", place.file("link"));
  CHECK(place.run("--trace link").exit_code == 0);
  CHECK(fs::is_symlink(place.file("link")));
  CHECK(content_of(place.file("target")) == right);
  CHECK(place.run("--trace /dev/null").exit_code == 0);
  CHECK(fs::is_character_file("/dev/null"));
  CHECK(place.run("--trace /dev/stdout").out.substr(0, right.size()) == right);
}

TEST_CASE("an input is never written over", "[program]") {
  const Place place;
  for (const std::string input : {"a.yaml", "memory.yaml", "layer.safetensors"}) {
    const std::string before = content_of(place.file(input));
    fs::remove(place.file("link"));
    fs::create_symlink(input, place.file("link"));
    for (const std::string& output : {input, std::string("link")}) {
      INFO(input << " by " << output);
      const ProgramResult result = place.run("--trace " + output);
      CHECK(result.exit_code == 2);
      CHECK_THAT(result.err, Contains("--trace " + output + ": would be written over ") &&
                                 Contains(input) && Contains("which this run reads"));
    }
    CHECK(content_of(place.file(input)) == before);
  }
  // Nor does one output take the place of another.
  CHECK_THAT(place.run("--out out --trace out/report.json").err,
             Contains("--trace out/report.json: would be written over out/report.json"));
  CHECK_FALSE(fs::exists(place.file("out")));
}

TEST_CASE("what is wrong with an output is found before the work", "[program]") {
  const Place place;
  // The work would end with a fault of the device.
  const auto refusal = [&](const std::string& more) {
    const ProgramResult result =
        place.run("--set verification.faults.read_error=1 --out out " + more);
    CHECK(result.exit_code == 2);
    CHECK_FALSE(fs::exists(place.file("out")));
    return result.err;
  };
  CHECK(refusal("--trace missing/step.json") ==
        "corank: --trace missing/step.json: cannot be written: No such file or directory\n");
  CHECK(refusal("--trace .") == "corank: --trace .: cannot be written: . is a folder\n");
  CHECK_THAT(refusal("--trace ''"), Contains("--trace: expected a path"));
  place.write("energy.yaml",
              "name: short\nactions:\n  - {action: dram_byte, pj: 1, unit: byte, source: s, "
              "quality: assumed}\n");
  CHECK(refusal("--set energy=energy.yaml") ==
        "corank: energy.yaml:3:3: energy table \"short\": no entry for the action "
        "\"accumulator_read_byte\"\n");
  // With a fault that nothing finds before it, nothing is left either.
  const std::size_t before = place.entries();
  CHECK(place.run("--set verification.faults.read_error=1 --out out --trace step.json").exit_code ==
        3);
  CHECK(place.entries() == before);
}

TEST_CASE("no option is ignored without a word", "[program]") {
  const Place place;
  const auto refusal = [&](const std::string& arguments) {
    const ProgramResult result =
        shell("cd '" + place.file("") + "' && \"$corank\" run a.yaml --fidelity " + arguments);
    INFO(arguments);
    CHECK(result.exit_code == 2);
    return result.err;
  };
  CHECK_THAT(refusal("both --out out"), Contains("--out: --fidelity both compares"));
  CHECK_THAT(refusal("both --trace t"), Contains("--trace: --fidelity both compares"));
  CHECK_THAT(refusal("both --set workload.layers=repeated"),
             Contains("workload.layers: repeated needs --fidelity cycle"));
  CHECK_THAT(refusal("reference --trace t"), Contains("--trace: the reference has no cycles"));
  CHECK_THAT(refusal("cycle --waves w"), Contains("--waves: the cycle model has no signals"));
  CHECK_THAT(refusal("cycle --set output.gradients=true"), Contains("output.gradients"));
  CHECK_THAT(refusal("cycle --set workload.recompute=layers"),
             Contains("workload.recompute: found layers"));
  CHECK_THAT(refusal("cycle --set workload.lora_fa=true"),
             Contains("workload.lora_fa: found true"));
  CHECK_THAT(refusal("cycle --set 'workload.optimizer.lora_plus={ratio: 4}'"),
             Contains("workload.optimizer.lora_plus.ratio: found 4"));
  CHECK_THAT(refusal("cycle --set output.logits=true"), Contains("output.logits"));
  CHECK_THAT(refusal("rtl --waves /dev/null"), Contains("--waves /dev/null: expected a regular"));
}

TEST_CASE("runs at once into one folder all succeed", "[program]") {
  const Place place;
  const ProgramResult result = shell("cd '" + place.file("") +
                                     "' && for n in 1 2 3 4; do (for m in 1 2 3 4 5; do "
                                     "\"$corank\" run a.yaml --fidelity cycle --out out >/dev/null "
                                     "|| echo FAILED; done) & done; wait");
  CHECK(result.out == "");
  CHECK(result.err == "");
  CHECK(report_in(place.file("out"))["right"] == true);
  CHECK(std::distance(fs::directory_iterator(place.file("out")), {}) == 3);
}

TEST_CASE("a limit to the size of files is an error of the file, and leaves no part of it",
          "[program]") {
  const Place place;
  const std::size_t before = place.entries();
  const ProgramResult trace = place.run("--trace step.json", "ulimit -f 2 &&");
  CHECK(trace.exit_code == 3);
  CHECK(trace.err == "corank: --trace step.json: cannot be written: File too large\n");
  CHECK(place.entries() == before);
  CHECK(shell("ulimit -f 1 && \"$corank\" schema > '" + place.file("schema") + "'").exit_code == 3);
}

#if !defined(__SANITIZE_ADDRESS__)  // which needs terabytes of addresses for itself
TEST_CASE("a limit to memory is said in plain words", "[program]") {
  const Place place;
  for (int kib = 18000; kib <= 40000; kib += 500) {  // below them the libraries are not loaded
    const ProgramResult result = place.run("", "ulimit -v " + std::to_string(kib) + " &&");
    INFO(kib << ": " << result.err);
    CHECK((result.exit_code == 3 || result.exit_code == 0 || result.exit_code == 127));
    if (result.exit_code == 3) CHECK(result.err == "corank: out of memory\n");
  }
}
#endif

TEST_CASE("a DRAM of less than a MiB is told in bytes", "[program]") {
  const Place place;
  const ProgramResult result =
      place.run("--set memory=" CORANK_SOURCE
                "/configs/memory/lpddr4-3200.yaml --set memory.device.organisation.rows=1");
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err,
             Contains("memory.size_mib gives 65536 bytes"));  // 4 channels, 8 banks, 2 KiB
}

TEST_CASE("what the configuration lacks is said with its place", "[program]") {
  const Place place;
  place.write("a.yaml", "name: x\nworkload:\n  seed: 3\n");
  CHECK_THAT(place.run("").err,
             Catch::StartsWith("corank: a.yaml:3:3: workload.capture is missing"));
  place.write("a.yaml", "# nothing\nname: x\n");
  CHECK_THAT(place.run("").err,
             Catch::StartsWith("corank: a.yaml:2:1: workload.capture is missing"));
}

TEST_CASE("Ctrl-C while a machine is built ends the tools, with one line and 130", "[program]") {
  const TemporaryFolder folder;
  const auto script = [&](const std::string& name, const std::string& text) {
    chmod(folder.write("bin/" + name, "#!/bin/sh\n" + text + "\n").c_str(), 0755);
  };
  const std::string number = folder.file("number");
  script("verilator",
         "case $1 in --version) echo Verilator 1.0; exit;; esac\nsleep 60 &\necho $! > " + number +
             "\nwait");
  script("g++", "echo g++ 1.0");
  setenv("PATH", (folder.file("bin") + ":" + std::getenv("PATH")).c_str(), 1);
  setenv("CORANK_CACHE", folder.file("cache").c_str(), 1);
  std::vector<std::vector<std::string>> commands = {
      {"machine", kQuickstart},
      {"run", kQuickstart, "--out", folder.file("out")},
      {"run", kQuickstart, "--fidelity", "both"},
      {"verify"}};
  for (const auto& command : commands) {
    INFO(Catch::StringMaker<std::vector<std::string>>::convert(command));
    fs::remove(number);
    const ProgramResult result =
        interrupt(command, SIGINT, [&] { return !content_of(number).empty(); });
    CHECK(result.exit_code == 130);
    CHECK(result.out == "");
    CHECK(result.err == "corank: interrupted\n");
    const std::string state = "/proc/" + std::to_string(std::stoi(content_of(number))) + "/stat";
    for (int i = 0; i < 500 && fs::exists(state); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK((!fs::exists(state) || content_of(state).find(") Z") != std::string::npos));
    CHECK_FALSE(fs::exists(folder.file("out")));
  }
  unsetenv("CORANK_CACHE");
  setenv("PATH", std::string(std::getenv("PATH")).substr(folder.file("bin").size() + 1).c_str(), 1);
}

TEST_CASE("a signal ends a run at any time, and no temporary file stays", "[program]") {
  const Place place;
  const std::string layers =
      "workload={shapes: {tokens: 512, layers: [{in: 512, out: 512, rank: 8, repeat: 8}]}}";
  const auto temporaries = [&] {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(place.file("")))
      count += entry.path().filename().string().rfind(".corank-", 0) == 0;
    return count;
  };
  for (const int signal_number : {SIGINT, SIGTERM}) {
    const ProgramResult result =
        interrupt({"run", place.file("a.yaml"), "--fidelity", "cycle", "--set", layers, "--set",
                   "values=off", "--set", "memory.size_mib=1024", "--trace", place.file("t.json")},
                  signal_number, [&] { return temporaries() > 0; });
    INFO(result.out << result.err);
    CHECK(result.exit_code == 128 + signal_number);
    CHECK(temporaries() == 0);
  }
}

TEST_CASE("Ctrl-C before a step begins ends the run at once, and no folder stays", "[program]") {
  const Place place;
  // 4 MiB, a byte a packet: the upload takes seconds.
  const ProgramResult result =
      interrupt({"run", place.file("a.yaml"), "--fidelity", "cycle", "--set",
                 "workload={shapes: {tokens: 16, layers: [{in: 1024, out: 1024, rank: 8}]}}",
                 "--set", "values=off", "--set", "memory.size_mib=64", "--set",
                 "link.payload_bytes=1", "--out", place.file("new/deep")},
                SIGINT, [&] { return fs::exists(place.file("new/deep")); });
  CHECK(result.exit_code == 130);
  CHECK(result.out == "");
  CHECK(result.err == "corank: interrupted\n");
  CHECK_FALSE(fs::exists(place.file("new")));
}

TEST_CASE("a link on which the step would take longer than can be simulated is refused",
          "[program]") {
  const Place place;
  const ProgramResult result = place.run(
      "--set 'link={bandwidth_gb_per_s: 1e-3, payload_bytes: 1, overhead_bytes: 65536}' --set "
      "'workload={shapes: {tokens: 16, layers: [{in: 512, out: 512, rank: 8}]}}' --set values=off");
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err, Contains("link: the step's transfers take ") &&
                             Contains(" s; expected at most 9000 s, which can be simulated"));
}

TEST_CASE("what a command line says is quoted in a line of bounded length", "[program]") {
  const std::string hostile = "7\x1b[31m\n" + std::string(100'000, 'x');
  for (const std::string option : {"--cases", "--first", "--seed"}) {
    const ProgramResult result = run_program(CORANK_PROGRAM, {"verify", option, hostile});
    INFO(result.err);
    CHECK(result.exit_code == 2);
    CHECK(result.err.size() < 2000);
    CHECK(result.err.find('\x1b') == std::string::npos);
    CHECK(result.err.find('\n') == result.err.size() - 1);
  }
  CHECK(run_program(CORANK_PROGRAM, {hostile}).err.size() < 2000);
}
