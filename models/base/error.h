// The two kinds of failure that corank reports to its user; anything else is a defect of corank
// itself.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace corank {

/// A place in a text file of the user's. Lines and columns count from 1; 0 means unknown.
struct SourceLocation {
  std::string file;
  int line = 0;
  int column = 0;
};

/// "file:line:column", leaving out what is unknown.
std::string to_string(const SourceLocation& location);

/// A message as it reaches the user: what cannot be shown escaped, its middle left out where it is
/// longer than any screen (text of a user's file can be of any length). One line, or of the
/// program's own lines each.
std::string message_line(const std::string& message);
std::string message_lines(const std::string& message);

/// The user's input is wrong: exit code 2. The message says what was expected and what was found,
/// in one line, whatever the text of the user's that it quotes.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& message)
      : std::runtime_error(message_line(message)), reason_(what()) {}
  InputError(const SourceLocation& location, const std::string& message)
      : std::runtime_error(message_line(to_string(location) + ": " + message)),
        reason_(message_line(message)) {}

  /// The message without the place: equal where different places of input are wrong alike.
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

/// What keys of the configuration make impossible, found by someone who does not have the file:
/// whoever has it puts the place of the first key in front that the user gave.
class KeyError : public InputError {
 public:
  KeyError(std::vector<std::string> keys, const std::string& message)
      : InputError(message), keys_(std::move(keys)) {}
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  std::vector<std::string> keys_;
};

/// The simulated machine, or the machine that corank runs on, failed: exit code 3.
class MachineError : public std::runtime_error {
 public:
  explicit MachineError(const std::string& message) : std::runtime_error(message_lines(message)) {}
};

}  // namespace corank
