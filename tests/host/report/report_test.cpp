#include "host/report/report.h"

#include <catch2/catch.hpp>

using namespace corank;
using Catch::Contains;

namespace {

RunReport small_report() {
  RunReport report;
  report.layers.push_back({4, 5, 6, false, {2.0, 2, false}, 1});
  report.comparisons.resize(2);
  report.comparisons[0].tensor = "y";
  report.comparisons[0].elements = 20;
  report.comparisons[1].tensor = "dx";
  report.comparisons[1].elements = 30;
  return report;
}

}  // namespace

TEST_CASE("a report is right if every comparison is equal and every counter as expected",
          "[report]") {
  RunReport report = small_report();
  CHECK(report.passed());
  CHECK(to_json(report)["right"] == true);
  CHECK_THAT(to_table(report), !Contains("MISMATCH"));

  report.comparisons[1].mismatches = 2;
  CHECK_FALSE(report.passed());

  report = small_report();
  report.counter_mismatches.push_back({"load_beats", 7, 8});
  CHECK_FALSE(report.passed());
  CHECK(to_json(report)["right"] == false);
}

TEST_CASE("of many layers the table sums up equal products, whatever their layers are called",
          "[report]") {
  RunReport report = small_report();
  PhaseReport phase;
  phase.cycles = 100;
  phase.macs = 50;
  phase.utilisation = 0.5;
  phase.bound = "compute";
  for (int layer = 0; layer < 8; ++layer) {
    for (const std::string name : {"self_attn.q_proj", "mlp.up_proj"}) {
      phase.product = name;
      phase.value = "model.layers." + std::to_string(layer) + "." + name;
      report.phases.push_back(phase);
    }
  }
  const std::string table = to_table(report);
  CHECK_THAT(table, Contains("  all self_attn.q_proj             800       50.0 %  compute") &&
                        Contains("  all mlp.up_proj                  800") &&
                        !Contains("model.layers"));
  CHECK(to_json(report)["phases"].size() == 16);

  report.phases.resize(12);  // few enough to be shown one by one
  CHECK_THAT(to_table(report), Contains("  model.layers.5.mlp.up_proj") && !Contains("  all "));
}

TEST_CASE("the energy of a report has a span, parts, and both of every action", "[report]") {
  RunReport report = small_report();
  report.energy_table = "a table";
  report.energy_node = "45 nm";
  const auto entry = [](const std::string& action, double low, double pj, double high) {
    return EnergyEntry{action, pj, low, high, "operation", "here", "assumed"};
  };
  report.energy = {{entry("fp32_add", 0.5, 1, 3), EnergyPart::kDynamic, 4e6},
                   {entry("flip_flop_clock", 0.01, 0.01, 0.02), EnergyPart::kClock, 1e8},
                   {entry("logic_leakage", 1, 2, 8), EnergyPart::kLeakage, 5e5}};
  report.energy_pj = sum_of(report.energy).pj;
  const auto json = to_json(report)["energy"];
  CHECK(json["total_pj"] == 6e6);                                 // 4 + 1 + 1 uJ
  CHECK(json["span_pj"] == nlohmann::ordered_json{3.5e6, 18e6});  // 2 + 1 + 0.5, 12 + 2 + 4 uJ
  CHECK(json["parts"] ==
        nlohmann::ordered_json{
            {"dynamic_pj", 4e6}, {"clock_pj", 1e6}, {"leakage_pj", 1e6}, {"standby_pj", 0.0}});
  CHECK(json["actions"][2]["part"] == "leakage");
  CHECK(json["actions"][2]["span_pj_each"] == nlohmann::ordered_json{1.0, 8.0});
  const std::string table = to_table(report);
  CHECK_THAT(table,
             Contains("6.000 uJ, 3.500 to 18.000 by the spans of the sources (a table, 45 nm)") &&
                 Contains("dynamic 4.000 uJ, clock 1.000 uJ, leakage 1.000 uJ\n"));
  CHECK_THAT(table,
             Contains("    fp32_add                       4000000 x         1 pJ =      4.000 "
                      "uJ,      2.000 to     12.000  assumed\n"));
}

TEST_CASE("without an energy table there are no parts", "[report]") {
  CHECK_THAT(to_table(small_report()), !Contains("  of it "));
}

TEST_CASE("of several steps the table and the report say whose figures they are, and the sums",
          "[report]") {
  RunReport report = small_report();
  CHECK_FALSE(to_json(report).contains("all_steps"));
  CHECK_THAT(to_table(report), !Contains(" STEPS: "));

  report.steps_asked = 3;
  report.cycles = 1000;
  StepReport step;
  step.cycles = 1000;
  step.upload_ns = 7;
  step.step_ns = 500;
  step.download_ns = 1;
  step.memory_bytes_read = 300;
  step.memory_bytes_written = 21;
  step.energy_pj = 2e6;
  step.link = {4000, 40, 5, 6, 7, 8};
  report.steps.push_back(step);
  step.cycles = 990;
  step.link.loaded = 0;
  report.steps.push_back(step);
  report.steps.push_back(step);
  const auto json = to_json(report);
  CHECK(json["latency"]["step_cycles"] == 1000);
  const auto& all = json["all_steps"];
  CHECK(all["asked"] == 3);
  CHECK(all["ended"] == 3);
  CHECK(all["cycles"] == 2980);
  CHECK(all["upload_ns"] == 21);
  CHECK(all["step_ns"] == 1500);
  CHECK(all["download_ns"] == 3);
  CHECK(all["memory_bytes_read"] == 900);
  CHECK(all["memory_bytes_written"] == 63);
  CHECK(all["energy_pj"] == 6e6);
  CHECK(all["link_bytes"] == nlohmann::ordered_json{{"loaded", 4000},
                                                    {"fed", 120},
                                                    {"programs", 15},
                                                    {"commands", 18},
                                                    {"streamed", 21},
                                                    {"asked", 24}});
  CHECK(json["steps"][1]["energy_pj"] == 2e6);
  CHECK_THAT(to_table(report),
             Contains("  3 STEPS: these are the figures of the first one; all steps, and their "
                      "sums, stand at the end; results are those of the last one\n") &&
                 Contains("\n  2                990       2.000           321             0  ") &&
                 Contains("\n  all             2980       6.000           963          4000  "));

  report.incomplete = true;
  report.steps.pop_back();
  CHECK(to_json(report)["all_steps"]["ended"] == 2);
  CHECK_THAT(to_table(report), Contains(" of step 1, in step 3 of 3; nothing was compared\n") &&
                                   Contains("\n  all             1990"));
}

TEST_CASE("a mismatch is shown with tensor, place and both values", "[report]") {
  RunReport report = small_report();
  report.comparisons[1].mismatches = 2;
  report.comparisons[1].first_mismatch = "[3, 5]: device 3f81, reference 3f80";
  report.counter_mismatches.push_back({"load_beats", 7, 8});
  CHECK_THAT(to_table(report), Contains("MISMATCH dx[3, 5]: device 3f81, reference 3f80\n") &&
                                   Contains("2 MISMATCHES") &&
                                   Contains("MISMATCH counter load_beats: device 7, by the "
                                            "commands 8\n"));
  const auto json = to_json(report);
  CHECK(json["comparisons"][1]["mismatches"] == 2);
  CHECK(json["comparisons"][1]["first_mismatch"] == "[3, 5]: device 3f81, reference 3f80");
  CHECK_FALSE(json["comparisons"][0].contains("first_mismatch"));
  CHECK(json["counter_mismatches"][0]["counter"] == "load_beats");
  CHECK(json["counter_mismatches"][0]["device"] == 7);
  CHECK(json["counter_mismatches"][0]["expected"] == 8);
}
