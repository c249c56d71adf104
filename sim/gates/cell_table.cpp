#include "sim/gates/cell_table.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace corank::gates {
namespace {

using nlohmann::json;

Cell cell_of(const json& text) {
  Cell cell;
  cell.inputs = text.at("inputs").get<std::vector<std::string>>();
  for (const auto& [pin, capacitance] : text.at("capacitance_pf").items())
    cell.capacitance_pf[pin] = capacitance.get<double>();
  for (const auto& [pin, edges] : text.at("input_pj").items())
    cell.input_energy[pin] = {edges.at(0).get<double>(), edges.at(1).get<double>()};
  if (!text.at("flop").empty()) {
    cell.clock = text.at("flop").at("clock").get<std::string>();
    cell.data = text.at("flop").at("data").get<std::string>();
  }
  for (const auto& [pin, energy] : text.at("output_pj").items()) {
    const unsigned table = cell.is_flop() ? 0 : text.at("outputs").at(pin).get<unsigned>();
    cell.outputs.push_back({pin,
                            table,
                            {energy.at("load_pf").get<std::vector<double>>(),
                             energy.at("rise").get<std::vector<double>>(),
                             energy.at("fall").get<std::vector<double>>()}});
  }
  return cell;
}

double on_line(const std::vector<double>& axis, const std::vector<double>& values, double at) {
  if (axis.size() < 2) return values.empty() ? 0 : values.front();
  const auto upper = std::lower_bound(axis.begin() + 1, axis.end() - 1, at);
  const auto i = static_cast<std::size_t>(upper - axis.begin());
  return values[i - 1] + (at - axis[i - 1]) / (axis[i] - axis[i - 1]) * (values[i] - values[i - 1]);
}

}  // namespace

CellTable read_cell_table(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  try {
    const json text = json::parse(file);
    CellTable table;
    table.volts = text.at("volts").get<double>();
    for (const auto& [name, cell] : text.at("cells").items()) table.cells[name] = cell_of(cell);
    return table;
  } catch (const json::exception&) {
    throw std::runtime_error(path + ": expected the table of cells that gates.py writes");
  }
}

EdgeEnergy energy_of_edge(const OutputEnergy& internal, double load_pf, double volts) {
  const double charge = load_pf * volts * volts / 2;
  return {on_line(internal.load_pf, internal.rise_pj, load_pf) + charge,
          on_line(internal.load_pf, internal.fall_pj, load_pf) + charge};
}

}  // namespace corank::gates
