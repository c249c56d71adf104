#include "sim/gates/netlist.h"

#include <numeric>
#include <regex>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "sim/gates/verilog.h"

namespace corank::gates {
namespace {

constexpr const char* kRamPrefix = "ram_1r1w";

// Which nets are one: the lowest number stands for all of them, so that a constant does.
class Unions {
 public:
  Net add() {
    parent_.push_back(static_cast<Net>(parent_.size()));
    return parent_.back();
  }
  Net find(Net net) {
    while (parent_[net] != net) net = parent_[net] = parent_[parent_[net]];
    return net;
  }
  void join(Net a, Net b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }
  std::size_t size() const { return parent_.size(); }

 private:
  std::vector<Net> parent_;
};

struct PlacedCell {
  const Cell* cell = nullptr;
  std::map<std::string, Net> pins;
  std::uint32_t unit = 0;
};

/// Puts every instance into one netlist.
class Flattening {
 public:
  Flattening(const std::vector<Module>& modules, const CellTable& cells) : cells_(cells) {
    std::set<std::string> used;
    for (const Module& module : modules) {
      modules_[module.name] = &module;
      for (const Instance& instance : module.instances) used.insert(instance.kind);
    }
    const Module* top = nullptr;
    for (const Module& module : modules)
      if (used.count(module.name) == 0) top = &module;
    if (top == nullptr) throw std::runtime_error("no module that nobody instantiates");
    nets_.add();  // kLow, kHigh
    nets_.add();
    place(*top, "", {});
  }

  Netlist result(const std::string& clock) {
    const std::vector<Net> clock_port = netlist_.ports[clock];
    if (clock_port.size() != 1) throw std::runtime_error("no port '" + clock + "' of one bit");
    number_nets();
    const Net clock_net = number_[nets_.find(clock_port[0])];
    for (auto& [name, bits] : netlist_.ports) renumber(bits);
    for (Ram& ram : netlist_.rams) {
      for (auto* bits : {&ram.read_address, &ram.read_data, &ram.write_address, &ram.write_data})
        renumber(*bits);
      ram.read_enable = number_[nets_.find(ram.read_enable)];
      ram.write_enable = number_[nets_.find(ram.write_enable)];
      for (const Net net : ram.read_data) netlist_.unit[net] = ram.unit;
    }
    for (PlacedCell& placed : placed_) connect(placed, clock_net);
    add_energy();
    return std::move(netlist_);
  }

 private:
  void place(const Module& module, const std::string& path,
             const std::map<std::string, std::vector<Net>>& bound) {
    std::vector<Net> nets = {kLow, kHigh};
    while (nets.size() < module.nets) nets.push_back(nets_.add());
    const auto global = [&](const std::vector<std::uint32_t>& local) {
      std::vector<Net> bits;
      bits.reserve(local.size());
      for (const std::uint32_t net : local) bits.push_back(nets[net]);
      return bits;
    };
    for (const auto& [name, bits] : module.ports) {
      const std::vector<Net> inside = global(bits);
      netlist_.ports[path.empty() ? name : path + "." + name] = inside;
      const auto outside = bound.find(name);
      if (outside == bound.end()) continue;
      if (outside->second.size() != inside.size())
        throw std::runtime_error(path + "." + name + ": connected with another width");
      for (std::size_t bit = 0; bit < inside.size(); ++bit)
        nets_.join(inside[bit], outside->second[bit]);
    }
    for (const auto& [a, b] : module.same) nets_.join(nets[a], nets[b]);
    const auto unit = static_cast<std::uint32_t>(netlist_.units.size());
    netlist_.units.push_back(path);
    for (const Instance& instance : module.instances) {
      std::map<std::string, std::vector<Net>> pins;
      for (const auto& [name, bits] : instance.ports)
        if (!bits.empty()) pins[name] = global(bits);
      place_instance(instance, path, unit, pins);
    }
  }

  void place_instance(const Instance& instance, const std::string& path, std::uint32_t unit,
                      const std::map<std::string, std::vector<Net>>& pins) {
    const std::string name = path.empty() ? instance.name : path + "/" + instance.name;
    if (const auto cell = cells_.cells.find(instance.kind); cell != cells_.cells.end()) {
      PlacedCell placed{&cell->second, {}, unit};
      for (const auto& [pin, bits] : pins) placed.pins[pin] = bits.at(0);
      placed_.push_back(std::move(placed));
    } else if (instance.kind.rfind(kRamPrefix, 0) == 0) {
      const auto of = [&](const char* port) {
        const auto found = pins.find(port);
        if (found == pins.end()) throw std::runtime_error(name + ": no port " + port);
        return found->second;
      };
      netlist_.rams.push_back({of("read_address_i"), of("read_data_o"), of("write_address_i"),
                               of("write_data_i"), of("read_enable_i")[0], of("write_enable_i")[0],
                               static_cast<std::uint32_t>(netlist_.units.size())});
      netlist_.units.push_back(name);
    } else if (const auto module = modules_.find(instance.kind); module != modules_.end()) {
      place(*module->second, name, pins);
    } else {
      throw std::runtime_error(name + ": no cell or module '" + instance.kind + "'");
    }
  }

  void number_nets() {
    number_.assign(nets_.size(), 0);
    Net next = 0;
    for (Net net = 0; net < nets_.size(); ++net)
      if (nets_.find(net) == net) number_[net] = next++;
    netlist_.unit.assign(next, 0);
    netlist_.energy.assign(next, {});
    load_pf_.assign(next, 0);
    driver_.assign(next, nullptr);
  }

  void renumber(std::vector<Net>& bits) {
    for (Net& net : bits) net = number_[nets_.find(net)];
  }

  void connect(PlacedCell& placed, Net clock_net) {
    const Cell& cell = *placed.cell;
    const auto net_of = [&](const std::string& pin) {
      const auto found = placed.pins.find(pin);
      return found == placed.pins.end() ? kLow : number_[nets_.find(found->second)];
    };
    Gate gate;
    for (std::size_t i = 0; i < cell.inputs.size(); ++i) {
      const std::string& pin = cell.inputs[i];
      const Net net = net_of(pin);
      if (!cell.is_flop()) gate.inputs.at(i) = net;
      if (pin == cell.clock) {
        if (net != clock_net)
          throw std::runtime_error(netlist_.units[placed.unit] + ": a flip-flop has another clock");
        continue;
      }
      const EdgeEnergy& own = cell.input_energy.at(pin);
      load_pf_[net] += cell.capacitance_pf.at(pin);
      netlist_.energy[net].rise_pj += own.rise_pj;
      netlist_.energy[net].fall_pj += own.fall_pj;
    }
    for (const CellOutput& output : cell.outputs) {
      if (placed.pins.count(output.pin) == 0) continue;
      gate.output = net_of(output.pin);
      gate.table = static_cast<std::uint16_t>(output.table);
      netlist_.unit[gate.output] = placed.unit;
      driver_[gate.output] = &output;
      if (cell.is_flop()) {
        netlist_.flops.push_back({net_of(cell.data), gate.output, placed.unit});
        const EdgeEnergy& inside = cell.input_energy.at(cell.clock);
        netlist_.clock_pj = inside.rise_pj + inside.fall_pj +
                            cell.capacitance_pf.at(cell.clock) * cells_.volts * cells_.volts;
      } else {
        netlist_.gates.push_back(gate);
      }
    }
  }

  void add_energy() {
    static const OutputEnergy kNobody;
    for (Net net = 0; net < load_pf_.size(); ++net) {
      const OutputEnergy& internal = driver_[net] != nullptr ? driver_[net]->energy : kNobody;
      const EdgeEnergy edge = energy_of_edge(internal, load_pf_[net], cells_.volts);
      netlist_.energy[net].rise_pj += edge.rise_pj;
      netlist_.energy[net].fall_pj += edge.fall_pj;
    }
  }

  const CellTable& cells_;
  std::unordered_map<std::string, const Module*> modules_;
  Unions nets_;
  std::vector<Net> number_;  // of what stands for a net: its number in the result
  std::vector<PlacedCell> placed_;
  std::vector<double> load_pf_;
  std::vector<const CellOutput*> driver_;
  Netlist netlist_;
};

}  // namespace

Netlist flatten(const std::string& verilog, const CellTable& cells, const std::string& clock) {
  return Flattening(parse_verilog(verilog), cells).result(clock);
}

}  // namespace corank::gates
