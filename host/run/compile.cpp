#include "host/run/compile.h"

#include <fmt/format.h>

#include "host/run/prepare_finetune.h"
#include "host/run/simulate.h"
#include "models/graph/graph_text.h"

namespace corank {
namespace {

std::string text_of_commands(const CompiledStep& step, const Graph& graph) {
  std::string text;
  for (std::size_t i = 0; i < step.commands.size(); ++i) {
    std::string waits;
    for (const std::int32_t command : step.commands[i].waits_for) {
      if (command >= 0)
        waits += fmt::format("{}{}", waits.empty() ? ", waits for " : ", ", command);
    }
    text += describe_command(step, graph, i) + waits + "\n";
  }
  return text;
}

std::string text_of(const PreparedProgram& prepared, CompilerOutput output) {
  switch (output) {
    case CompilerOutput::kGraph:
      return to_text(prepared.program.graph);
    case CompilerOutput::kPlan:
      return to_text(prepared.step.plan, prepared.program.graph);
    case CompilerOutput::kCommands:
      return text_of_commands(prepared.step, prepared.program.graph);
  }
  return "";  // not reached: every output stands above
}

}  // namespace

std::string compile_to_text(const Config& config, CompilerOutput output) {
  if (names_finetuning(config)) return text_of(prepare_for_device(config), output);
  return text_of(prepare_step(config), output);
}

}  // namespace corank
