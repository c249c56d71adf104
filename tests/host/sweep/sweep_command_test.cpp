#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/host/sweep/sweep_processes.h"

using namespace corank;
using namespace corank::test;
namespace fs = std::filesystem;

namespace {

const std::string kAll = "search: {method: all, round: 8}\n";

ProgramResult sweep(const std::string& file, const std::string& out,
                    std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"sweep", file, "--out", out});
  return test::corank(more);
}

/// The table of all designs that one worker makes, whom nobody disturbs.
const std::string& undisturbed() {
  static const std::string table = [] {
    const TemporaryFolder folder;
    const std::string out = folder.file("out");
    const ProgramResult result = sweep(write_small_sweep(folder, kAll), out, {"--workers", "1"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return csv_of(folder, out);
  }();
  return table;
}

}  // namespace

TEST_CASE("a sweep says its front, what became of the designs, and that nothing is missing") {
  const TemporaryFolder folder;
  const std::string file = write_small_sweep(folder), out = folder.file("out");
  const ProgramResult result = sweep(file, out, {"--show-commands"});
  INFO(result.out);
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK(result.err.empty());  // it is no terminal
  CHECK(result.out.find("proved: nothing is missing from this front") != std::string::npos);
  CHECK(result.out.find(" us ") != std::string::npos);
  CHECK(result.out.find(" uJ ") != std::string::npos);
  CHECK(result.out.find(" mm2 ") != std::string::npos);
  // 32 x 32 is more than the constraint allows: 4 of 36.
  CHECK(result.out.find("4 infeasible") != std::string::npos);
  CHECK(result.out.find("accelerator.array.rows * accelerator.array.columns <= 512") !=
        std::string::npos);
  CHECK(result.out.find("\ncorank run ") != std::string::npos);
  // Once more: everything is there.
  const std::size_t lines = stored_lines(out);
  CHECK(lines < 32);
  CHECK(sweep(file, out, {"--show-commands"}).out == result.out);
  CHECK(stored_lines(out) == lines);
  CHECK(test::corank({"sweep", "show", out, "--show-commands"}).out == result.out);
}

namespace {

// The figures of a design on the front, and those of the command beside it.
void check_command_of_a_row(const TemporaryFolder& folder, const std::string& file) {
  const std::string out = folder.file("out"), json = folder.file("sweep.json");
  REQUIRE(sweep(file, out).exit_code == 0);
  REQUIRE(test::corank({"sweep", "export", out, "--json", json}).exit_code == 0);
  const nlohmann::json rows = nlohmann::json::parse(content_of(json)).at("rows");
  std::size_t row = 0;
  while (!rows.at("on_front").at(row).get<bool>()) ++row;
  const std::string line = rows.at("run_line")[row].get<std::string>();
  REQUIRE(line.rfind("corank run ", 0) == 0);
  const ProgramResult run = run_program(
      "/bin/sh", {"-c", CORANK_PROGRAM + line.substr(6) + " --out '" + folder.file("run") + "'"});
  INFO(run.err);
  REQUIRE(run.exit_code == 0);
  const nlohmann::json report =
      nlohmann::json::parse(content_of(folder.file("run") + "/report.json"));
  CHECK(report.at("energy").at("total_pj").get<double>() ==
        Approx(rows.at("objectives").at("energy")[row].get<double>()).epsilon(1e-12));
}

}  // namespace

TEST_CASE("a row's command gives the row's figures") {
  const TemporaryFolder folder;
  check_command_of_a_row(folder, write_small_sweep(folder));
}

TEST_CASE("so does that of a sweep without a configuration") {
  const TemporaryFolder folder;
  check_command_of_a_row(
      folder,
      folder.write("alone.yaml",
                   "workloads:\n"
                   "  - name: layer\n"
                   "    set:\n"
                   "      workload.shapes: {tokens: 16, layers: [{in: 64, out: 64, rank: 4}]}\n"
                   "      energy: " +
                       std::string(CORANK_CONFIGS) +
                       "/energy/45nm.yaml\n"
                       "axes:\n"
                       "  accelerator.array.rows: [8, 16]\n"
                       "objectives: [time, energy]\n"));
}

TEST_CASE("whoever is killed, the table is that of one worker whom nobody disturbed") {
  const TemporaryFolder folder;
  const std::string file = write_small_sweep(folder, kAll), out = folder.file("out");
  const int kills = kills_asked_for();
  std::mt19937 random(7);
  std::size_t before = 0;
  int killed = 0, restarts = 0;
  std::vector<std::string> command = {CORANK_PROGRAM, "sweep", file, "--out", out,
                                      "--workers",    "2"};
  for (bool ended = false; !ended; ++restarts) {
    Background driver(command);
    while (killed < kills) {
      const std::size_t due = before + random() % 4;  // lines until the next kill
      wait_until([&] { return driver.ended() || stored_lines(out) >= due; });
      if (driver.ended()) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 40));
      const std::vector<pid_t> workers = children_of(driver.process());
      before = stored_lines(out);
      ++killed;
      // Of three, one is the driver.
      if (killed % 3 == 2 || workers.empty()) {
        driver.kill_with(SIGKILL);
        break;
      }
      kill(workers[random() % workers.size()], SIGKILL);
    }
    ended = driver.wait() == 0;
    REQUIRE(restarts < 2 * kills + 2);
  }
  CHECK(killed == kills);
  INFO(restarts << " restarts");
  CHECK(csv_of(folder, out) == undisturbed());
}

TEST_CASE("an interrupted sweep keeps what is finished, and goes on") {
  const TemporaryFolder folder;
  const std::string file = write_small_sweep(folder, kAll), out = folder.file("out");
  Background driver({CORANK_PROGRAM, "sweep", file, "--out", out, "--workers", "2"});
  REQUIRE(wait_until([&] { return stored_lines(out) >= 3; }));
  driver.kill_with(SIGINT);
  CHECK(driver.wait() == 128 + SIGINT);
  const std::size_t lines = stored_lines(out);
  CHECK(lines >= 3);
  CHECK(lines < 32);
  const ProgramResult shown = test::corank({"sweep", "show", out});
  CHECK(shown.exit_code == 0);
  CHECK(shown.out.find("not proved") != std::string::npos);
  CHECK(sweep(file, out).exit_code == 0);
  CHECK(stored_lines(out) == 32);
  CHECK(csv_of(folder, out) == undisturbed());
}

TEST_CASE("a command of the user's starts the workers") {
  const TemporaryFolder folder;
  const std::string file = write_small_sweep(folder, kAll), out = folder.file("out");
  const ProgramResult result = sweep(file, out,
                                     {"--on", "command", "--workers", "2", "--submit",
                                      "for i in $(seq {n}); do {worker} & done; wait"});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK(csv_of(folder, out) == undisturbed());
}

TEST_CASE("workers that never finish anything are given up, with what is missing") {
  const TemporaryFolder folder;
  const ProgramResult result =
      sweep(write_small_sweep(folder, kAll), folder.file("out"),
            {"--on", "command", "--submit", "echo no machine; false {worker}"});
  CHECK(result.exit_code == 3);
  CHECK(result.err.find("started 3 times and finished nothing; missing: design") !=
        std::string::npos);
  CHECK(content_of(folder.file("out") + "/logs/command.log").find("no machine") !=
        std::string::npos);
}

TEST_CASE("a sweep's folder is for one sweep") {
  const TemporaryFolder folder;
  const std::string file = write_small_sweep(folder), out = folder.file("out");
  REQUIRE(sweep(file, out).exit_code == 0);
  const std::size_t lines = stored_lines(out);
  std::string text = content_of(file);
  const std::string other = folder.write("other.yaml", text.replace(6, 5, "other"));
  const ProgramResult refused = sweep(other, out);
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("holds the sweep 'small', not 'other'") != std::string::npos);
  CHECK(stored_lines(out) == lines);
  folder.write("full/file", "somebody's");
  CHECK(sweep(file, folder.file("full")).exit_code == 2);
  CHECK(test::corank({"sweep", "show", folder.file("full")}).exit_code == 2);
  CHECK(test::corank({"sweep", "work", out + "/runs"}).exit_code == 2);
  CHECK(sweep(file, file).exit_code == 2);
  CHECK(sweep(folder.file("nothing"), folder.file("new")).exit_code == 2);
  CHECK_FALSE(fs::exists(folder.file("new")));
  text.replace(text.find("<= 512"), 6, "<= 0");
  CHECK(sweep(folder.write("none.yaml", text), folder.file("new")).exit_code == 2);
  CHECK_FALSE(fs::exists(folder.file("new")));
}

TEST_CASE("what is damaged beside the runs is made again, or said to be what it is") {
  const TemporaryFolder folder;
  const std::string file = write_small_sweep(folder), out = folder.file("out");
  const std::string shown = sweep(file, out).out;
  const std::string table = content_of(out + "/table.json");
  std::string wrong = table;
  wrong.replace(wrong.find("\"status\":[\""), 11, "\"status\":[7,\"");
  folder.write("out/table.json", wrong);
  CHECK(test::corank({"sweep", "show", out}).out == shown);
  wrong = table;
  wrong.replace(wrong.find("\"done\""), 6, "\"lost\"");
  folder.write("out/table.json", wrong);
  folder.write("out/bounds/z.jsonl", "{\"key\":7,\"bounds\":[]}\n{\"key\":\"a\",\"bounds\":7}\n");
  CHECK(test::corank({"sweep", "show", out}).out == shown);
  fs::rename(file, folder.file("moved.yaml"));
  fs::remove(out + "/table.json");
  const ProgramResult moved = test::corank({"sweep", "show", out});
  CHECK(moved.exit_code == 2);
  CHECK(moved.err.find("sweep.json: says that the sweep's file is '") != std::string::npos);
  folder.write("out/sweep.json", "{}");
  const ProgramResult unknown = test::corank({"sweep", "show", out});
  CHECK(unknown.exit_code == 2);
  CHECK(unknown.err.find("sweep.json: expected what corank sweep writes there") !=
        std::string::npos);
}

TEST_CASE("a file that a design names and that is not there is told with the place of the axes") {
  const TemporaryFolder folder;
  folder.write("layer.yaml",
               "workload: {shapes: {tokens: 4, layers: [{in: 8, out: 8, rank: 2}]}}\n");
  const std::string file = folder.write("s.yaml",
                                        "configuration: layer.yaml\naxes:\n  workload.state: "
                                        "[missing]\nobjectives: [time, area]\n");
  const ProgramResult result = sweep(file, folder.file("out"));
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("s.yaml:3:3: axes: design 0: ") != std::string::npos);
  CHECK(result.err.find("missing: cannot be read") != std::string::npos);
}

TEST_CASE("Ctrl-C ends a sweep while its space is gone through") {
  const TemporaryFolder folder;
  folder.write("layer.yaml",
               "workload: {shapes: {tokens: 4, layers: [{in: 8, out: 8, rank: 2}]}}\n");
  const std::string file = folder.write("large.yaml", R"(
configuration: layer.yaml
axes:
  accelerator.clock_mhz: {from: 100, to: 1099, step: 1}
  accelerator.queue_depth: {from: 1, to: 16, step: 1}
  accelerator.array.columns: {from: 1, to: 32, step: 1}
  accelerator.array.rows: [2, 4, 8, 16, 32]
objectives: [time, area]
)");
  Background driver({CORANK_PROGRAM, "sweep", file, "--out", folder.file("out")});
  std::this_thread::sleep_for(std::chrono::seconds(2));
  driver.kill_with(SIGINT);
  CHECK(wait_until([&] { return driver.ended(); }, 5));
  CHECK(driver.wait() == 128 + SIGINT);
}

TEST_CASE("an axis more leaves the runs that are there") {
  const TemporaryFolder folder;
  const std::string file = write_small_sweep(folder, kAll), out = folder.file("out");
  REQUIRE(sweep(file, out).exit_code == 0);
  REQUIRE(stored_lines(out) == 32);
  std::string text = content_of(file);
  // The configuration's own value is one of the two.
  text.insert(text.find("  memory.bandwidth"), "  accelerator.queue_depth: [4, 8]\n");
  folder.write("small.yaml", text);
  const ProgramResult result = sweep(file, out);
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK(stored_lines(out) == 64);
}

TEST_CASE("a full disk stops a sweep, which goes on when there is room") {
  const TemporaryFolder folder;
  const std::string file = write_small_sweep(folder, kAll), out = folder.file("out");
  // As many bytes as a few lines of a segment have.
  const ProgramResult full =
      run_program("/bin/sh", {"-c", "ulimit -f 12; exec " CORANK_PROGRAM " sweep " + file +
                                        " --out " + out + " --workers 1"});
  CHECK(full.exit_code == 3);
  CHECK(full.err.find("cannot be written: ") != std::string::npos);
  CHECK(stored_lines(out) > 0);
  CHECK(sweep(file, out).exit_code == 0);
  CHECK(csv_of(folder, out) == undisturbed());
}

TEST_CASE("exports have a row a design, and the same figures") {
  const TemporaryFolder folder;
  const std::string out = folder.file("out");
  REQUIRE(sweep(write_small_sweep(folder, kAll), out).exit_code == 0);
  const ProgramResult result =
      test::corank({"sweep", "export", out, "--csv", folder.file("a.csv"), "--json",
                    folder.file("a.json"), "--sqlite", folder.file("a.db")});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const nlohmann::json json = nlohmann::json::parse(content_of(folder.file("a.json")));
  CHECK(json.at("proved") == true);
  CHECK(json.at("designs") == 36);
  const std::string csv = content_of(folder.file("a.csv"));
  CHECK(static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')) ==
        json.at("rows").at("design").size() + 1);
  CHECK(csv.substr(0, csv.find('\n')).find("time_ns,energy_pj,area_mm2") != std::string::npos);
  CHECK(content_of(folder.file("a.db")).substr(0, 15) == "SQLite format 3");
  CHECK(test::corank({"sweep", "export", out}).exit_code == 2);
  const ProgramResult compared = test::corank({"sweep", "compare", out, out});
  CHECK(compared.exit_code == 0);
  CHECK(compared.out.find("  0 of ") != std::string::npos);
}
