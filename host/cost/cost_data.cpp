#include "host/cost/cost_data.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "host/cost/cost_formulas.h"
#include "host/cost/cost_texts.h"

namespace corank {
namespace {

std::vector<FitPoint> points_of(const nlohmann::json& json) {
  std::vector<FitPoint> points;
  for (const nlohmann::json& point : json) {
    const nlohmann::json& error = point.at("error");
    points.push_back({cost_sizes(point.at("sizes")), point.at("area_um2").get<double>(),
                      point.value("delay_ns", 0.0), error.at("area_um2").get<double>(),
                      error.value("delay_ns", 0.0)});
  }
  return points;
}

std::vector<SramEnergyData> energy_of(const nlohmann::json& json) {
  SramEnergy grid;
  for (const nlohmann::json& kib : json.at("kib")) grid.bytes.push_back(kib.get<double>() * 1024);
  for (const nlohmann::json& bits : json.at("bits")) grid.bits.push_back(bits.get<double>());
  const auto filled = [&](const nlohmann::json& rows) {
    SramEnergy energy = grid;
    for (const nlohmann::json& row : rows)
      energy.access_pj.push_back(row.get<std::vector<double>>());
    return energy;
  };
  std::vector<SramEnergyData> nodes;
  for (const nlohmann::json& node : json.at("nodes"))
    nodes.push_back(
        {node.at("node_nm").get<int>(), filled(node.at("read_pj")), filled(node.at("write_pj"))});
  return nodes;
}

}  // namespace

FitData parse_fit(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  FitData data;
  data.rtl = json.at("rtl").get<std::string>();
  data.made_by = json.at("made_by").get<std::string>();
  const nlohmann::json& tools = json.at("tools");
  data.tools = "Yosys " + tools.at("yosys").get<std::string>() + ", OpenSTA " +
               tools.at("opensta").get<std::string>();
  data.fitted = points_of(json.at("fitted"));
  data.held_out = points_of(json.at("held_out"));
  for (const nlohmann::json& part : json.at("parts"))
    data.fit.parts.push_back({part.at("path").get<std::string>(), cost_formula(part.at("area_um2")),
                              cost_formula(part.at("flops")), cost_formula(part.at("leakage_nw"))});
  data.fit.rams = cost_rams(json.at("rams"));
  for (const nlohmann::json& delay : json.at("delays"))
    data.fit.delays.push_back(
        {delay.at("unit").get<std::string>(), cost_formula(delay.at("delay_ns"))});
  return data;
}

SramData parse_sram(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  const nlohmann::json& area = json.at("area");
  SramData data;
  data.node_nm = area.at("node_nm").get<int>();
  data.source = area.at("source").get<std::string>();
  data.quality = area.at("quality").get<std::string>();
  for (const nlohmann::json& point : area.at("points")) {
    const nlohmann::json& mm = point.at("mm");
    data.points.push_back({point.at("kib").get<double>() * 1024,
                           mm.at(0).get<double>() * mm.at(1).get<double>() * 1e6});
  }
  data.energy = energy_of(json.at("energy"));
  data.energy_source = json.at("energy").at("source").get<std::string>();
  return data;
}

const FitData& fit_data() {
  static const FitData data = parse_fit(kFitText);
  return data;
}

const SramData& sram_data() {
  static const SramData data = parse_sram(kSramText);
  return data;
}

FitError largest_error(const std::vector<FitPoint>& points) {
  FitError error;
  for (const FitPoint& point : points) {
    error.area = std::max(error.area, std::abs(point.area_error));
    error.delay = std::max(error.delay, std::abs(point.delay_error));
  }
  return error;
}

}  // namespace corank
