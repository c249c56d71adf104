#include "tests/fuzz/promises.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

namespace corank::fuzz {
namespace {

constexpr std::size_t kLongestMessage = 2000;

/// What libraries say of themselves, and what only a programmer understands.
constexpr std::array kLibraryTexts = {"yaml-cpp",
                                      "bad conversion",
                                      "not found after",
                                      "end of map",
                                      "end of sequence",
                                      "illegal ",
                                      "unknown token",
                                      "[json.exception",
                                      "parse error",
                                      "syntax error while",
                                      "last read",
                                      "std::",
                                      "basic_string",
                                      "terminate called",
                                      "what()",
                                      "Assertion",
                                      "Error: (E",
                                      "vector::",
                                      "stoi",
                                      "stod",
                                      "bad_alloc",
                                      "map::at",
                                      "invalid_argument",
                                      "out_of_range",
                                      "length_error",
                                      "filesystem error",
                                      "internal fault",
                                      "CLI::",
                                      "SystemC",
                                      "Catch"};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The message is about something that the user named: a file or one that lacks in its folder, an
/// argument, an option.
bool names_an_input(const Input& input, const std::string& message) {
  for (const auto& file : input.files) {
    const std::size_t folder = file.first.rfind('/') + 1;  // 0: there is none
    if (contains(message, folder > 0 ? file.first.substr(0, folder) : file.first)) return true;
  }
  return contains(message, "--") ||
         std::any_of(input.arguments.begin(), input.arguments.end(), [&](const std::string& word) {
           return !word.empty() && word != "run" && contains(message, word);
         });
}

bool has_control_characters(const std::string& message) {
  return std::any_of(message.begin(), message.end(), [](const char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n') || byte == 0x7F;
  });
}

bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

std::string bad_message(const std::string& message) {
  if (message.size() > kLongestMessage) return fmt::format("a message of {} bytes", message.size());
  if (message.rfind("corank: ", 0) != 0 || message.size() < 12 || message.back() != '\n')
    return "a message that is no line of corank's";
  if (std::count(message.begin(), message.end(), '\n') != 1) return "more than one line";
  if (has_control_characters(message)) return "a control character in a message";
  if (!is_utf8(message)) return "a message that is not UTF-8";
  for (const char* text : kLibraryTexts)
    if (contains(message, text)) return fmt::format("a library's text in a message: {}", text);
  return "";
}

/// A fault of the machine that the input asks for.
bool asks_for_fault(const Input& input) {
  constexpr std::array kFaults = {"read_error", "write_error", "silent_read", "watchdog_cycles"};
  const auto names_one = [&](const std::string& text) {
    return std::any_of(kFaults.begin(), kFaults.end(),
                       [&](const char* fault) { return contains(text, fault); });
  };
  return std::any_of(input.arguments.begin(), input.arguments.end(), names_one) ||
         std::any_of(input.files.begin(), input.files.end(),
                     [&](const auto& file) { return names_one(file.second); });
}

/// The first file that is left; "": none. Bounds of a sweep's designs are kept for the next time,
/// whatever comes of this one.
std::string left_behind(const Outcome& outcome) {
  for (const std::string& path : outcome.left)
    if (!contains(path + "/", "/bounds/")) return path;
  return "";
}

std::string wrong_refusal(const Input& input, const Outcome& outcome) {
  if (!outcome.out.empty()) return "output of a run that was refused";
  if (const std::string left = left_behind(outcome); !left.empty()) return "left behind: " + left;
  const std::string bad = bad_message(outcome.err);
  if (!bad.empty()) return bad;
  return names_an_input(input, outcome.err) ? "" : "a message that names nothing of the input";
}

/// A sweep's folder has lines that no run wrote: the message says in which segment.
bool blames_kept_runs(const Input& input, const Outcome& outcome) {
  return std::any_of(input.files.begin(), input.files.end(), [&](const auto& file) {
    const std::size_t runs = file.first.find("/runs/");
    return runs != std::string::npos && contains(outcome.err, file.first + ":");
  });
}

std::string wrong_fault(const Input& input, const Outcome& outcome) {
  if (const std::string left = left_behind(outcome); !left.empty()) return "left behind: " + left;
  if (blames_kept_runs(input, outcome)) return bad_message(outcome.err);
  if (asks_for_fault(input) && contains(outcome.err, "corank: the device")) return "";
  // The only tool that an input can do without, where the environment hides it.
  if (input.environment.count("PATH") != 0 && contains(outcome.err, "verilator")) return "";
  return "a fault of the machine";
}

std::string wrong_success(const Outcome& outcome) {
  if (outcome.out.empty()) return "no report";
  if (!outcome.err.empty()) return "a message of a run that was right";
  return "";
}

}  // namespace

std::string broken_promise(const Input& input, const Outcome& outcome) {
  constexpr int kInterrupted = 130;
  if (outcome.signal != 0)
    return fmt::format("ended by signal {} ({}){}", outcome.signal, strsignal(outcome.signal),
                       outcome.interrupted ? ", when it was interrupted" : "");
  if (outcome.seconds > kMostSeconds) return "too slow";
  if (outcome.peak_mib > kMostMib) return "too much memory";
  switch (outcome.exit_code) {
    case 0:
      return wrong_success(outcome);
    case 1:
      return contains(outcome.err, "the training diverged") ? "" : "a mismatch";
    case 2:
      return wrong_refusal(input, outcome);
    case 3:
      return wrong_fault(input, outcome);
    case kInterrupted:
      return outcome.interrupted ? "" : "interrupted by nobody";
    default:
      return fmt::format("exit code {}", outcome.exit_code);
  }
}

}  // namespace corank::fuzz
