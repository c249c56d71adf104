// The accelerator's gates behind the C functions of pins.h, as a shared library: what stands in the
// place of the verilated RTL where CORANK_MACHINE names it. The folder CORANK_NETLIST has the
// netlist and the cells (host/cost/synthesis/gates.py). Into the file CORANK_GATE_ENERGY it writes
// at its end what every part of it took while the counter `cycles` counted.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/gates/netlist.h"
#include "sim/gates/simulation.h"
#include "sim/machine/pins.h"

namespace corank {

using gates::Net;
using Nets = std::vector<Net>;

struct VerilatedMachine {
  gates::Netlist netlist;
  std::unique_ptr<gates::Simulation> simulation;
  std::int64_t cycles = 0;  // that were counted
  std::string error;
  // Where commands are seen.
  Nets head;
  Net head_next = 0, counting = 0;
  Nets valid[kUnits], ready[kUnits], command[kUnits], completion[kUnits];
};

namespace {

constexpr const char* kCounting = "u_registers/u_counters.counting_i";
constexpr const char* kHead = "u_command_processor.ring_head_o";
constexpr const char* kUnitNames[kUnits] = {"u_load_unit", "u_array_unit", "u_vector_unit",
                                            "u_store_unit"};
// queued_command_t and completion_t of accelerator_pkg.
constexpr std::size_t kIndexOfCommand = 512, kIndexOfCompletion = 16, kValidOfCompletion = 48;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Nets port(const VerilatedMachine& machine, const std::string& name) {
  const auto found = machine.netlist.ports.find(name);
  if (found == machine.netlist.ports.end())
    throw std::runtime_error("the netlist has no port " + name);
  return found->second;
}

void open_netlist(VerilatedMachine& machine) {
  const std::string folder = variable("CORANK_NETLIST");
  if (folder.empty())
    throw std::runtime_error("CORANK_NETLIST: expected the folder of a netlist, found nothing");
  const std::string path = folder + "/netlist.v";
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || !text) throw std::runtime_error(path + ": cannot be read");
  try {
    machine.netlist = flatten(text.str(), gates::read_cell_table(folder + "/cells.json"), "clk_i");
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
  machine.simulation = std::make_unique<gates::Simulation>(machine.netlist);
  machine.counting = port(machine, kCounting)[0];
  machine.head = port(machine, kHead);
  for (const gates::Flop& flop : machine.netlist.flops)
    if (flop.output == machine.head[0]) machine.head_next = flop.data;
  for (int u = 0; u < kUnits; ++u) {
    const std::string queue =
        "u_command_queues/gen_unit[" + std::to_string(u) + "].u_oldest_command.";
    machine.valid[u] = port(machine, queue + "command_valid_o");
    machine.ready[u] = port(machine, queue + "command_ready_i");
    machine.command[u] = port(machine, queue + "command_o");
    machine.completion[u] = port(machine, std::string(kUnitNames[u]) + ".completion_o");
  }
}

template <typename Number>
void drive(VerilatedMachine& machine, const char* name, Number value) {
  const Nets& nets = machine.netlist.ports.at(name);
  for (std::size_t bit = 0; bit < nets.size(); ++bit)
    machine.simulation->drive(nets[bit], (static_cast<std::uint64_t>(value) >> bit & 1u) != 0);
}

std::uint64_t sample(const VerilatedMachine& machine, const Nets& nets, std::size_t first = 0,
                     std::size_t width = 64) {
  std::uint64_t value = 0;
  for (std::size_t bit = 0; bit < width && first + bit < nets.size(); ++bit)
    value |= std::uint64_t{machine.simulation->value(nets[first + bit])} << bit;
  return value;
}

template <typename Number>
void sample(const VerilatedMachine& machine, const char* name, Number& value) {
  value = static_cast<Number>(sample(machine, machine.netlist.ports.at(name)));
}

void drive_pins(VerilatedMachine& m, const MachinePins& p) {
  drive(m, "s_axil_awvalid_i", p.s_axil_awvalid);
  drive(m, "s_axil_awaddr_i", p.s_axil_awaddr);
  drive(m, "s_axil_wvalid_i", p.s_axil_wvalid);
  drive(m, "s_axil_wdata_i", p.s_axil_wdata);
  drive(m, "s_axil_bready_i", p.s_axil_bready);
  drive(m, "s_axil_arvalid_i", p.s_axil_arvalid);
  drive(m, "s_axil_araddr_i", p.s_axil_araddr);
  drive(m, "s_axil_rready_i", p.s_axil_rready);
  drive(m, "m_axi_awready_i", p.m_axi_awready);
  drive(m, "m_axi_wready_i", p.m_axi_wready);
  drive(m, "m_axi_bvalid_i", p.m_axi_bvalid);
  drive(m, "m_axi_bid_i", p.m_axi_bid);
  drive(m, "m_axi_bresp_i", p.m_axi_bresp);
  drive(m, "m_axi_arready_i", p.m_axi_arready);
  drive(m, "m_axi_rvalid_i", p.m_axi_rvalid);
  drive(m, "m_axi_rlast_i", p.m_axi_rlast);
  drive(m, "m_axi_rid_i", p.m_axi_rid);
  drive(m, "m_axi_rresp_i", p.m_axi_rresp);
  if (!p.m_axi_rvalid) return;
  const Nets& data = m.netlist.ports.at("m_axi_rdata_i");
  for (std::size_t bit = 0; bit < data.size(); ++bit)
    m.simulation->drive(data[bit], (p.m_axi_rdata[bit / 8] >> (bit % 8) & 1) != 0);
}

void sample_trace(const VerilatedMachine& m, MachinePins& p) {
  const gates::Simulation& s = *m.simulation;
  p.trace_issue_valid = s.value(m.head[0]) != s.value(m.head_next);  // the head goes on
  p.trace_issue_index = static_cast<std::uint32_t>(sample(m, m.head));
  p.trace_start_valid = p.trace_end_valid = 0;
  for (int u = 0; u < kUnits; ++u) {
    const bool start = s.value(m.valid[u][0]) && s.value(m.ready[u][0]);
    const bool end = s.value(m.completion[u][kValidOfCompletion]);
    p.trace_start_valid = static_cast<std::uint8_t>(p.trace_start_valid | int{start} << u);
    p.trace_end_valid = static_cast<std::uint8_t>(p.trace_end_valid | int{end} << u);
    p.trace_start_index[u] =
        static_cast<std::uint32_t>(sample(m, m.command[u], kIndexOfCommand, 32));
    p.trace_end_index[u] =
        static_cast<std::uint32_t>(sample(m, m.completion[u], kIndexOfCompletion, 32));
  }
}

void sample_pins(const VerilatedMachine& m, MachinePins& p) {
  sample(m, "irq_o", p.irq);
  sample(m, "s_axil_awready_o", p.s_axil_awready);
  sample(m, "s_axil_wready_o", p.s_axil_wready);
  sample(m, "s_axil_bvalid_o", p.s_axil_bvalid);
  sample(m, "s_axil_bresp_o", p.s_axil_bresp);
  sample(m, "s_axil_arready_o", p.s_axil_arready);
  sample(m, "s_axil_rvalid_o", p.s_axil_rvalid);
  sample(m, "s_axil_rresp_o", p.s_axil_rresp);
  sample(m, "s_axil_rdata_o", p.s_axil_rdata);
  sample(m, "m_axi_bready_o", p.m_axi_bready);
  sample(m, "m_axi_rready_o", p.m_axi_rready);
  sample(m, "m_axi_awvalid_o", p.m_axi_awvalid);
  sample(m, "m_axi_awid_o", p.m_axi_awid);
  sample(m, "m_axi_awlen_o", p.m_axi_awlen);
  sample(m, "m_axi_awsize_o", p.m_axi_awsize);
  sample(m, "m_axi_awburst_o", p.m_axi_awburst);
  sample(m, "m_axi_awaddr_o", p.m_axi_awaddr);
  sample(m, "m_axi_arvalid_o", p.m_axi_arvalid);
  sample(m, "m_axi_arid_o", p.m_axi_arid);
  sample(m, "m_axi_arlen_o", p.m_axi_arlen);
  sample(m, "m_axi_arsize_o", p.m_axi_arsize);
  sample(m, "m_axi_arburst_o", p.m_axi_arburst);
  sample(m, "m_axi_araddr_o", p.m_axi_araddr);
  sample(m, "m_axi_wvalid_o", p.m_axi_wvalid);
  if (p.m_axi_wvalid) {
    sample(m, "m_axi_wlast_o", p.m_axi_wlast);
    sample(m, "m_axi_wstrb_o", p.m_axi_wstrb);
    const Nets& data = m.netlist.ports.at("m_axi_wdata_o");
    std::memset(p.m_axi_wdata, 0, sizeof p.m_axi_wdata);
    for (std::size_t byte = 0; byte < data.size() / 8; ++byte)
      p.m_axi_wdata[byte] = static_cast<std::uint8_t>(sample(m, data, byte * 8, 8));
  }
  sample_trace(m, p);
}

void write_energy(const VerilatedMachine& machine, const std::string& path) {
  nlohmann::ordered_json units = nlohmann::ordered_json::array();
  const std::vector<gates::UnitActivity> activity = machine.simulation->activity();
  for (std::size_t u = 0; u < activity.size(); ++u) {
    nlohmann::ordered_json unit{{"unit", machine.netlist.units[u]},
                                {"flops", activity[u].flops},
                                {"switching_pj", activity[u].switching_pj}};
    if (activity[u].ram_reads + activity[u].ram_writes > 0) {
      unit["ram_reads"] = activity[u].ram_reads;
      unit["ram_writes"] = activity[u].ram_writes;
    }
    units.push_back(std::move(unit));
  }
  const nlohmann::ordered_json all{{"cycles", machine.cycles},
                                   {"clock_pj_per_flop", machine.netlist.clock_pj},
                                   {"units", units}};
  const std::string partial = path + ".partial";
  std::ofstream(partial) << all.dump(1) << "\n";
  std::rename(partial.c_str(), path.c_str());
}

template <typename Action>
int guarded(VerilatedMachine* machine, const Action& action) {
  try {
    action();
    return 0;
  } catch (const std::exception& problem) {
    machine->error = problem.what();
    return 1;
  }
}

}  // namespace
}  // namespace corank

#define CORANK_EXPORT extern "C" __attribute__((visibility("default")))

CORANK_EXPORT int corank_machine_version() { return corank::kMachineInterfaceVersion; }

CORANK_EXPORT corank::VerilatedMachine* corank_machine_create() {
  return new corank::VerilatedMachine();
}

CORANK_EXPORT void corank_machine_destroy(corank::VerilatedMachine* machine) {
  const std::string path = corank::variable("CORANK_GATE_ENERGY");
  if (machine->simulation && !path.empty())
    corank::guarded(machine, [&] { corank::write_energy(*machine, path); });
  delete machine;
}

CORANK_EXPORT const char* corank_machine_error(const corank::VerilatedMachine* machine) {
  return machine->error.c_str();
}

CORANK_EXPORT int corank_machine_reset(corank::VerilatedMachine* machine, int cycles) {
  return corank::guarded(machine, [&] {
    corank::open_netlist(*machine);
    corank::drive_pins(*machine, corank::MachinePins{});
    corank::drive(*machine, "rst_ni", 0);
    for (int i = 0; i < cycles; ++i) {
      machine->simulation->settle();
      machine->simulation->edge();
    }
    corank::drive(*machine, "rst_ni", 1);
  });
}

CORANK_EXPORT int corank_machine_clock(corank::VerilatedMachine* machine,
                                       corank::MachinePins* pins) {
  return corank::guarded(machine, [&] {
    corank::gates::Simulation& simulation = *machine->simulation;
    corank::drive_pins(*machine, *pins);
    simulation.settle();
    corank::sample_pins(*machine, *pins);
    // The edges of a cycle are those from its clock to the next.
    const bool counted = simulation.value(machine->counting);
    machine->cycles += counted ? 1 : 0;
    simulation.count(counted);
    simulation.edge();
  });
}

CORANK_EXPORT int corank_machine_clock_compare(corank::VerilatedMachine* machine,
                                               corank::MachinePins* pins, bool* changed) {
  machine->simulation->changed();
  const int failed = corank_machine_clock(machine, pins);
  *changed = machine->simulation->changed();
  return failed;
}

CORANK_EXPORT int corank_machine_open_waves(corank::VerilatedMachine* machine, const char*,
                                            std::uint64_t) {
  return corank::guarded(machine,
                         [] { throw std::runtime_error("a machine of gates writes no waves"); });
}
