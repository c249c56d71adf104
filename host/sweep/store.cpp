#include "host/sweep/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "host/sweep/run_key.h"
#include "host/sweep/sha256.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCheckDigits = 8, kKeyDigits = 64;
constexpr std::string_view kCheckBegin = R"({"check":")", kKeyBegin = R"("key":")",
                           kFidelityBegin = R"("fidelity":)", kStatusBegin = R"("status":")",
                           kSettingsBegin = R"(,"settings":)", kSecondsBegin = R"("seconds":)",
                           kStartBegin = R"("start":)";

std::string host_name() {
  char name[256] = "host";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string random_digits() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

DesignStatus status_named(std::string_view name) {
  for (std::size_t i = 0; i < kDesignStatusNames.size(); ++i)
    if (name == kDesignStatusNames[i]) return static_cast<DesignStatus>(i);
  return DesignStatus::kOpen;
}

std::string check_of(std::string_view rest) { return sha256(rest).substr(0, kCheckDigits); }

/// What comes behind `begin` in `text`, up to `end`; nothing where there is none.
std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t from = text.find(begin);
  if (from == std::string_view::npos) return {};
  text.remove_prefix(from + begin.size());
  return text.substr(0, text.find(end));
}

/// Throws InputError for a line that has a right check and does not say what a run came to.
Outcome outcome_of(DesignStatus status, std::string_view text) {
  const nlohmann::json result =
      nlohmann::json::parse("{" + std::string(text) + "}", nullptr, false);
  const bool known = status == DesignStatus::kDone || status == DesignStatus::kInfeasible ||
                     status == DesignStatus::kFailed;
  if (!known || !result.is_object())
    throw InputError("status: expected done, infeasible or failed");
  const auto reason = result.find("reason"), figures = result.find("figures");
  if (reason == result.end() || !reason->is_string()) throw InputError("reason: expected a text");
  if (figures == result.end() || figures->is_null() != (status != DesignStatus::kDone))
    throw InputError("figures: expected those of a run that is done, and of no other one");
  Outcome outcome;
  outcome.status = status;
  outcome.reason = reason->get<std::string>();
  if (!figures->is_null()) outcome.figures = run_figures_of(*figures);
  return outcome;
}

}  // namespace

double time_of_day() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// ---- writing ----

SegmentWriter::SegmentWriter(const std::string& folder) : folder_(folder) {}

SegmentWriter::~SegmentWriter() {
  if (file_ >= 0) close(file_);
}

void SegmentWriter::open_segment() {
  const fs::path runs = fs::path(folder_) / kRunsFolder;
  path_ = (runs / fmt::format("{}-{}-{}.jsonl", host_name(), getpid(), random_digits())).string();
  file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) throw StoreError(path_ + ": cannot be written: " + std::strerror(errno));
  const int directory = open(runs.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  fsync(directory);  // that the segment has a name; its lines are what matters
  close(directory);
}

void SegmentWriter::append(const Job& job, const std::string& workload, const Outcome& outcome,
                           double seconds, double start) {
  nlohmann::ordered_json line;
  line["key"] = job.key;
  line["fidelity"] = kExactFidelity;
  line["timing"] = kTimingVersion;
  line["status"] = kDesignStatusNames.at(static_cast<std::size_t>(outcome.status));
  line["reason"] = outcome.reason;
  line["figures"] = outcome.figures ? to_json(*outcome.figures) : nlohmann::ordered_json();
  line["settings"] = job.settings;
  line["workload"] = workload;
  line["run"] = {{"host", host_name()}, {"seconds", seconds}, {"start", start}};
  const std::string rest = dumped(line).substr(1);
  const std::string text = fmt::format("{}{}\",{}\n", kCheckBegin, check_of(rest), rest);
  if (file_ < 0) open_segment();
  ssize_t written = 0;
  do written = write(file_, text.data(), text.size());
  while (written < 0 && errno == EINTR);
  // What is left of a line must be the last one of its segment.
  if (written != static_cast<ssize_t>(text.size()))
    throw StoreError(path_ + ": cannot be written: " + std::strerror(written < 0 ? errno : ENOSPC));
  if (fsync(file_) != 0)
    throw StoreError(path_ + ": cannot be kept on the disk: " + std::strerror(errno));
}

// ---- reading ----

Store::Store(const std::string& folder, double failed_before)
    : folder_((fs::path(folder) / kRunsFolder).string()), failed_before_(failed_before) {}

void Store::refresh() {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == ".jsonl") names.push_back(entry->path().filename().string());
  if (error && error != std::errc::no_such_file_or_directory)
    throw StoreError(folder_ + ": cannot be read: " + error.message());
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) read_segment(name);
}

void Store::read_segment(const std::string& name) {
  const auto entry = segments_.try_emplace(name).first;
  Segment& segment = entry->second;
  const std::string path = (fs::path(folder_) / name).string();
  struct stat state {};
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &state) != 0) {
    const std::string why = std::strerror(errno);
    if (file >= 0) close(file);
    throw StoreError(path + ": cannot be read: " + why);
  }
  const auto size = static_cast<std::size_t>(state.st_size);
  std::string text(size > segment.read ? size - segment.read : 0, '\0');
  std::size_t got = 0;
  for (ssize_t n = 1; got < text.size() && n > 0;
       got += static_cast<std::size_t>(std::max<ssize_t>(n, 0)))
    n = pread(file, text.data() + got, text.size() - got, static_cast<off_t>(segment.read + got));
  close(file);
  text.resize(got);
  if (text.find('\n') == std::string::npos) return;
  segment.texts.push_back(std::move(text));
  const std::string_view all = segment.texts.back();
  const std::size_t before = segment.lines;
  for (std::size_t begin = 0, end = 0; (end = all.find('\n', begin)) != std::string_view::npos;
       begin = end + 1) {
    const std::string_view line = all.substr(begin, end - begin);
    Line found;
    if (!parse(line, found)) {
      if (end + 1 == all.size()) break;
      throw StoreError(
          fmt::format("{}:{}: is damaged: its check does not fit", path, segment.lines + 1));
    }
    found.segment = &entry->first;
    found.number = ++segment.lines;
    segment.read += line.size() + 1;
    add(found);
  }
  if (segment.lines == before) segment.texts.pop_back();
}

bool Store::parse(std::string_view line, Line& found) const {
  const std::size_t rest_begin = kCheckBegin.size() + kCheckDigits + 2;
  const std::size_t key_begin = rest_begin + kKeyBegin.size();
  if (line.size() < key_begin + kKeyDigits || line.substr(0, kCheckBegin.size()) != kCheckBegin)
    return false;
  const std::string_view rest = line.substr(rest_begin);
  if (rest.substr(0, kKeyBegin.size()) != kKeyBegin ||
      line.substr(kCheckBegin.size(), kCheckDigits) != check_of(rest))
    return false;
  found.key = line.substr(key_begin, kKeyDigits);
  const std::size_t begin = line.find(kFidelityBegin, key_begin + kKeyDigits);
  // Quotes within a text are escaped: nothing but the key itself looks like it.
  const std::size_t end = line.find(kSettingsBegin, begin);
  if (end == std::string_view::npos) return false;
  found.result = line.substr(begin, end - begin);
  found.status = status_named(between(found.result, kStatusBegin, "\""));
  const auto number_behind = [&](std::string_view name, double& number) {
    const std::string_view text = between(line.substr(end), name, "}");
    std::from_chars(text.data(), text.data() + text.size(), number);
  };
  number_behind(kSecondsBegin, found.seconds);
  number_behind(kStartBegin, found.start);
  return true;
}

void Store::add(const Line& line) {
  if (line.status == DesignStatus::kFailed && line.start < failed_before_) return;
  seconds_.push_back(line.seconds);
  const auto [entry, is_new] = runs_.try_emplace(line.key, line);
  Line& known = entry->second;
  if (is_new || known.result == line.result) return;
  const bool known_failed = known.status == DesignStatus::kFailed;
  if (line.status == DesignStatus::kFailed) {
    // What a machine did to a run is no word against what another one found. Of two such words one
    // is kept, whatever the order in which they are read.
    if (known_failed && line.result < known.result) known = line;
    return;
  }
  if (known_failed) {
    known = line;
    return;
  }
  throw StoreError(fmt::format(
      "{}/{}:{}: contradicts {}/{}:{}, a run of the same configuration: has the model changed "
      "without its timing version, or a line?",
      folder_, *line.segment, line.number, folder_, *known.segment, known.number));
}

std::optional<Outcome> Store::find(const std::string& key) const {
  const auto entry = runs_.find(key);
  if (entry == runs_.end()) return std::nullopt;
  const Line& line = entry->second;
  try {
    return outcome_of(line.status, line.result);
  } catch (const InputError& error) {
    throw StoreError(fmt::format("{}/{}:{}: is what no run came to: {}", folder_, *line.segment,
                                 line.number, error.what()));
  }
}

double Store::usual_seconds() const {
  if (seconds_.empty()) return 0;
  std::vector<double> all = seconds_;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

}  // namespace corank
