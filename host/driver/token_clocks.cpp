#include "host/driver/token_clocks.h"

#include <algorithm>

namespace corank {

using namespace interface;

std::optional<Engine> engine_of(const CommandWords& words) {
  switch (words[0] & 0xff) {
    case LoadCommand::kOpcode:
    case LoadQuantizedCommand::kOpcode:
    case LoadScalesCommand::kOpcode:
    case GatherCommand::kOpcode:
      return Engine::kLoad;
    case GemmCommand::kOpcode:
      return Engine::kArray;
    case VectorCommand::kOpcode:
      return Engine::kVector;
    case StoreCommand::kOpcode:
    case ScatterCommand::kOpcode:
      return Engine::kStore;
    default:
      return std::nullopt;
  }
}

std::optional<OfUnits> TokenClocks::next(Engine unit, std::uint32_t tokens) {
  if (!take(unit, tokens)) return std::nullopt;
  Unit& own = unit_at(unit);
  own.waiting.push_back(commands_);
  if (own.waiting.size() > queue_depth_) {
    own.started = own.waiting.front();
    own.waiting.pop_front();
  }
  give(unit, tokens);
  ++commands_;
  return own.complete;
}

void TokenClocks::next_is_halt() {
  for (Unit& unit : units_) unit.complete.fill(commands_ - 1);
  ++commands_;
}

bool TokenClocks::take(Engine unit, std::uint32_t tokens) {
  OfUnits& complete = unit_at(unit).complete;
  for (const Engine from : kUnits) {
    if ((tokens & token(from, unit)) == 0) continue;
    Tokens& kind = tokens_of({from, unit});
    if (kind.given.empty()) {
      missing_ = from;
      return false;
    }
    const OfUnits& with_it = kind.given.front();
    for (std::size_t i = 0; i < complete.size(); ++i)
      complete[i] = std::max(complete[i], with_it[i]);
    kind.given.pop_front();
    kind.takers.push_back(commands_);
  }
  return true;
}

void TokenClocks::give(Engine unit, std::uint32_t tokens) {
  OfUnits complete = unit_at(unit).complete;
  complete[static_cast<std::size_t>(unit)] = commands_;
  for (const Engine to : kUnits) {
    if ((tokens >> kFirstSignal & token(unit, to)) == 0) continue;
    tokens_of({unit, to}).given.push_back(complete);
    count_given({unit, to}, complete);
  }
}

void TokenClocks::count_given(const Pair& pair, const OfUnits& complete) {
  Tokens& kind = tokens_of(pair);
  const std::int32_t started =
      pair.from == pair.to
          ? commands_
          : std::max(complete[static_cast<std::size_t>(pair.to)], unit_at(pair.to).started);
  while (!kind.takers.empty() && kind.takers.front() <= started) {
    kind.takers.pop_front();
    --kind.open;
  }
  if (++kind.open <= kMostTokens || kind.overflows) return;
  kind.overflows = true;
  overflows_.push_back({pair, commands_});
}

std::vector<TokenClocks::Given> TokenClocks::left_over() const {
  std::vector<Given> left;
  for (const Engine from : kUnits) {
    const auto giver = static_cast<std::size_t>(from);
    for (const Engine to : kUnits) {
      for (const OfUnits& complete : tokens_[giver][static_cast<std::size_t>(to)].given)
        left.push_back({{from, to}, complete[giver]});
    }
  }
  return left;
}

}  // namespace corank
