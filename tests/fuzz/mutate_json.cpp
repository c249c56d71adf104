#include <nlohmann/json.hpp>

#include "tests/fuzz/mutate.h"

namespace corank::fuzz {
namespace {

using Json = nlohmann::ordered_json;

/// Every object and list of the document that holds something.
void collect(Json& value, std::vector<Json*>& holders) {
  if (!value.is_structured()) return;
  if (!value.empty()) holders.push_back(&value);
  for (Json& item : value) collect(item, holders);
}

/// A value of any type; of a number often one near it.
Json other_value(Random& random, const Json& value) {
  if (value.is_boolean() && percent(random, 60)) return !value.get<bool>();
  if (value.is_number_integer() && percent(random, 60)) {
    const auto number = value.get<std::int64_t>();
    const Json near[] = {number + 1, number - 1, -number, number / 2, number * 2, number + 0.5};
    return near[random() % std::size(near)];
  }
  Json odd = Json::parse(odd_scalar(random), nullptr, false);
  return odd.is_discarded() ? Json("q_proj") : odd;
}

void change_object(Random& random, Json& object) {
  auto member = object.begin();
  std::advance(member, random() % object.size());
  const std::string key = member.key();
  const Json value = member.value();
  switch (random() % 8) {
    case 0:
      object.erase(key);
      break;
    case 1: {  // by a name with a mistake in it
      std::string name = key;
      mutate_bytes(random, name);
      object[name] = value;
      break;
    }
    case 2: {  // two values exchanged
      auto other = object.begin();
      std::advance(other, random() % object.size());
      std::swap(member.value(), other.value());
      break;
    }
    case 3:
      member.value() = percent(random, 50) ? Json{value} : Json{{key, value}};
      break;
    default:
      member.value() = other_value(random, value);
  }
}

void change_list(Random& random, Json& list) {
  const std::size_t at = random() % list.size();
  const Json value = list[at];
  switch (random() % 3) {
    case 0:
      list.erase(at);
      break;
    case 1:
      list.push_back(value);
      break;
    default:
      list[at] = other_value(random, value);
  }
}

}  // namespace

void mutate_json(Random& random, std::string& text) {
  Json document = Json::parse(text, nullptr, false);
  std::vector<Json*> holders;
  if (!document.is_discarded()) collect(document, holders);
  if (holders.empty()) return mutate_text(random, text);
  Json& holder = *draw::one_of(random, holders);
  holder.is_object() ? change_object(random, holder) : change_list(random, holder);
  text = document.dump(1, ' ', false, Json::error_handler_t::ignore);
}

}  // namespace corank::fuzz
