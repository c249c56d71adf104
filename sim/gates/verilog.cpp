#include "sim/gates/verilog.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

namespace corank::gates {
namespace {

using Bits = std::vector<std::uint32_t>;

/// Names (an escaped one without its backslash), numbers with their base, and single characters.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) { advance(); }

  std::string_view now() const { return word_; }
  bool escaped() const { return escaped_; }
  bool at_end() const { return word_.empty(); }

  std::string_view take() {
    const std::string_view word = word_;
    advance();
    return word;
  }
  bool take_if(std::string_view word) {
    if (word_ != word || escaped_) return false;
    advance();
    return true;
  }
  void expect(std::string_view word) {
    if (!take_if(word)) fail(std::string(word));
  }
  unsigned number() {
    if (word_.empty() || std::isdigit(static_cast<unsigned char>(word_[0])) == 0) fail("a number");
    return static_cast<unsigned>(std::strtoul(std::string(take()).c_str(), nullptr, 10));
  }

  [[noreturn]] void fail(const std::string& expected) const {
    const auto begin = text_.begin();
    const auto line = 1 + std::count(begin, begin + static_cast<std::ptrdiff_t>(at_), '\n');
    throw std::runtime_error("line " + std::to_string(line) + ": expected " + expected +
                             ", found '" + std::string(word_) + "'");
  }

 private:
  static bool in_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c == '\'';
  }

  void skip() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        ++at_;
      } else if (text_.substr(at_, 2) == "/*") {
        at_ = std::min(text_.find("*/", at_), text_.size() - 2) + 2;
      } else {
        return;
      }
    }
  }

  void advance() {
    skip();
    std::size_t begin = at_;
    escaped_ = at_ < text_.size() && text_[at_] == '\\';
    if (escaped_) {
      begin = at_ + 1;
      while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) == 0) ++at_;
    } else if (at_ < text_.size()) {
      ++at_;
      while (in_word(text_[begin]) && at_ < text_.size() && in_word(text_[at_])) ++at_;
    }
    word_ = text_.substr(begin, at_ - begin);
  }

  std::string_view text_, word_;
  std::size_t at_ = 0;
  bool escaped_ = false;
};

/// 4'h3, 2'bx0, 32'd0: the lowest bit first.
Bits bits_of(const std::string& literal, const Words& words) {
  const std::size_t quote = literal.find('\'');
  const unsigned width = static_cast<unsigned>(std::atoi(literal.c_str()));
  const char base = quote + 1 < literal.size() ? literal[quote + 1] : ' ';
  const unsigned digit_bits = base == 'h' ? 4 : base == 'b' ? 1 : 0;
  const bool decimal = base == 'd';
  if ((digit_bits == 0 && !decimal) || width == 0) words.fail("a number like 4'h3");
  Bits bits;
  if (decimal) {
    const std::uint64_t value = std::strtoull(literal.c_str() + quote + 2, nullptr, 10);
    for (unsigned bit = 0; bit < width; ++bit) bits.push_back(bit < 64 ? value >> bit & 1u : 0);
    return bits;
  }
  for (std::size_t at = literal.size(); at > quote + 2; --at) {
    const char c = literal[at - 1];
    const bool known = std::isxdigit(static_cast<unsigned char>(c)) != 0;
    const std::string digit(1, c);
    const unsigned value =
        known ? static_cast<unsigned>(std::strtoul(digit.c_str(), nullptr, 16)) : 0;
    for (unsigned bit = 0; bit < digit_bits; ++bit) bits.push_back(value >> bit & 1u);
  }
  bits.resize(width, 0);
  return bits;
}

class Parser {
 public:
  explicit Parser(const std::string& text) : words_(text) {}

  std::vector<Module> parse() {
    std::vector<Module> modules;
    while (!words_.at_end()) {
      words_.expect("module");
      modules.push_back(parse_module());
    }
    return modules;
  }

 private:
  // [msb:lsb], or nothing; Yosys' vectors end at 0.
  unsigned parse_width() {
    if (!words_.take_if("[")) return 1;
    const unsigned msb = words_.number();
    words_.expect(":");
    if (words_.number() != 0) words_.fail("a vector that ends at 0");
    words_.expect("]");
    return msb + 1;
  }

  void declare(bool port) {
    const unsigned width = parse_width();
    const std::string name(words_.take());
    words_.expect(";");
    Bits& bits = nets_[name];
    if (bits.empty())
      for (unsigned bit = 0; bit < width; ++bit) bits.push_back(module_.nets++);
    if (port) module_.ports[name] = bits;
  }

  // A name, a bit or a part of one, a constant, or several of them in braces.
  Bits parse_signal() {
    if (words_.take_if("{")) {
      std::vector<Bits> parts;
      do parts.push_back(parse_signal());
      while (words_.take_if(","));
      words_.expect("}");
      Bits all;
      for (auto part = parts.rbegin(); part != parts.rend(); ++part)
        all.insert(all.end(), part->begin(), part->end());
      return all;
    }
    const bool escaped = words_.escaped();
    const std::string name(words_.take());
    if (!escaped && name.find('\'') != std::string::npos) return bits_of(name, words_);
    const auto found = nets_.find(name);
    if (found == nets_.end()) words_.fail("a net that is declared before '" + name + "'");
    if (!words_.take_if("[")) return found->second;
    const unsigned msb = words_.number();
    const unsigned lsb = words_.take_if(":") ? words_.number() : msb;
    words_.expect("]");
    if (msb < lsb || msb >= found->second.size()) words_.fail("a bit of '" + name + "'");
    const auto begin = found->second.begin();
    return {begin + lsb, begin + msb + 1};
  }

  void parse_assignment() {
    const Bits to = parse_signal();
    words_.expect("=");
    const Bits from = parse_signal();
    words_.expect(";");
    if (to.size() != from.size()) words_.fail("two sides of one width");
    for (std::size_t bit = 0; bit < to.size(); ++bit) module_.same.emplace_back(to[bit], from[bit]);
  }

  void parse_instance() {
    Instance instance;
    instance.kind = words_.take();
    instance.name = words_.take();
    words_.expect("(");
    while (!words_.take_if(")")) {
      words_.take_if(",");
      words_.expect(".");
      const std::string port(words_.take());
      words_.expect("(");
      Bits bits;
      if (words_.now() != ")") bits = parse_signal();
      words_.expect(")");
      instance.ports.emplace_back(port, std::move(bits));
    }
    words_.expect(";");
    module_.instances.push_back(std::move(instance));
  }

  Module parse_module() {
    module_ = {};
    nets_.clear();
    module_.name = words_.take();
    while (!words_.take_if(";")) {
      if (words_.at_end()) words_.fail("the ports of a module");
      words_.take();
    }
    while (!words_.take_if("endmodule")) {
      if (words_.at_end()) words_.fail("endmodule");
      if (words_.take_if("input") || words_.take_if("output")) {
        declare(true);
      } else if (words_.take_if("wire")) {
        declare(false);
      } else if (words_.take_if("assign")) {
        parse_assignment();
      } else {
        parse_instance();
      }
    }
    return std::move(module_);
  }

  Words words_;
  Module module_;
  std::unordered_map<std::string, Bits> nets_;
};

}  // namespace

std::vector<Module> parse_verilog(const std::string& text) { return Parser(text).parse(); }

}  // namespace corank::gates
