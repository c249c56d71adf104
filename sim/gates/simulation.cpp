#include "sim/gates/simulation.h"

#include <algorithm>
#include <stdexcept>

namespace corank::gates {
namespace {

constexpr std::uint32_t kNobody = ~std::uint32_t{0};

/// Of each gate: one more than that of the highest gate that it hangs on.
std::vector<std::uint32_t> levels_of(const Netlist& netlist,
                                     const std::vector<std::uint32_t>& first,
                                     const std::vector<std::uint32_t>& loads) {
  std::vector<std::uint32_t> level(netlist.gates.size(), 0), missing(netlist.gates.size(), 0);
  std::vector<std::uint32_t> driver(netlist.energy.size(), kNobody), ready;
  for (std::uint32_t g = 0; g < netlist.gates.size(); ++g) driver[netlist.gates[g].output] = g;
  for (std::uint32_t g = 0; g < netlist.gates.size(); ++g) {
    for (const Net net : netlist.gates[g].inputs) missing[g] += driver[net] != kNobody ? 1 : 0;
    if (missing[g] == 0) ready.push_back(g);
  }
  for (std::size_t done = 0; done < ready.size(); ++done) {
    const Net net = netlist.gates[ready[done]].output;
    for (std::uint32_t i = first[net]; i < first[net + 1]; ++i) {
      const std::uint32_t load = loads[i];
      level[load] = std::max(level[load], level[ready[done]] + 1);
      if (--missing[load] == 0) ready.push_back(load);
    }
  }
  if (ready.size() < netlist.gates.size())
    throw std::runtime_error("the netlist has a loop of gates");
  return level;
}

}  // namespace

Simulation::Simulation(const Netlist& netlist)
    : netlist_(netlist),
      values_(netlist.energy.size(), 0),
      first_load_(netlist.energy.size() + 1, 0),
      is_waiting_(netlist.gates.size(), 1),
      next_(netlist.flops.size(), 0),
      rises_(netlist.energy.size(), 0),
      falls_(netlist.energy.size(), 0),
      ram_reads_(netlist.rams.size(), 0),
      ram_writes_(netlist.rams.size(), 0) {
  values_[kHigh] = 1;
  for (const Gate& gate : netlist.gates)
    for (const Net net : gate.inputs) ++first_load_[net + 1];
  for (std::size_t net = 1; net < first_load_.size(); ++net)
    first_load_[net] += first_load_[net - 1];
  std::vector<std::uint32_t> next = first_load_;
  loads_.resize(first_load_.back());
  for (std::uint32_t g = 0; g < netlist.gates.size(); ++g)
    for (const Net net : netlist.gates[g].inputs) loads_[next[net]++] = g;
  level_ = levels_of(netlist, first_load_, loads_);
  for (std::uint32_t g = 0; g < netlist.gates.size(); ++g) {
    if (level_[g] >= waiting_.size()) waiting_.resize(level_[g] + 1);
    waiting_[level_[g]].push_back(g);
  }
  for (const Ram& ram : netlist.rams) {
    words_.emplace_back(std::size_t{1} << ram.read_address.size(), Word(ram.read_data.size(), 0));
  }
  read_.resize(netlist.rams.size());
}

void Simulation::set(Net net, std::uint8_t value) {
  if (values_[net] == value) return;
  values_[net] = value;
  changed_ = true;
  if (counting_) ++(value != 0 ? rises_ : falls_)[net];
  for (std::uint32_t i = first_load_[net]; i < first_load_[net + 1]; ++i) {
    const std::uint32_t gate = loads_[i];
    if (is_waiting_[gate] != 0) continue;
    is_waiting_[gate] = 1;
    waiting_[level_[gate]].push_back(gate);
  }
}

void Simulation::drive(Net net, bool value) {
  if (net > kHigh) set(net, value ? 1 : 0);
}

void Simulation::settle() {
  for (auto& gates : waiting_) {
    for (const std::uint32_t g : gates) {
      const Gate& gate = netlist_.gates[g];
      is_waiting_[g] = 0;
      const unsigned inputs = values_[gate.inputs[0]] | values_[gate.inputs[1]] << 1u |
                              values_[gate.inputs[2]] << 2u | values_[gate.inputs[3]] << 3u;
      set(gate.output, gate.table >> inputs & 1u);
    }
    gates.clear();
  }
}

void Simulation::clock_ram(std::size_t index) {
  const Ram& ram = netlist_.rams[index];
  const auto address = [&](const std::vector<Net>& bits) {
    std::size_t number = 0;
    for (std::size_t bit = 0; bit < bits.size(); ++bit)
      number |= std::size_t{values_[bits[bit]]} << bit;
    return number;
  };
  read_[index].reset();
  if (value(ram.read_enable)) {
    read_[index] = words_[index][address(ram.read_address)];
    ram_reads_[index] += counting_ ? 1 : 0;
  }
  if (value(ram.write_enable)) {
    Word& word = words_[index][address(ram.write_address)];
    for (std::size_t bit = 0; bit < word.size(); ++bit) {
      changed_ = changed_ || word[bit] != values_[ram.write_data[bit]];
      word[bit] = values_[ram.write_data[bit]];
    }
    ram_writes_[index] += counting_ ? 1 : 0;
  }
}

void Simulation::edge() {
  for (std::size_t f = 0; f < next_.size(); ++f) next_[f] = values_[netlist_.flops[f].data];
  for (std::size_t r = 0; r < netlist_.rams.size(); ++r) clock_ram(r);
  for (std::size_t f = 0; f < next_.size(); ++f) set(netlist_.flops[f].output, next_[f]);
  for (std::size_t r = 0; r < netlist_.rams.size(); ++r) {
    if (!read_[r]) continue;
    const Ram& ram = netlist_.rams[r];
    for (std::size_t bit = 0; bit < ram.read_data.size(); ++bit)
      set(ram.read_data[bit], (*read_[r])[bit]);
  }
}

bool Simulation::changed() {
  const bool since = changed_;
  changed_ = false;
  return since;
}

std::vector<UnitActivity> Simulation::activity() const {
  std::vector<UnitActivity> units(netlist_.units.size());
  for (std::size_t net = 0; net < values_.size(); ++net) {
    const EdgeEnergy& edge = netlist_.energy[net];
    units[netlist_.unit[net]].switching_pj += static_cast<double>(rises_[net]) * edge.rise_pj +
                                              static_cast<double>(falls_[net]) * edge.fall_pj;
  }
  for (const Flop& flop : netlist_.flops) units[flop.unit].flops += 1;
  for (std::size_t r = 0; r < netlist_.rams.size(); ++r) {
    units[netlist_.rams[r].unit].ram_reads += ram_reads_[r];
    units[netlist_.rams[r].unit].ram_writes += ram_writes_[r];
  }
  return units;
}

}  // namespace corank::gates
