#include "host/formats/json_text.h"

#include <set>
#include <vector>

namespace corank {
namespace {

/// Stops at the first fault.
class FaultFinder : public nlohmann::json::json_sax_t {
 public:
  explicit FaultFinder(int most_depth) : most_depth_(most_depth) {}
  const std::optional<JsonFault>& fault() const { return fault_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return deeper();
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override { return deeper(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& name) override {
    last_key_ = name;
    return keys_.back().insert(name).second || stop({JsonFault::Kind::kTwice, 0, name, ""});
  }
  bool parse_error(std::size_t byte, const std::string& token,
                   const nlohmann::detail::exception& error) override {
    // The parser is behind the number when it finds that no double holds it.
    if (dynamic_cast<const nlohmann::detail::out_of_range*>(&error) != nullptr)
      return stop({JsonFault::Kind::kNumber, byte - token.size() + 1, last_key_, token});
    return stop({JsonFault::Kind::kSyntax, byte, last_key_, ""});
  }

 private:
  bool deeper() {
    return ++depth_ <= most_depth_ || stop({JsonFault::Kind::kDepth, 0, last_key_, ""});
  }
  bool stop(JsonFault fault) {
    fault_ = std::move(fault);
    return false;
  }

  int most_depth_, depth_ = 0;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
  std::string last_key_;
  std::optional<JsonFault> fault_;
};

}  // namespace

std::optional<JsonFault> find_json_fault(const std::string& text, int most_depth) {
  FaultFinder finder(most_depth);
  nlohmann::json::sax_parse(text, &finder);
  return finder.fault();
}

}  // namespace corank
