// A fuzzer that notices nothing passes every test: what each promise is worth, with a run that
// breaks it.
#include <catch2/catch.hpp>

#include "tests/fuzz/format.h"
#include "tests/fuzz/promises.h"
#include "tests/fuzz/run_input.h"
#include "tests/fuzz/schema_values.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::fuzz;
using Catch::Contains;

namespace {

const Input kInput = {{"run", "config.yaml", "--out", "out"}, {{"config.yaml", "name: a\n"}}, {}};

Outcome ended(int exit_code, const std::string& out, const std::string& err) {
  Outcome outcome;
  outcome.exit_code = exit_code;
  outcome.out = out;
  outcome.err = err;
  return outcome;
}

std::string broken_by_message(const std::string& err) {
  return broken_promise(kInput, ended(2, "", err));
}

const std::string kRefusal = "corank: config.yaml:1:1: expected a mapping, found 'a'\n";

}  // namespace

TEST_CASE("a refusal in one line that names the file keeps the promises", "[fuzz]") {
  CHECK(broken_by_message(kRefusal).empty());
  CHECK(broken_by_message("corank: --set a: expected path.to.key=value\n").empty());
}

TEST_CASE("a message that no user can use is noticed", "[fuzz]") {
  CHECK_THAT(broken_by_message(""), Contains("no line of corank's"));
  CHECK_THAT(broken_by_message(kRefusal + kRefusal), Contains("more than one line"));
  CHECK_THAT(broken_by_message("corank: expected a mapping, found 'a'\n"),
             Contains("names nothing"));
  CHECK_THAT(broken_by_message("corank: config.yaml: " + std::string(2000, 'x') + "\n"),
             Contains("a message of 2022 bytes"));
  CHECK_THAT(broken_by_message("corank: config.yaml: found '\x1B[31m'\n"), Contains("control"));
  CHECK_THAT(broken_by_message("corank: config.yaml: found '\xFF'\n"), Contains("not UTF-8"));
  CHECK_THAT(broken_by_message("corank: config.yaml: [json.exception.parse_error.101]\n"),
             Contains("a library's text"));
}

TEST_CASE("what a refused run leaves behind is noticed", "[fuzz]") {
  Outcome outcome = ended(2, "", kRefusal);
  outcome.left = {"out/report.json.tmp"};
  CHECK_THAT(broken_promise(kInput, outcome), Contains("left behind: out/report.json.tmp"));
  CHECK_THAT(broken_promise(kInput, ended(2, "latency", kRefusal)), Contains("output of a run"));
}

TEST_CASE("signals, mismatches, faults, time and memory are noticed", "[fuzz]") {
  Outcome outcome = ended(-1, "", "");
  outcome.signal = 11;
  CHECK_THAT(broken_promise(kInput, outcome), Contains("ended by signal 11"));
  CHECK_THAT(broken_promise(kInput, ended(1, "report", "")), Contains("a mismatch"));
  CHECK_THAT(broken_promise(kInput, ended(3, "", "corank: the device stopped\n")),
             Contains("a fault of the machine"));
  CHECK_THAT(broken_promise(kInput, ended(130, "report", "")), Contains("interrupted by nobody"));
  CHECK_THAT(broken_promise(kInput, ended(134, "", "")), Contains("exit code 134"));
  outcome = ended(0, "report", "");
  CHECK(broken_promise(kInput, outcome).empty());
  outcome.seconds = 21;
  CHECK_THAT(broken_promise(kInput, outcome), Contains("too slow"));
  outcome.seconds = 1;
  outcome.peak_mib = 2049;
  CHECK_THAT(broken_promise(kInput, outcome), Contains("too much memory"));
}

TEST_CASE("a fault that the input asks for is none", "[fuzz]") {
  Input input = kInput;
  input.arguments.insert(input.arguments.end(), {"--set", "verification.faults.read_error=1"});
  CHECK(broken_promise(input, ended(3, "", "corank: the device stopped: load_error\n")).empty());
  CHECK_FALSE(broken_promise(input, ended(3, "", "corank: out of memory\n")).empty());
}

TEST_CASE("a damaged segment of a sweep may be blamed by its line, and its bounds may stay",
          "[fuzz]") {
  Input input = {{"sweep", "show", "out"}, {{"out/runs/a.jsonl", "x\n"}}, {}};
  const std::string blame = "corank: /tmp/out/runs/a.jsonl:1: is damaged: its check does not fit\n";
  Outcome outcome = ended(3, "", blame);
  outcome.left = {"out/bounds", "out/bounds/1.jsonl"};
  CHECK(broken_promise(input, outcome).empty());
  outcome.left.emplace_back("out/table.json.tmp");
  CHECK_THAT(broken_promise(input, outcome), Contains("left behind: out/table.json.tmp"));
  CHECK_FALSE(broken_promise(input, ended(3, "", "corank: out of memory\n")).empty());
  CHECK_FALSE(broken_promise(input, ended(3, "", blame + blame)).empty());
}

TEST_CASE("the program itself is run in the input's folder", "[fuzz]") {
  const TemporaryFolder folder;
  const Input schema = {{"schema"}, {}, {}};
  write_files(schema, folder.file("schema"));
  const Outcome right = run_input(schema, folder.file("schema"));
  CHECK(right.exit_code == 0);
  CHECK_THAT(right.out, Contains("accelerator.array.rows: integer, 1..32"));

  write_files(kInput, folder.file("wrong"));
  const Outcome wrong = run_input(kInput, folder.file("wrong"));
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.err, Contains("config.yaml"));
  CHECK(wrong.left.empty());
}

TEST_CASE("one seed gives one input of each format", "[fuzz]") {
  for (const Format& format : kFormats) {
    Random one(7), again(7), other(8);
    const Input first = format.make(one), second = format.make(again), third = format.make(other);
    INFO(format.name);
    CHECK(first.files == second.files);
    CHECK(first.arguments == second.arguments);
    CHECK_FALSE((first.files == third.files && first.arguments == third.arguments));
  }
}

TEST_CASE("settings become the mappings of a file", "[fuzz]") {
  CHECK(to_yaml({{"a.b.c", "1"}, {"a.b.d", "2"}, {"a.e", "3"}, {"f.b.c", "4"}}) ==
        "a:\n  b:\n    c: 1\n    d: 2\n  e: 3\nf:\n  b:\n    c: 4\n");
  CHECK(to_yaml({{"a.b.c", "1"}, {"d", "2"}}, "a") == "b:\n  c: 1\n");
}
