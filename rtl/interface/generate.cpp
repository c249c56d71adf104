// Turns interface.yaml into a SystemVerilog package, a C++ header, a Markdown page and the JSON
// schema of a report's counters, so that no number of the interface is written twice.
// Usage: generate interface.yaml package.sv header.h page.md counters.json
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

using std::string;

constexpr int kCommandWords = 16;

struct Field {
  string name, doc;
  int msb = 0, lsb = 0;  // of the register, of the word, or of the whole command
  string type = "";      // an enumeration; "": a number
};

/// A number that has fields.
struct Word {
  string name, doc;
  int bits = 0;
  std::vector<Field> fields;
};

struct Command {
  string name, unit, doc;
  unsigned opcode = 0;
  std::vector<Field> fields;  // without the header's
};

struct Counter {
  string name, doc;
  string action = "";  // of energy; "": none
};

string camel(const string& snake) {
  string text;
  bool upper = true;
  for (const char c : snake) {
    if (c == '_') {
      upper = true;
    } else {
      text += upper ? static_cast<char>(std::toupper(c)) : c;
      upper = false;
    }
  }
  return text;
}

std::vector<Field> header_fields() {
  return {{"opcode", "which command", 7, 0},
          {"version", "of the interface", 15, 8},
          {"wait_tokens", "tokens taken before it starts", 47, 32},
          {"signal_tokens", "tokens given when it is complete", 63, 48}};
}

// A list of fields; an item may be a list that several commands share.
void read_fields(const YAML::Node& nodes, std::vector<Field>& fields) {
  for (const auto& node : nodes) {
    if (node.IsSequence()) {
      read_fields(node, fields);
      continue;
    }
    const int word = node["at"][0].as<int>();
    fields.push_back({node["name"].as<string>(), node["doc"].as<string>(),
                      word * 32 + node["at"][1].as<int>(), word * 32 + node["at"][2].as<int>()});
  }
}

std::vector<Word> read_words(const YAML::Node& root) {
  std::vector<Word> words;
  for (const auto& node : root["words"]) {
    Word word{node["name"].as<string>(), node["doc"].as<string>(), node["bits"].as<int>(), {}};
    for (const auto& field : node["fields"]) {
      word.fields.push_back({field["name"].as<string>(), field["doc"].as<string>(),
                             field["bits"][0].as<int>(), field["bits"][1].as<int>(),
                             field["type"].as<string>("")});
    }
    words.push_back(word);
  }
  return words;
}

/// A constant's value with the names of other constants as `language` writes them.
string expression_of(const YAML::Node& root, const YAML::Node& constant, const string& prefix) {
  const auto text = constant["value"].as<string>();
  string result;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    const auto is_letter = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    };
    while (end < text.size() && is_letter(text[end])) ++end;
    const string word = text.substr(i, std::max<std::size_t>(end - i, 1));
    const bool named =
        std::any_of(root["constants"].begin(), root["constants"].end(), [&](const auto& other) {
          return other["name"].template as<string>() == word && !other["of"];
        });
    result += named ? prefix + camel(word) : word;
    i += word.size();
  }
  return result;
}

/// The parameters of a constant that is a function: "a, b" with `type` before each.
string parameters_of(const YAML::Node& constant, const string& type) {
  string text;
  for (const auto& parameter : constant["of"])
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", type, parameter.as<string>());
  return text;
}

std::vector<Command> read_commands(const YAML::Node& root) {
  std::vector<Command> commands;
  for (const auto& node : root["commands"]) {
    Command command{node["name"].as<string>(),
                    node["unit"].as<string>(),
                    node["doc"].as<string>(),
                    node["opcode"].as<unsigned>(),
                    {}};
    read_fields(node["fields"], command.fields);
    commands.push_back(command);
  }
  return commands;
}

std::vector<Counter> read_counters(const YAML::Node& root) {
  std::vector<Counter> counters;
  for (const auto& unit : root["units"]) {
    for (const auto& activity : root["activities"]) {
      counters.push_back(
          {unit.as<string>() + "_" + activity["name"].as<string>(),
           "cycles of the " + unit.as<string>() + " unit: " + activity["doc"].as<string>()});
    }
  }
  for (int kind = 0; kind < root["gemm_kinds"].as<int>(); ++kind) {
    counters.push_back(
        {fmt::format("gemm_slots_{}", kind),
         fmt::format("cycles in which the array took in rows or weights of a gemm of kind {}",
                     kind)});
  }
  for (int kind = 0; kind < root["gemm_kinds"].as<int>(); ++kind) {
    counters.push_back({fmt::format("gemm_macs_{}", kind),
                        fmt::format("useful multiply-accumulates of kind {}", kind)});
  }
  for (const auto& node : root["counters"]) {
    counters.push_back(
        {node["name"].as<string>(), node["doc"].as<string>(), node["action"].as<string>("")});
  }
  return counters;
}

// A function of a vector opcode that is true for those of `nodes` that `chosen` picks.
template <class Chosen>
string sv_opcode_test(const string& doc, const string& name, const YAML::Node& nodes,
                      const Chosen& chosen) {
  string opcodes;
  for (const auto& node : nodes) {
    if (!chosen(node)) continue;
    opcodes += fmt::format("{}Vop{}", opcodes.empty() ? "" : ", ",
                           camel(node["name"].template as<string>()));
  }
  return fmt::format(
      "  // {}\n  function automatic logic {}(vector_opcode_e opcode);\n    case (opcode)\n"
      "      {}: return 1'b1;\n      default: return 1'b0;\n    endcase\n  endfunction\n\n",
      doc, name, opcodes);
}

// The index of the counter of an arithmetic instruction.
string sv_counter_of(const YAML::Node& root) {
  string text =
      "  // The counter of the elements of an arithmetic instruction.\n"
      "  function automatic logic [CounterBits-1:0] counter_of(vector_opcode_e opcode);\n"
      "    case (opcode)\n";
  for (const auto& node : root["vector_instructions"]) {
    if (!node["counter"]) continue;
    text += fmt::format("      Vop{}: return CounterBits'(Ctr{});\n",
                        camel(node["name"].as<string>()), camel(node["counter"].as<string>()));
  }
  return text + "      default: return '0;\n    endcase\n  endfunction\n";
}

bool is_arithmetic(const YAML::Node& instruction) { return instruction["counter"].IsDefined(); }
bool is_iterative(const YAML::Node& instruction) {
  return instruction["iterative"].as<bool>(false);
}
bool has_operands(const YAML::Node& instruction) { return instruction["operands"].as<int>(0) >= 1; }
bool has_second_operand(const YAML::Node& instruction) {
  return instruction["operands"].as<int>(0) >= 2;
}
bool has_third_operand(const YAML::Node& instruction) {
  return instruction["operands"].as<int>(0) >= 3;
}

string sv_enum(const string& type, const string& prefix, int bits, const YAML::Node& nodes,
               bool opcodes) {
  string text = fmt::format("  typedef enum logic [{}:0] {{\n", bits - 1);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const unsigned value = opcodes ? nodes[i]["opcode"].as<unsigned>() : static_cast<unsigned>(i);
    text += fmt::format("    {}{} = {}'d{}{}\n", prefix, camel(nodes[i]["name"].as<string>()), bits,
                        value, i + 1 < nodes.size() ? "," : "");
  }
  return text + fmt::format("  }} {};\n\n", type);
}

// A packed struct, most significant field first, the gaps filled.
string sv_struct(const string& name, std::vector<Field> fields, int bits) {
  std::sort(fields.begin(), fields.end(),
            [](const Field& a, const Field& b) { return a.msb > b.msb; });
  string text = "  typedef struct packed {\n";
  int top = bits - 1;
  int gaps = 0;
  const auto fill_to = [&](int msb) {
    if (top > msb) text += fmt::format("    logic [{}:0] reserved{};\n", top - msb - 1, gaps++);
  };
  for (const Field& field : fields) {
    fill_to(field.msb);
    const int width = field.msb - field.lsb + 1;
    const string type = !field.type.empty() ? field.type + "_e"
                        : width == 1        ? "logic"
                                            : fmt::format("logic [{}:0]", width - 1);
    text += fmt::format("    {} {};\n", type, field.name);
    top = field.lsb - 1;
  }
  fill_to(-1);
  return text + fmt::format("  }} {};\n\n", name);
}

string sv_command(const Command& command) {
  std::vector<Field> fields = command.fields;
  for (const Field& field : header_fields()) fields.push_back(field);
  return sv_struct(command.name + "_command_t", fields, kCommandWords * 32);
}

string sv_constants(const YAML::Node& root) {
  string text;
  for (const auto& constant : root["constants"]) {
    const auto name = constant["name"].as<string>();
    string value = expression_of(root, constant, "");
    if (value.substr(0, 2) == "0x") value = "'h" + value.substr(2);
    text += fmt::format("  // {}\n", constant["doc"].as<string>());
    text += constant["of"]
                ? fmt::format(
                      "  function automatic int unsigned {}({});\n    return {};\n  endfunction\n",
                      name, parameters_of(constant, "int unsigned"), value)
                : fmt::format("  localparam int unsigned {} = {};\n", camel(name), value);
  }
  return text + "\n";
}

// All units, and those that have a queue of commands; the last member is how many there are.
string sv_units(const YAML::Node& root) {
  string units = "  typedef enum logic [2:0] {\n", queues = "  typedef enum int unsigned {\n";
  for (std::size_t i = 0; i < root["units"].size(); ++i) {
    const string name = camel(root["units"][i].as<string>());
    units +=
        fmt::format("    Unit{} = 3'd{}{}\n", name, i, i + 1 < root["units"].size() ? "," : "");
    if (i > 0) queues += fmt::format("    Queue{},\n", name);
  }
  return units + "  } unit_e;\n\n" + queues + "    Queues\n  } queue_e;\n\n" +
         fmt::format("  localparam int Units = {};\n", root["units"].size());
}

string make_sv(const YAML::Node& root) {
  string text =
      "// Generated from rtl/interface/interface.yaml; do not edit.\n"
      "`default_nettype none\n"
      "// verilator lint_off UNUSEDPARAM\n"  // a module under test alone uses only a part of it
      "package interface_pkg;\n\n";
  text += fmt::format("  localparam logic [7:0] InterfaceVersion = 8'd{};\n",
                      root["version"].as<int>());
  text += fmt::format("  localparam int CommandBits = {};\n\n", kCommandWords * 32);
  text += sv_constants(root);
  for (const auto& reg : root["registers"]) {
    text += fmt::format("  localparam logic [11:0] Reg{} = 12'h{:03x};\n",
                        camel(reg["name"].as<string>()), reg["offset"].as<unsigned>());
  }
  text += "\n";
  text += sv_enum("opcode_e", "Op", 8, root["commands"], true);
  text += sv_enum("vector_opcode_e", "Vop", 8, root["vector_instructions"], true);
  const YAML::Node instructions = root["vector_instructions"];
  text += sv_opcode_test("Whether an instruction has this opcode.", "exists", instructions,
                         [](const YAML::Node&) { return true; });
  text += sv_opcode_test("Whether it computes: neither loads nor stores.", "is_arithmetic",
                         instructions, is_arithmetic);
  text += sv_opcode_test("Whether a beat takes divide_latency cycles, not one.", "is_iterative",
                         instructions, is_iterative);
  text += sv_opcode_test("Whether it has a second operand.", "has_second_operand", instructions,
                         has_second_operand);
  text += sv_opcode_test("Whether it has a third operand.", "has_third_operand", instructions,
                         has_third_operand);
  text += sv_enum("activity_e", "Activity", 3, root["activities"], false);
  text += sv_enum("fault_e", "Fault", 8, root["faults"], false);
  text += sv_units(root);
  text += fmt::format("  localparam int Activities = {};\n", root["activities"].size());
  text += fmt::format("  localparam int GemmKinds = {};\n\n", root["gemm_kinds"].as<unsigned>());
  for (const Command& command : read_commands(root)) text += sv_command(command);
  for (const Word& word : read_words(root))
    text += sv_struct(word.name + "_t", word.fields, word.bits);
  const auto counters = read_counters(root);
  text += fmt::format("  localparam int Counters = {};\n", counters.size());
  for (std::size_t i = 0; i < counters.size(); ++i) {
    text += fmt::format("  localparam int Ctr{} = {};\n", camel(counters[i].name), i);
  }
  text += "  localparam int CounterBits = $clog2(Counters);\n\n" + sv_counter_of(root);
  return text + "\nendpackage\n// verilator lint_on UNUSEDPARAM\n`default_nettype wire\n";
}

string cpp_enum(const string& type, const YAML::Node& nodes, bool opcodes) {
  string text = fmt::format("enum class {} : std::uint32_t {{\n", type);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool named = nodes[i].IsMap();
    const unsigned value = opcodes ? nodes[i]["opcode"].as<unsigned>() : static_cast<unsigned>(i);
    text +=
        fmt::format("  k{} = {},\n",
                    camel(named ? nodes[i]["name"].as<string>() : nodes[i].as<string>()), value);
  }
  return text + "};\n";
}

// A function of a vector opcode that is true for those of `nodes` that `chosen` picks.
template <class Chosen>
string cpp_opcode_test(const string& doc, const string& name, const YAML::Node& nodes,
                       const Chosen& chosen) {
  string text = fmt::format(
      "/// {}\nconstexpr bool {}(VectorOpcode opcode) {{\n  switch (opcode) {{\n", doc, name);
  for (const auto& node : nodes)
    if (chosen(node))
      text +=
          fmt::format("    case VectorOpcode::k{}:\n", camel(node["name"].template as<string>()));
  return text + "      return true;\n    default:\n      return false;\n  }\n}\n\n";
}

string cpp_opcodes(const YAML::Node& instructions) {
  string text = fmt::format("inline constexpr std::array<VectorOpcode, {}> kVectorOpcodes = {{\n",
                            instructions.size());
  for (const auto& node : instructions)
    text += fmt::format("    VectorOpcode::k{},\n", camel(node["name"].as<string>()));
  return text + "};\n\n";
}

string cpp_with_operation(const YAML::Node& instructions) {
  string text =
      "/// Calls `use` with what an instruction computes of its operands' words, if it does, which "
      "is\n"
      "/// the function of its name, and with as many operands as it has, in `Operations`.\n"
      "template <class Operations, class Use>\n"
      "void with_operation(VectorOpcode opcode, const Use& use) {\n  switch (opcode) {\n";
  for (const auto& node : instructions) {
    if (!is_arithmetic(node) || !has_operands(node)) continue;
    const auto name = node["name"].as<string>();
    const bool second = has_second_operand(node), third = has_third_operand(node);
    text += fmt::format(
        "    case VectorOpcode::k{}:\n"
        "      return use([](std::uint32_t a, {}, {}) {{\n"
        "        return Operations::{}(a{}{});\n"
        "      }});\n",
        camel(name), second ? "std::uint32_t b" : "std::uint32_t",
        third ? "std::uint32_t c" : "std::uint32_t", name, second ? ", b" : "", third ? ", c" : "");
  }
  return text + "    default:\n      return;\n  }\n}\n\n";
}

// The counter of an instruction, and the counters that cost energy.
string cpp_counted(const YAML::Node& root, const std::vector<Counter>& counters) {
  string text =
      "\n/// The counter of the elements of an arithmetic instruction.\n"
      "constexpr Counter counter_of(VectorOpcode opcode) {\n  switch (opcode) {\n";
  for (const auto& node : root["vector_instructions"]) {
    if (!is_arithmetic(node)) continue;
    text += fmt::format("    case VectorOpcode::k{}:\n      return Counter::k{};\n",
                        camel(node["name"].as<string>()), camel(node["counter"].as<string>()));
  }
  text += "    default:\n      return Counter{};\n  }\n}\n\n";
  string actions;
  std::size_t count = 0;
  for (const Counter& counter : counters) {
    if (counter.action.empty()) continue;
    actions += fmt::format("    {{\"{}\", Counter::k{}}},\n", counter.action, camel(counter.name));
    ++count;
  }
  return text +
         fmt::format(
             "/// A counter whose events cost energy, and the action that each is.\n"
             "struct CountedAction {{\n  const char* action;\n  Counter counter;\n}};\n"
             "inline constexpr std::array<CountedAction, {}> kCountedActions = {{{{\n{}}}}};\n",
             count, actions);
}

string cpp_names(const string& function, const YAML::Node& nodes) {
  string text =
      fmt::format("inline constexpr std::array<const char*, {}> {} = {{\n", nodes.size(), function);
  for (const auto& node : nodes) {
    text +=
        fmt::format("    \"{}\",\n", node.IsMap() ? node["name"].as<string>() : node.as<string>());
  }
  return text + "};\n";
}

string cpp_command(const Command& command) {
  string text = fmt::format("/// {}\nstruct {}Command {{\n", command.doc, camel(command.name));
  text += fmt::format("  static constexpr std::uint32_t kOpcode = {:#x};\n", command.opcode);
  text += "  std::uint32_t wait_tokens = 0, signal_tokens = 0;\n";
  for (const Field& field : command.fields) {
    text += fmt::format("  std::uint32_t {} = 0;  // {}{} bits\n", field.name,
                        field.doc.empty() ? "" : field.doc + "; ", field.msb - field.lsb + 1);
  }
  text += "};\n\n";
  text += fmt::format("inline CommandWords encode(const {}Command& c) {{\n  CommandWords w{{}};\n",
                      camel(command.name));
  text += fmt::format("  w[0] = {:#x}u | kInterfaceVersion << 8;\n", command.opcode);
  text += "  w[1] = (c.wait_tokens & 0xffffu) | c.signal_tokens << 16;\n";
  for (const Field& field : command.fields) {
    text += fmt::format("  put_bits(w, {}, {}, c.{});\n", field.msb, field.lsb, field.name);
  }
  text += "  return w;\n}\n\n";
  text += fmt::format("inline {0}Command decode_{1}(const CommandWords& w) {{\n  {0}Command c;\n",
                      camel(command.name), command.name);
  text += "  c.wait_tokens = w[1] & 0xffffu;\n  c.signal_tokens = w[1] >> 16;\n";
  for (const Field& field : command.fields) {
    text += fmt::format("  c.{} = get_bits(w, {}, {});\n", field.name, field.msb, field.lsb);
  }
  return text + "  return c;\n}\n\n";
}

string cpp_word(const Word& word) {
  const string type = fmt::format("std::uint{}_t", word.bits), name = camel(word.name);
  string members, encoded, decoded;
  for (const Field& field : word.fields) {
    const int width = field.msb - field.lsb + 1;
    const string mask = fmt::format("{:#x}", (std::uint64_t{1} << width) - 1);
    const string member = !field.type.empty() ? camel(field.type)
                          : width == 1        ? "bool"
                                              : "std::uint32_t";
    members += fmt::format("  {} {}{{}};  // {}\n", member, field.name, field.doc);
    encoded +=
        fmt::format("{}(static_cast<{}>(w.{}) & {}) << {}", encoded.empty() ? "" : " |\n         ",
                    type, field.name, mask, field.lsb);
    decoded += fmt::format("{}static_cast<{}>(w >> {} & {})",
                           decoded.empty() ? "" : ",\n          ", member, field.lsb, mask);
  }
  return fmt::format("/// {}\nstruct {} {{\n{}}};\n\n", word.doc, name, members) +
         fmt::format("constexpr {} encode(const {}& w) {{\n  return {};\n}}\n\n", type, name,
                     encoded) +
         fmt::format("constexpr {} decode_{}({} w) {{\n  return {{{}}};\n}}\n\n", name, word.name,
                     type, decoded);
}

string cpp_constants(const YAML::Node& root) {
  string text;
  for (const auto& constant : root["constants"]) {
    const auto name = constant["name"].as<string>();
    const string value = expression_of(root, constant, "k");
    text += fmt::format("/// {}\n", constant["doc"].as<string>());
    text += constant["of"] ? fmt::format("constexpr int {}({}) {{ return {}; }}\n", name,
                                         parameters_of(constant, "int"), value)
                           : fmt::format("inline constexpr int k{} = {};\n", camel(name), value);
  }
  return text + "\n";
}

// The engines are the units that have a queue of commands, all but the first.
string cpp_engines(const YAML::Node& root) {
  string text =
      "/// The units that have a queue of commands, in the order of the tokens.\n"
      "enum class Engine : std::uint32_t {\n";
  for (std::size_t i = 1; i < root["units"].size(); ++i)
    text += fmt::format("  k{} = {},\n", camel(root["units"][i].as<string>()), i - 1);
  return text +
         fmt::format("}};\ninline constexpr int kEngines = {};\n", root["units"].size() - 1) +
         "constexpr Unit unit_of(Engine engine) {\n"
         "  return static_cast<Unit>(static_cast<std::uint32_t>(engine) + 1);\n}\n"
         "/// What a command of `from` gives to one of `to`, as a bit of their tokens.\n"
         "constexpr std::uint32_t token(Engine from, Engine to) {\n"
         "  return 1u << (kEngines * static_cast<std::uint32_t>(from) + "
         "static_cast<std::uint32_t>(to));\n}\n\n";
}

string make_cpp(const YAML::Node& root) {
  string text =
      "// Generated from rtl/interface/interface.yaml; do not edit.\n"
      "#pragma once\n\n#include <array>\n#include <cstdint>\n\n"
      "namespace corank::interface {\n\n"
      "using CommandWords = std::array<std::uint32_t, 16>;\n\n"
      "/// Bits [msb:lsb] of the whole command; a field lies within one word.\n"
      "inline void put_bits(CommandWords& w, int msb, int lsb, std::uint32_t value) {\n"
      "  const int width = msb - lsb + 1;\n"
      "  const std::uint32_t mask = width == 32 ? 0xffffffffu : (1u << width) - 1;\n"
      "  w[static_cast<std::size_t>(lsb / 32)] |= (value & mask) << (lsb % 32);\n"
      "}\n"
      "inline std::uint32_t get_bits(const CommandWords& w, int msb, int lsb) {\n"
      "  const int width = msb - lsb + 1;\n"
      "  const std::uint32_t mask = width == 32 ? 0xffffffffu : (1u << width) - 1;\n"
      "  return (w[static_cast<std::size_t>(lsb / 32)] >> (lsb % 32)) & mask;\n"
      "}\n\n";
  text += fmt::format("inline constexpr std::uint32_t kInterfaceVersion = {};\n\n",
                      root["version"].as<int>());
  text += cpp_constants(root);
  for (const auto& reg : root["registers"]) {
    const string name = camel(reg["name"].as<string>());
    text += fmt::format("inline constexpr std::uint32_t kReg{} = {:#05x};\n", name,
                        reg["offset"].as<unsigned>());
    for (const auto& field : reg["fields"]) {
      text += fmt::format("inline constexpr int k{}{}Lsb = {};\n", name,
                          camel(field["name"].as<string>()), field["bits"][1].as<int>());
    }
  }
  text += "\n" + cpp_enum("Unit", root["units"], false) + cpp_names("kUnitNames", root["units"]) +
          "\n" + cpp_engines(root);
  text += cpp_enum("Activity", root["activities"], false) +
          cpp_names("kActivityNames", root["activities"]) + "\n";
  text +=
      cpp_enum("Fault", root["faults"], false) + cpp_names("kFaultNames", root["faults"]) + "\n";
  text += "inline constexpr std::array<const char*, " + std::to_string(root["faults"].size()) +
          "> kFaultTexts = {\n";
  for (const auto& node : root["faults"])
    text += fmt::format("    \"{}\",\n", node["doc"].as<string>());
  text += "};\n\n";
  text += cpp_enum("VectorOpcode", root["vector_instructions"], true) + "\n";
  const YAML::Node instructions = root["vector_instructions"];
  text += cpp_opcodes(instructions);
  text += cpp_opcode_test("Whether an instruction has this opcode.", "exists", instructions,
                          [](const YAML::Node&) { return true; });
  text += cpp_opcode_test("Whether it computes: neither loads nor stores.", "is_arithmetic",
                          instructions, is_arithmetic);
  text += cpp_opcode_test("Whether a beat takes kDivideInterval cycles, not one.", "is_iterative",
                          instructions, is_iterative);
  text += cpp_opcode_test("Whether it has a second operand.", "has_second_operand", instructions,
                          has_second_operand);
  text += cpp_opcode_test("Whether it has a third operand.", "has_third_operand", instructions,
                          has_third_operand);
  text += cpp_with_operation(instructions);
  text += fmt::format("inline constexpr std::size_t kGemmKinds = {};\n\n",
                      root["gemm_kinds"].as<unsigned>());
  for (const Command& command : read_commands(root)) text += cpp_command(command);
  for (const Word& word : read_words(root)) text += cpp_word(word);
  const auto counters = read_counters(root);
  text += "enum class Counter : std::uint32_t {\n";
  for (const Counter& counter : counters)
    text += fmt::format("  k{},  // {}\n", camel(counter.name), counter.doc);
  text += fmt::format("}};\ninline constexpr std::size_t kCounters = {};\n", counters.size());
  text += "inline constexpr std::array<const char*, kCounters> kCounterNames = {\n";
  for (const Counter& counter : counters) text += fmt::format("    \"{}\",\n", counter.name);
  return text + "};\n" + cpp_counted(root, counters) + "\n}  // namespace corank::interface\n";
}

string page_constants(const YAML::Node& root) {
  string text = "## Constants\n\n| name | value | meaning |\n| --- | --- | --- |\n";
  for (const auto& constant : root["constants"]) {
    const string of =
        constant["of"] ? fmt::format("({})", parameters_of(constant, "").substr(1)) : "";
    text += fmt::format("| {}{} | {} | {} |\n", constant["name"].as<string>(), of,
                        constant["value"].as<string>(), constant["doc"].as<string>());
  }
  return text;
}

string page_words(const YAML::Node& root) {
  string text;
  for (const Word& word : read_words(root)) {
    text += fmt::format(
        "\n### `{}`, {} bits\n\n{}\n\n| bits | field | meaning |\n| --- | --- | --- |\n", word.name,
        word.bits, word.doc);
    for (const Field& field : word.fields)
      text += fmt::format("| {}:{} | {} | {} |\n", field.msb, field.lsb, field.name, field.doc);
  }
  return text;
}

string page_instructions(const YAML::Node& instructions) {
  string text =
      "\n## Vector instructions\n\n| code | name | meaning | operands | a beat takes | counter |\n"
      "| --- | --- | --- | --- | --- | --- |\n";
  for (const auto& node : instructions) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", node["opcode"].as<unsigned>(),
                        node["name"].as<string>(), node["doc"].as<string>(),
                        node["operands"].as<string>(""),
                        is_iterative(node) ? "`divide_interval` cycles" : "1 cycle",
                        node["counter"].as<string>(""));
  }
  return text;
}

string make_page(const YAML::Node& root) {
  string text =
      "# Constants, registers, commands, instructions, faults and counters\n\n"
      "Generated from `interface.yaml`; a test compares this page with it.\n\n";
  text += page_constants(root);
  text +=
      "\n## Registers (AXI4-Lite)\n\n| offset | name | access | fields | meaning |\n| --- | --- | "
      "--- | --- | --- |\n";
  for (const auto& reg : root["registers"]) {
    string fields;
    for (const auto& field : reg["fields"]) {
      fields += fmt::format("{}{} [{}:{}]", fields.empty() ? "" : ", ", field["name"].as<string>(),
                            field["bits"][0].as<int>(), field["bits"][1].as<int>());
    }
    text += fmt::format("| {:#05x} | {} | {} | {} | {} |\n", reg["offset"].as<unsigned>(),
                        reg["name"].as<string>(), reg["access"].as<string>(), fields,
                        reg["doc"].as<string>());
  }
  text += "\n## Commands (64 bytes)\n\nEvery command has: ";
  for (const Field& field : header_fields()) {
    text += fmt::format("`{}` word {} [{}:{}] ({}); ", field.name, field.lsb / 32, field.msb % 32,
                        field.lsb % 32, field.doc);
  }
  text += "bits not named are 0.\n";
  for (const Command& command : read_commands(root)) {
    text += fmt::format("\n### `{}`, opcode {:#04x}, {} unit\n\n{}\n", command.name, command.opcode,
                        command.unit, command.doc);
    if (!command.fields.empty())
      text += "\n| word | bits | field | meaning |\n| --- | --- | --- | --- |\n";
    for (const Field& field : command.fields) {
      text += fmt::format("| {} | {}:{} | {} | {} |\n", field.lsb / 32, field.msb % 32,
                          field.lsb % 32, field.name, field.doc);
    }
  }
  text += "\n## Words with fields\n" + page_words(root);
  text += page_instructions(root["vector_instructions"]);
  const auto list = [&](const string& title, const YAML::Node& nodes) {
    text += fmt::format("\n## {}\n\n| code | name | meaning |\n| --- | --- | --- |\n", title);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      text += fmt::format("| {} | {} | {} |\n", i, nodes[i]["name"].as<string>(),
                          nodes[i]["doc"].as<string>());
    }
  };
  list("Activities of a unit", root["activities"]);
  list("Faults", root["faults"]);
  text += "\n## Counters\n\n| index | name | meaning |\n| --- | --- | --- |\n";
  const auto counters = read_counters(root);
  for (std::size_t i = 0; i < counters.size(); ++i) {
    text += fmt::format("| {} | {} | {} |\n", i, counters[i].name, counters[i].doc);
  }
  return text;
}

/// The counters as reports have them: JSON schema of an object.
string make_schema(const YAML::Node& root) {
  string required, properties;
  for (const Counter& counter : read_counters(root)) {
    required += fmt::format("{}\n    \"{}\"", required.empty() ? "" : ",", counter.name);
    properties += fmt::format("{}\n    \"{}\": {{\"type\": \"integer\", \"minimum\": 0}}",
                              properties.empty() ? "" : ",", counter.name);
  }
  return fmt::format(
      "{{\n  \"description\": \"of the device; their meaning is in rtl/interface/INTERFACE.md\",\n"
      "  \"type\": \"object\",\n  \"additionalProperties\": false,\n"
      "  \"required\": [{}\n  ],\n  \"properties\": {{{}\n  }}\n}}\n",
      required, properties);
}

void write(const string& path, const string& text) {
  std::ofstream file(path);
  file << text;
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: generate interface.yaml package.sv header.h page.md counters.json\n";
    return 2;
  }
  try {
    const YAML::Node root = YAML::LoadFile(argv[1]);
    write(argv[2], make_sv(root));
    write(argv[3], make_cpp(root));
    write(argv[4], make_page(root));
    write(argv[5], make_schema(root));
  } catch (const std::exception& error) {
    std::cerr << argv[1] << ": " << error.what() << "\n";
    return 2;
  }
  return 0;
}
