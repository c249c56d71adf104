#include "host/sweep/store.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/sweep/forked.h"
#include "host/sweep/sha256.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
namespace fs = std::filesystem;

namespace {

std::string key_of(int number) { return sha256(std::to_string(number)); }

Job job_of(int number) {
  Job job;
  job.design = static_cast<std::size_t>(number);
  job.key = key_of(number);
  job.settings = {"name=a, \"settings\":[b]"};
  return job;
}

Outcome done(std::uint64_t cycles) {
  Outcome outcome;
  outcome.figures.emplace();
  outcome.figures->cycles = cycles;
  outcome.figures->total_ns = 0.1 + static_cast<double>(cycles);
  outcome.figures->bound_by = "what is said, \"settings\": and so on";
  return outcome;
}

Outcome ended(DesignStatus status, const std::string& reason) {
  Outcome outcome;
  outcome.status = status;
  outcome.reason = reason;
  return outcome;
}

struct SweepFolder : TemporaryFolder {
  SweepFolder() { fs::create_directory(file("runs")); }
  std::string path() const { return fs::path(file("x")).parent_path().string(); }
  std::string segment() const { return fs::directory_iterator(file("runs"))->path().string(); }
};

void append(const SweepFolder& folder, int number, const Outcome& outcome) {
  SegmentWriter(folder.path()).append(job_of(number), "step", outcome, 1.5, 2e9);
}

Store read(const SweepFolder& folder) {
  Store store(folder.path());
  store.refresh();
  return store;
}

std::string complaint_of(const SweepFolder& folder) {
  return message_of<StoreError>([&] { read(folder); });
}

std::string line_of(int number) {
  const SweepFolder folder;
  append(folder, number, done(static_cast<std::uint64_t>(number)));
  return content_of(folder.segment());
}

}  // namespace

TEST_CASE("the store gives what was put in") {
  const SweepFolder folder;
  {
    SegmentWriter writer(folder.path());
    CHECK(fs::is_empty(folder.file("runs")));  // who has nothing to say makes no file
    writer.append(job_of(1), "step", done(17), 0.5, 2e9);
    writer.append(job_of(2), "step", ended(DesignStatus::kInfeasible, "no \"place\"\n"), 0.1, 2e9);
    writer.append(job_of(3), "step", ended(DesignStatus::kFailed, "signal 9"), 0.2, 2e9);
  }
  const Store store = read(folder);
  CHECK(store.size() == 3);
  CHECK(store.find(key_of(1))->figures->cycles == 17);
  CHECK(store.find(key_of(1))->figures->total_ns == 17.1);
  CHECK(store.find(key_of(1))->figures->bound_by == done(17).figures->bound_by);
  CHECK(store.find(key_of(2))->status == DesignStatus::kInfeasible);
  CHECK(store.find(key_of(2))->reason == "no \"place\"\n");
  CHECK_FALSE(store.find(key_of(2))->figures);
  CHECK(store.find(key_of(3))->status == DesignStatus::kFailed);
  CHECK_FALSE(store.find(key_of(4)));
  CHECK(store.usual_seconds() == 0.2);
}

TEST_CASE("a line of a segment is JSON whose check is of what comes behind it") {
  const std::string line = line_of(5);
  const nlohmann::json json = nlohmann::json::parse(line);
  const std::string rest = line.substr(line.find("\"key\""));
  CHECK(json.at("check") == sha256(rest.substr(0, rest.size() - 1)).substr(0, 8));
  CHECK(json.at("key") == key_of(5));
  CHECK(json.at("fidelity") == "cycle");
  CHECK(json.at("figures").at("cycles") == 5);
  CHECK(json.at("workload") == "step");
  CHECK(json.at("run").at("seconds") == 1.5);
}

TEST_CASE("a torn last line is as if it were not there, wherever it is torn") {
  const std::string first = line_of(1), second = line_of(2);
  for (const std::size_t kept :
       {std::size_t{1}, std::size_t{30}, second.size() / 2, second.size() - 2, second.size() - 1}) {
    INFO(kept);
    const SweepFolder folder;
    folder.write("runs/a.jsonl", first + second.substr(0, kept));
    folder.write("runs/b.jsonl", line_of(3));
    const Store store = read(folder);
    CHECK(store.size() == 2);
    CHECK(store.has(key_of(1)));
  }
  std::string wrong = second;
  wrong[second.find("\"cycles\":2") + 9] = '3';
  const SweepFolder folder;
  folder.write("runs/a.jsonl", first + wrong);
  CHECK(read(folder).size() == 1);
}

TEST_CASE("a damaged line that others follow is named") {
  std::string wrong = line_of(2);
  wrong[wrong.find("\"cycles\":2") + 9] = '3';
  const SweepFolder folder;
  folder.write("runs/a.jsonl", line_of(1) + wrong + line_of(3));
  CHECK(complaint_of(folder).find("runs/a.jsonl:2: is damaged") != std::string::npos);
  folder.write("runs/a.jsonl", line_of(1) + wrong + "{\"check\"");
  CHECK(complaint_of(folder).find("runs/a.jsonl:2: is damaged") != std::string::npos);
  folder.write("runs/a.jsonl", "\n" + line_of(1));
  CHECK(complaint_of(folder).find("runs/a.jsonl:1: is damaged") != std::string::npos);
}

TEST_CASE("a line with a right check that says what no run came to is named when it is asked for") {
  const auto complaint_about = [](const std::string& part, const std::string& other) {
    std::string rest = line_of(2).substr(std::string(R"({"check":"12345678",)").size());
    rest.pop_back();
    const std::size_t at = rest.find(part);
    REQUIRE(at != std::string::npos);
    rest.replace(at, part.size(), other);
    const SweepFolder folder;
    folder.write("runs/a.jsonl",
                 line_of(1) + R"({"check":")" + sha256(rest).substr(0, 8) + "\"," + rest + "\n");
    const Store store = read(folder);
    CHECK(store.find(key_of(1)));
    return message_of<StoreError>([&] { store.find(key_of(2)); });
  };
  const auto names = [](const std::string& part) {
    return Catch::Contains("runs/a.jsonl:2: is what no run came to: " + part);
  };
  CHECK_THAT(complaint_about(R"("status":"done")", R"("status":"open")"), names("status: "));
  CHECK_THAT(complaint_about(R"("status":"done")", R"("status":"failed")"), names("figures: "));
  CHECK_THAT(complaint_about(R"("reason":"")", R"("reason":7)"), names("reason: "));
  CHECK_THAT(complaint_about(R"("cycles":2)", R"("cycles":-2)"), names("figures: cycles: "));
  CHECK_THAT(complaint_about(R"("cycles":2)", R"("cycles":1e300)"), names("figures: cycles: "));
  CHECK_THAT(complaint_about(R"("cycles":2)", R"("seconds":2)"),
             names("figures: cycles: is missing"));
  CHECK_THAT(complaint_about(R"("total_ns":2.1)", R"("total_ns":-2.1)"),
             names("figures: total_ns: "));
  CHECK_THAT(complaint_about(R"("counters":[)", R"("counters":[1,)"), names("figures: counters: "));
}

TEST_CASE("a store that is looked at again has what has come since, a whole line at a time") {
  const SweepFolder folder;
  const std::string first = line_of(1), second = line_of(2);
  folder.write("runs/a.jsonl", first + second.substr(0, 100));
  Store store(folder.path());
  store.refresh();
  CHECK(store.size() == 1);
  folder.write("runs/a.jsonl", first + second);
  folder.write("runs/b.jsonl", line_of(3));
  store.refresh();
  CHECK(store.size() == 3);
  CHECK(store.find(key_of(2))->figures->cycles == 2);
}

TEST_CASE("two runs of one configuration must agree, whoever carried them out") {
  const SweepFolder folder;
  append(folder, 1, done(10));
  SegmentWriter(folder.path()).append(job_of(1), "step", done(10), 99, 3e9);
  CHECK(read(folder).size() == 1);
  append(folder, 1, done(11));
  CHECK(complaint_of(folder).find("contradicts") != std::string::npos);
}

TEST_CASE("what killed one run is no word against another one that came to its end") {
  const SweepFolder folder;
  append(folder, 1, ended(DesignStatus::kFailed, "signal 9"));
  append(folder, 1, done(10));
  append(folder, 1, ended(DesignStatus::kFailed, "out of memory"));
  CHECK(read(folder).find(key_of(1))->status == DesignStatus::kDone);
  append(folder, 2, ended(DesignStatus::kFailed, "signal 9"));
  append(folder, 2, ended(DesignStatus::kFailed, "out of memory"));
  CHECK(read(folder).find(key_of(2))->reason == "out of memory");
}

TEST_CASE("what failed is tried again on request, and counts again from then on") {
  const SweepFolder folder;
  append(folder, 1, ended(DesignStatus::kFailed, "signal 9"));  // begun at 2e9
  append(folder, 2, done(10));
  Store before(folder.path(), 2e9), later(folder.path(), 2e9 + 1);
  before.refresh();
  later.refresh();
  CHECK(before.has(key_of(1)));
  CHECK_FALSE(later.has(key_of(1)));
  CHECK(later.has(key_of(2)));
}

TEST_CASE("a full disk ends the writer, and what it had written is kept") {
  const SweepFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    SegmentWriter writer(folder.path());
    writer.append(job_of(1), "step", done(1), 1, 2e9);
    const auto size = static_cast<rlim_t>(fs::file_size(folder.segment()));
    const rlimit limit{size + size / 2, size + size / 2};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      writer.append(job_of(2), "step", done(2), 1, 2e9);
    } catch (const StoreError&) {
      _exit(0);
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  const Store store = read(folder);
  CHECK(store.size() == 1);
  CHECK(store.has(key_of(1)));
}

TEST_CASE("a folder that nobody may write to is said so") {
  const TemporaryFolder folder;  // without runs/
  SegmentWriter writer(folder.file("."));
  CHECK_THROWS_AS(writer.append(job_of(1), "step", done(1), 1, 2e9), StoreError);
}

TEST_CASE(
    "nothing that a writer had finished is lost when it is killed, and nothing else is there") {
  const SweepFolder folder;
  int files[2];
  REQUIRE(pipe(files) == 0);
  const pid_t child = fork();
  if (child == 0) {
    SegmentWriter writer(folder.path());
    for (int i = 0;; ++i) {
      writer.append(job_of(i), "step", done(static_cast<std::uint64_t>(i)), 1, 2e9);
      if (::write(files[1], &i, sizeof i) != sizeof i) _exit(1);
    }
  }
  int last = -1;
  while (last < 40) REQUIRE(::read(files[0], &last, sizeof last) == sizeof last);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(files[1]);
  while (::read(files[0], &last, sizeof last) == sizeof last) {
  }
  close(files[0]);
  const Store store = read(folder);
  CHECK(static_cast<int>(store.size()) >= last + 1);
  CHECK(static_cast<int>(store.size()) <= last + 2);
  for (int i = 0; i <= last; ++i)
    CHECK(store.find(key_of(i))->figures->cycles == static_cast<std::uint64_t>(i));
}
