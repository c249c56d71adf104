#include <fmt/format.h>

#include "host/compiler/compiler.h"

namespace corank {

using namespace interface;

std::string describe_command(const CompiledStep& step, const Graph& graph, std::size_t index) {
  if (index >= step.commands.size())
    return fmt::format("command {} (beyond the step's {})", index, step.commands.size());
  const CompiledCommand& command = step.commands[index];
  std::string name;
  switch (command.words[0] & 0xff) {
    case LoadCommand::kOpcode:
      name = "load";
      break;
    case LoadQuantizedCommand::kOpcode:
      name = "load_quantized";
      break;
    case LoadScalesCommand::kOpcode:
      name = "load_scales";
      break;
    case GatherCommand::kOpcode:
      name = "gather";
      break;
    case StoreCommand::kOpcode:
      name = "store";
      break;
    case ScatterCommand::kOpcode:
      name = "scatter";
      break;
    case GemmCommand::kOpcode: {
      const std::uint32_t kind = decode_gemm(command.words).kind;
      name = "gemm " + identifier_of(step.gemm_kinds.at(kind));
      break;
    }
    case VectorCommand::kOpcode:
      name = "vector";
      break;
    case NopCommand::kOpcode:
      name = "nop";
      break;
    case HaltCommand::kOpcode:
      name = "halt";
      break;
    default:
      name = fmt::format("opcode {:#x}", command.words[0] & 0xff);
  }
  std::string text = fmt::format("command {} ({}", index, name);
  if (command.op >= 0) {
    text += " for " + result_name(graph, graph.ops[static_cast<std::size_t>(command.op)]);
  }
  return text + ")";
}

}  // namespace corank
