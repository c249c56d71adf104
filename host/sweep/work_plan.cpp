#include "host/sweep/work_plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "host/report/write_json.h"
#include "host/sweep/local_engine.h"
#include "host/sweep/store.h"
#include "models/base/error.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

fs::path plan_path(const std::string& folder) { return fs::path(folder) / "plan.json"; }

fs::path claims_path(const WorkPlan& plan) {
  return fs::path(plan.context.folder) / "claims" / std::to_string(plan.round);
}

bool make_folder(const fs::path& path) {
  if (mkdir(path.c_str(), 0777) == 0) return true;
  if (errno == EEXIST) return false;
  throw StoreError(path.string() + ": cannot be made: " + std::strerror(errno));
}

}  // namespace

void write_plan(WorkPlan plan) {
  make_folder(claims_path(plan).parent_path());
  for (plan.round = 1; !make_folder(claims_path(plan));) ++plan.round;
  nlohmann::ordered_json json;
  json["configuration"] = plan.context.configuration;
  json["workloads"] = plan.context.workloads;
  json["directory"] = plan.context.directory;
  json["failed_before"] = plan.context.failed_before;
  json["round"] = plan.round;
  json["chunk"] = plan.chunk;
  json["jobs"] = nlohmann::ordered_json::array();
  for (const Job& job : plan.jobs)
    json["jobs"].push_back({{"design", job.design},
                            {"workload", job.workload},
                            {"key", job.key},
                            {"settings", job.settings}});
  write_json(plan_path(plan.context.folder).string(), json);
}

WorkPlan read_plan(const std::string& folder) {
  const std::string path = plan_path(folder).string();
  std::ifstream file(path);
  if (!file)
    throw InputError(path + ": cannot be read: " + std::strerror(errno) +
                     "; expected the folder of a sweep that has been started");
  WorkPlan plan;
  plan.context.folder = folder;
  try {
    const nlohmann::json json = nlohmann::json::parse(file);
    json.at("configuration").get_to(plan.context.configuration);
    json.at("workloads").get_to(plan.context.workloads);
    json.at("directory").get_to(plan.context.directory);
    json.at("failed_before").get_to(plan.context.failed_before);
    json.at("round").get_to(plan.round);
    json.at("chunk").get_to(plan.chunk);
    for (const nlohmann::json& one : json.at("jobs")) {
      Job& job = plan.jobs.emplace_back();
      one.at("design").get_to(job.design);
      one.at("workload").get_to(job.workload);
      one.at("key").get_to(job.key);
      one.at("settings").get_to(job.settings);
    }
  } catch (const nlohmann::json::exception& error) {
    throw InputError(path + ": expected the plan of a sweep: " + error.what());
  }
  plan.chunk = std::max<std::size_t>(plan.chunk, 1);
  return plan;
}

bool claim(const WorkPlan& plan, std::size_t chunk) {
  return make_folder(claims_path(plan) / std::to_string(chunk));
}

void work(const std::string& folder, int workers, const std::function<bool()>& stop) {
  const std::string absolute = fs::absolute(folder).string();
  const WorkPlan plan = read_plan(absolute);
  std::error_code error;
  fs::current_path(plan.context.directory, error);
  if (error)
    throw InputError(plan.context.directory +
                     ": the folder that the sweep was started in: " + error.message());
  Store store(absolute, plan.context.failed_before);
  for (std::size_t chunk = 0; chunk * plan.chunk < plan.jobs.size() && !stop(); ++chunk) {
    if (!claim(plan, chunk)) continue;
    store.refresh();
    const auto begin = plan.jobs.begin() + static_cast<std::ptrdiff_t>(chunk * plan.chunk);
    const std::size_t left = plan.jobs.size() - chunk * plan.chunk;
    std::vector<Job> missing;
    std::copy_if(begin, begin + static_cast<std::ptrdiff_t>(std::min(plan.chunk, left)),
                 std::back_inserter(missing), [&](const Job& job) { return !store.has(job.key); });
    carry_out_locally(missing, plan.context, workers, stop, nullptr);
  }
}

}  // namespace corank
