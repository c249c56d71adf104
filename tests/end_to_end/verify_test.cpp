// `corank verify`: what it says of a machine that is right, of one that does not come to its end,
// and of what cannot be verified. (A wrong machine: mismatch_test.cpp.)
#include "host/verify/verify.h"

#include <catch2/catch.hpp>

#include "host/verify/comparison.h"
#include "tests/end_to_end/corank_program.h"
#include "tests/end_to_end/test_machines.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

ProgramResult run_verify(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = small_machine();
  arguments.insert(arguments.begin(), "verify");
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_corank(arguments);
}

Config small_config() {
  return load_config("", {"accelerator.array={rows: 4, columns: 4}", "accelerator.vector.lanes=4",
                          "accelerator.axi.data_bits=64"});
}

}  // namespace

TEST_CASE("the machine is right: the sum of what was compared, and exit code 0",
          "[program][long]") {
  const ProgramResult result = run_verify({"--cases", "2", "--seed", "3"});
  INFO(result.out << result.err);
  CHECK(result.exit_code == 0);
  CHECK(result.err.empty());
  CHECK_THAT(
      result.out,
      Contains("verified: 4x4, AXI 64: 2 of 2 random layers, 2 of 2 random graphs and 2 of 2 "
               "random transformers right") &&
          Contains("AXI transactions") && Contains("are ordered by tokens") &&
          !Contains("replay") && !Contains(" 0 commands"));
  // The same seed gives the same cases.
  CHECK(run_verify({"--cases", "2", "--seed", "3"}).out == result.out);
}

TEST_CASE("how many cases have DRAM, several steps and packed weights is told", "[program]") {
  VerifyResult result;
  result.kinds = CaseKinds::kGraphs;
  result.machine.axi_data_bits = 64;
  result.cases = result.graphs = 9;
  result.dram = 4;
  result.several_steps = 3;
  result.packed = 2;
  CHECK_THAT(to_text(result, ""), Contains("AXI 64: 9 of 9 random graphs right, 4 of them with "
                                           "DRAM, 3 with several steps, 2 with packed weights\n"));
}

TEST_CASE("half of the cases use the memory of the configuration", "[program][long]") {
  const auto run = [](const std::string& memory) {
    return run_verify({"--kinds", "graphs", "--cases", "4", "--set", "memory=" + memory});
  };
  const ProgramResult fast = run("{latency_ns: 5, bandwidth_gb_per_s: 64}");
  const ProgramResult slow = run("{latency_ns: 5000, bandwidth_gb_per_s: 1}");
  CHECK(fast.exit_code == 0);
  CHECK(slow.exit_code == 0);
  CHECK(slow.out != fast.out);
}

TEST_CASE("a case of several steps is compared in each of them", "[program][long]") {
  CaseSource source;
  source.machines = {small_config().machine};
  source.drams = test_cases(10000).drams;
  const std::string library = library_of(source.machines.front());
  int several = 0;
  for (int number = 0; several < 2; ++number) {
    const LayerCase layer = make_case(source, 1, number);
    if (layer.feeds.size() == 1) continue;
    ++several;
    INFO(describe(layer));
    CompiledCase compiled(layer);
    const CaseResult right = verify_case(compiled, library);
    CHECK(right.difference.empty());
    std::size_t bytes = 0;
    for (const TensorMap& results : compiled.reference)
      for (const auto& [name, tensor] : results) bytes += tensor.bytes.size();
    CHECK(right.verified.result_bytes == bytes);
    CHECK(right.verified.counters == layer.feeds.size() * interface::kCounters);

    // The reference of the last step is another one: what an error that states carry would be.
    Tensor& wrong = compiled.reference.back().begin()->second;
    wrong.bytes.front() ^= std::byte{1};
    const CaseResult found = verify_case(compiled, library);
    CHECK_THAT(found.difference,
               Contains("the RTL is not as the reference and the commands say:\nstep " +
                        std::to_string(layer.feeds.size() - 1) + ": " +
                        compiled.reference.back().begin()->first + ": 1 of "));
  }
}

TEST_CASE("a case whose tokens do not order its commands is wrong, whatever comes out",
          "[program]") {
  CaseSource source;
  source.machines = {small_config().machine};
  source.drams = test_cases(10000).drams;
  CompiledCase compiled(make_case(source, 1, 0));
  CHECK(disorder(compiled) == "");
  // The first command that waits does so no longer, nor is it told.
  std::size_t taker = 0;
  while ((compiled.step.commands[taker].words[1] & 0xffff) == 0) ++taker;
  const std::uint32_t waits = compiled.step.commands[taker].words[1] & 0xffff;
  CommandList& commands = compiled.step.commands;
  commands.change(taker, [&](CompiledCommand& command) { command.words[1] &= ~waits; });
  for (const std::int32_t giver : commands[taker].waits_for) {
    if (giver < 0) continue;
    commands.change(static_cast<std::size_t>(giver),
                    [&](CompiledCommand& command) { command.words[1] &= ~(waits << 16); });
  }
  const CaseResult result = verify_case(compiled, "no machine is asked");
  CHECK_FALSE(result.fault);
  CHECK_THAT(result.difference,
             Catch::StartsWith("the tokens do not order the commands:\ncommand ") &&
                 Contains("may be under way when command " + std::to_string(taker) + " ("));
}

TEST_CASE("layers, graphs and transformers can be verified by themselves", "[program]") {
  const ProgramResult graphs = run_verify({"--kinds", "graphs", "--cases", "3"});
  CHECK(graphs.exit_code == 0);
  CHECK_THAT(graphs.out, Contains("verified: 4x4, AXI 64: 3 of 3 random graphs right"));
  const ProgramResult layers = run_verify({"--kinds", "layers", "--cases", "3"});
  CHECK(layers.exit_code == 0);
  CHECK_THAT(layers.out, Contains("verified: 4x4, AXI 64: 3 of 3 random layers right"));
  const ProgramResult transformers = run_verify({"--kinds", "transformers", "--cases", "2"});
  CHECK(transformers.exit_code == 0);
  CHECK_THAT(transformers.out, Contains("verified: 4x4, AXI 64: 2 of 2 random transformers right"));
}

TEST_CASE("what cannot be verified is refused with exit code 2", "[program]") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> lines = {
      {{"--cases", "0"}, "--cases"},
      {{"--cases", "many"}, "--cases"},
      {{"--kinds", "trees"}, "--kinds"},
      {{"--first", "-1"}, "--first"},
      {{"--seed", "-1"}, "--seed"},
      {{"--set", "values=off"}, "values: off leaves nothing to verify"},
      {{"--set", "verification.faults.read_error=4"}, "verification.faults"},
      {{"--set", "accelerator.array.rows=0"}, "1..32"},
      {{"missing.yaml"}, "missing.yaml: cannot be read"}};
  for (const auto& [more, what] : lines) {
    INFO(Catch::StringMaker<std::vector<std::string>>::convert(more));
    const ProgramResult result = run_verify(more);
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Catch::StartsWith("corank: ") && Contains(what));
  }
}

TEST_CASE("a verification that is stopped says what it has verified", "[program][long]") {
  VerifyOptions options;
  options.cases = 1000;
  int asked = 0;
  options.stop = [&] { return ++asked > 100; };
  const VerifyResult result = verify(small_config(), options);
  CHECK(result.stopped);
  CHECK(result.failed < 0);
  CHECK(result.verified() > 0);
  CHECK(result.verified() < 100);
  CHECK(result.sum.commands > 0);
  CHECK_THAT(to_text(result, ""),
             Contains("STOPPED: 4x4, AXI 64: " + std::to_string(result.layers) + " of 1000"));
}

TEST_CASE("a case whose step does not come to its end is a fault, not a difference", "[program]") {
  CaseSource source;
  source.machines = {small_config().machine};
  source.drams = test_cases(10000).drams;
  LayerCase layer = make_case(source, 1, 0);
  layer.config.faults.read_error = 4;
  const CaseResult result = verify_case(CompiledCase(layer), library_of(layer.config.machine));
  CHECK(result.fault);
  CHECK_THAT(result.difference, Contains("the RTL did not come to its end: the device stopped"));
  CHECK(result.verified.commands == 0);
}

TEST_CASE("a case that the cycle model computes for another memory differs in its time",
          "[program]") {
  // The two sides of a comparison, from two memories: what a wrong model would look like.
  CaseSource source;
  source.machines = {small_config().machine};
  source.drams = test_cases(10000).drams;
  const LayerCase layer = make_case(source, 1, 0);
  LayerCase other = layer;
  other.config.memory.latency_ns += 1;
  other.config.memory.dram.device.timing.CL += 1;
  Comparison comparison;
  const auto run = [&](Side side, const LayerCase& drawn) {
    const EventSink tell = [&](EventKind kind, std::string line) {
      comparison.take(side, kind, std::move(line));
    };
    tell_outcome(run_case(CompiledCase(drawn), Fidelity::kCycle, "", observe(tell)), tell);
    comparison.end(side);
  };
  run(Side::kRtl, layer);
  run(Side::kCycle, other);
  CHECK_THAT(comparison.difference(),
             Contains(" differs:\n") && Contains("  rtl    ") && Contains("  cycle  "));
}
