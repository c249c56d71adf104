#include "host/cost/gate_energy_data.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "host/cost/cost_texts.h"
#include "models/base/error.h"
#include "rtl/interface/interface.h"

namespace corank {
namespace {

[[noreturn]] void unknown(const char* what, const std::string& name) {
  throw MachineError(std::string("the energies of the gates name an unknown ") + what + " '" +
                     name + "'");
}

// "cycles", or "gemm_slots_*" for those of all kinds.
void add_counters(std::vector<std::size_t>& places, const std::string& name) {
  const bool all = !name.empty() && name.back() == '*';
  const std::string start = all ? name.substr(0, name.size() - 1) : name;
  const std::size_t before = places.size();
  for (std::size_t i = 0; i < interface::kCounterNames.size(); ++i) {
    const std::string counter = interface::kCounterNames[i];
    if (all ? counter.rfind(start, 0) == 0 : counter == name) places.push_back(i);
  }
  if (places.size() == before) unknown("counter", name);
}

GateEvent event_of(const nlohmann::json& json) {
  GateEvent event;
  event.event = json.at("event").get<std::string>();
  event.pj = json.at("pj").get<double>();
  for (const nlohmann::json& counter : json.at("counters"))
    add_counters(event.counters, counter.get<std::string>());
  for (const nlohmann::json& size : json.at("sizes")) {
    const int place = place_of_size(size.get<std::string>());
    if (place < 0) unknown("size", size.get<std::string>());
    event.sizes.push_back(static_cast<std::size_t>(place));
  }
  return event;
}

double largest(const nlohmann::json& points, const char* error) {
  double most = 0;
  for (const nlohmann::json& point : points)
    most = std::max(most, std::abs(point.at("error").at(error).get<double>()));
  return most;
}

}  // namespace

GateEnergyData parse_gate_energy(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  GateEnergyData data;
  data.rtl = json.at("rtl").get<std::string>();
  data.made_by = json.at("made_by").get<std::string>();
  data.tools = "Yosys " + json.at("tools").at("yosys").get<std::string>();
  data.energies.clock_pj_per_flop = json.at("clock_pj_per_flop").get<double>();
  for (const nlohmann::json& part : json.at("units")) {
    GateUnit unit;
    unit.unit = part.at("unit").get<std::string>();
    unit.paths = part.at("paths").get<std::vector<std::string>>();
    for (const nlohmann::json& event : part.at("events")) unit.events.push_back(event_of(event));
    data.energies.units.push_back(std::move(unit));
    data.flops.push_back(part.at("flops").get<double>());
  }
  data.fitted = json.at("fitted").size();
  data.held_out = json.at("held_out").size();
  data.error = largest(json.at("held_out"), "total");
  data.switching_error = largest(json.at("held_out"), "switching");
  for (const nlohmann::json& mac : json.at("published"))
    data.published.push_back({mac.at("node_nm").get<int>(), mac.at("mac_pj").get<double>(),
                              mac.at("table").get<std::string>()});
  return data;
}

const GateEnergyData& gate_energy_data() {
  static const GateEnergyData data = parse_gate_energy(kGateEnergyText);
  return data;
}

}  // namespace corank
