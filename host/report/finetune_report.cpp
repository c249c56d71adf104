#include "host/report/finetune_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/report/report.h"
#include "host/report/units.h"

namespace corank {
namespace {

using OrderedJson = nlohmann::ordered_json;

/// Sum over the passes of the given parts.
std::int64_t macs_of_parts(const StepAccount& account, std::initializer_list<Part> parts) {
  std::int64_t macs = 0;
  for (const Part part : parts)
    for (const Pass pass : {Pass::kForward, Pass::kInputGradient, Pass::kWeightGradient})
      macs += macs_of(account, part, pass);
  return macs;
}

/// The groups that people compare; they add up to the total.
std::vector<std::pair<std::string, std::int64_t>> macs_by_group(const StepAccount& account) {
  return {{"forward", macs_of(account, Part::kFrozen, Pass::kForward)},
          {"input_gradient", macs_of(account, Part::kFrozen, Pass::kInputGradient)},
          {"weight_gradient", macs_of(account, Part::kFrozen, Pass::kWeightGradient)},
          {"adapter", macs_of_parts(account, {Part::kAdapterDown, Part::kAdapterUp})},
          {"attention", macs_of_parts(account, {Part::kAttention})},
          {"head", macs_of_parts(account, {Part::kHead})},
          {"recompute", macs_of(account, kRecomputed.part, kRecomputed.pass)}};
}

OrderedJson training_json(const FinetuneReport& r) {
  return {{"optimizer", r.optimizer},
          {"schedule", r.schedule},
          {"steps_before", r.steps_before},
          {"steps", r.steps},
          {"accumulate", r.accumulate},
          {"losses", r.losses},
          {"learning_rates", r.learning_rates},
          {"gradient_norms", r.gradient_norms},
          {"wall_s", r.seconds}};
}

OrderedJson evaluation_json(const FinetuneReport& r) {
  OrderedJson json = {{"steps", r.steps},
                      {"losses", r.losses},
                      {"labels", r.evaluation->labels},
                      {"loss", r.evaluation->loss}};
  if (r.evaluation->perplexity) json["perplexity"] = *r.evaluation->perplexity;
  if (r.evaluation->accuracy) json["accuracy"] = *r.evaluation->accuracy;
  json["wall_s"] = r.seconds;
  return json;
}

std::string loss_text(const FinetuneReport& r) {
  if (r.evaluation) {
    std::string text =
        fmt::format("{:.6f}, the mean over {} labels", r.evaluation->loss, r.evaluation->labels);
    if (r.evaluation->perplexity)
      text += fmt::format("; perplexity {:.4f}", *r.evaluation->perplexity);
    if (r.evaluation->accuracy)
      text += fmt::format("; accuracy {:.2f} %", 100 * *r.evaluation->accuracy);
    return text;
  }
  const auto least = std::min_element(r.losses.begin(), r.losses.end());
  return fmt::format("{:.6f} -> {:.6f}, least {:.6f} at step {}", r.losses.front(), r.losses.back(),
                     *least, least - r.losses.begin() + 1);
}

std::string bytes(std::int64_t count) { return with_unit(static_cast<double>(count), "B"); }

}  // namespace

OrderedJson to_json(const FinetuneReport& r) {
  OrderedJson json;
  json["report_version"] = kReportVersion;
  json["name"] = r.name;
  json["fidelity"] = r.fidelity;
  json["incomplete"] = r.incomplete;
  json["config"] = r.config_file;
  json["numerics"] = r.numerics;
  json["values"] = r.values;
  json["workload"] = {{"model", r.model},
                      {"model_type", r.model_type},
                      {"adapter", r.adapter},
                      {"batches", r.batches},
                      {"batch", r.batch},
                      {"sequence", r.sequence},
                      {"adapted_modules", r.adapted_modules},
                      {"recompute", name_of(r.recompute)}};
  json["notes"] = r.notes;
  if (r.evaluation) {
    json["evaluation"] = evaluation_json(r);
  } else {
    json["training"] = training_json(r);
  }
  // From the shapes alone, of one micro-batch; a step has `accumulate` of them.
  const StepAccount& a = r.account;
  OrderedJson macs;
  for (const auto& [group, count] : macs_by_group(a)) macs[group] = count;
  macs["total"] = a.total_macs;
  macs["kinds"] = OrderedJson::array();
  for (const MacsOfKind& kind : a.macs)
    macs["kinds"].push_back({{"kind", to_string(kind.kind)}, {"macs", kind.macs}});
  json["step"] = {{"trainable_elements", a.trainable_elements},
                  {"macs", macs},
                  {"bytes",
                   {{"weights", a.weight_bytes},
                    {"adapters", a.adapter_bytes},
                    {"gradients", a.gradient_bytes},
                    {"optimizer", a.optimizer_bytes},
                    {"stash_adapters", a.adapter_stash_bytes},
                    {"stash_nonlinear", a.nonlinear_stash_bytes},
                    {"stash_loss", a.loss_stash_bytes},
                    {"peak", a.peak_bytes}}}};
  if (r.without_recompute)
    json["step"]["bytes"]["without_recompute"] = {{"stash", stash_bytes_of(*r.without_recompute)},
                                                  {"peak", r.without_recompute->peak_bytes}};
  if (r.measured_peak_bytes) json["step"]["bytes"]["measured_peak"] = *r.measured_peak_bytes;
  if (r.device) json["device"] = to_json(*r.device);
  return json;
}

std::string to_table(const FinetuneReport& r) {
  std::string text;
  const auto line = [&](const std::string& what, const std::string& value) {
    text += fmt::format("  {:<26}{}\n", what, value);
  };
  text += fmt::format("{}: {} {} of {} ({}), {} steps of {}{} x {} tokens in {} ({})\n", r.name,
                      r.method, r.evaluation ? "forward passes" : "fine-tuning", r.model,
                      r.model_type, r.steps,
                      r.accumulate == 1 ? "" : fmt::format("{} micro-batches of ", r.accumulate),
                      r.batch, r.sequence, r.numerics, r.fidelity);
  if (r.incomplete)
    text += fmt::format("  INCOMPLETE: stopped after {} of {} steps\n", r.steps_before + r.steps,
                        r.steps_asked);
  if (r.steps_before > 0)
    text += fmt::format("  GOES ON after {} steps of an earlier run\n", r.steps_before);
  if (!r.values) {
    line("adapters", r.adapter);
    line("batches", r.batches + "; without values: their time alone");
  }
  line(r.evaluation ? "adapter" : "trainable",
       fmt::format("{} elements in {} adapted modules", r.account.trainable_elements,
                   r.adapted_modules));
  if (!r.losses.empty()) {
    line("loss", loss_text(r));
  }
  if (r.steps > 0 && r.seconds > 0)
    line("time of this computer", fmt::format("{:.2f} s, {:.3f} s a step", r.seconds,
                                              r.seconds / static_cast<double>(r.steps)));
  text += "\n";
  const StepAccount& a = r.account;
  for (const auto& [group, count] : macs_by_group(a)) {
    if (count == 0) continue;
    line("macs " + group,
         fmt::format("{:<14}{:5.1f} %", with_unit(static_cast<double>(count), ""),
                     100 * static_cast<double>(count) / static_cast<double>(a.total_macs)));
  }
  line("macs of a micro-batch", with_unit(static_cast<double>(a.total_macs), ""));
  text += "\n";
  line("weights", bytes(a.weight_bytes));
  line("adapters, gradients", bytes(a.adapter_bytes) + ", " + bytes(a.gradient_bytes));
  line("optimizer", bytes(a.optimizer_bytes));
  line("stash for adapters", bytes(a.adapter_stash_bytes));
  line("stash for frozen ops", bytes(a.nonlinear_stash_bytes));
  line("stash for the loss", bytes(a.loss_stash_bytes));
  line("peak", bytes(a.peak_bytes) + " by the shapes alone, with BF16 weights and activations" +
                   (r.measured_peak_bytes ? "; this run took " + bytes(*r.measured_peak_bytes)
                                          : std::string()));
  if (const auto& without = r.without_recompute)
    line(fmt::format("recompute {}", name_of(r.recompute)),
         fmt::format("stash {} in place of {}, peak {} in place of {}", bytes(stash_bytes_of(a)),
                     bytes(stash_bytes_of(*without)), bytes(a.peak_bytes),
                     bytes(without->peak_bytes)));
  if (r.device) text += "\n" + device_lines(*r.device);
  for (const std::string& note : r.notes) text += "  note: " + note + "\n";
  return text;
}

}  // namespace corank
