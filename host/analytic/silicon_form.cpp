#include "host/analytic/silicon_form.h"

#include <algorithm>
#include <cmath>

#include "host/cost/cost_data.h"
#include "host/energy/machine_silicon.h"
#include "models/base/error.h"
#include "models/cost/nodes.h"

namespace corank {

SiliconForm::SiliconForm(int node_nm) : node_nm_(node_nm) {
  const NodeScaling* node = node_scaling(node_nm);
  if (node == nullptr) throw MachineError("the closed form of the silicon has no such node");
  area_ = node->area;
  time_ = delay_factor(*node);
  ram_area_ = node->area / node_scaling(sram_data().node_nm)->area;
  const SramEnergyData& energy = sram_energy_near(node_nm);
  read_ = &energy.read;
  write_ = &energy.write;
  for (int decoder = 0; decoder < 2; ++decoder) {
    MachineShape shape;
    shape.decoder = decoder;
    Form& form = forms_[static_cast<std::size_t>(decoder)];
    form.fit = fit_of(shape);
    for (const RamPart& ram : form.fit.rams) {
      const std::string unit = unit_of_path(ram.path);
      form.rams.push_back({ram.count, ram.words, ram.width,
                           unit == kScratchpadUnit    ? Memory::kScratchpad
                           : unit == kAccumulatorUnit ? Memory::kAccumulators
                                                      : Memory::kOther});
    }
  }
}

SiliconForm::Macro SiliconForm::macro_of(const Ram& ram, const MachineSizes& sizes,
                                         const MachineShape& shape) {
  Macro macro;
  macro.count = std::round(value_of(ram.count, sizes));
  macro.width =
      std::round(value_of(ram.width, sizes)) + (ram.memory != Memory::kOther ? shape.parity : 0);
  macro.bytes = std::round(value_of(ram.words, sizes)) * macro.width / 8;
  return macro;
}

SiliconFigures SiliconForm::of(const MachineShape& shape) const {
  const MachineSizes sizes = sizes_of(shape);
  const Form& form = form_of(shape);
  SiliconFigures figures;
  const AreaAndDelay logic = area_and_delay_of(form.fit, sizes);
  figures.logic_mm2 = logic.area_um2 * area_ / 1e6;
  figures.fmax_mhz = logic.delay_ns > 0 ? 1e3 / (logic.delay_ns * time_) : 0;
  for (const CostPart& part : form.fit.parts) figures.flops += amount_of(part.flops, sizes);
  double ram_um2 = 0, bytes = 0;
  for (const Ram& ram : form.rams) {
    const Macro macro = macro_of(ram, sizes, shape);
    ram_um2 += macro.count * sram_area_um2(sram_data().points, macro.bytes) * ram_area_;
    bytes += macro.count * macro.bytes;
  }
  figures.area_mm2 = figures.logic_mm2 + ram_um2 / 1e6;
  figures.memory_kib = bytes / 1024;
  return figures;
}

double SiliconForm::access_ratio(const MachineShape& shape, bool accumulators, bool writes,
                                 double kib, double bits) const {
  const MachineSizes sizes = sizes_of(shape);
  const SramEnergy& points = writes ? *write_ : *read_;
  const Memory memory = accumulators ? Memory::kAccumulators : Memory::kScratchpad;
  double bytes = 0, weighted = 0;
  for (const Ram& ram : form_of(shape).rams) {
    if (ram.memory != memory) continue;
    const Macro macro = macro_of(ram, sizes, shape);
    if (macro.count == 0) continue;
    const double all = macro.count * macro.bytes;
    bytes += all;
    weighted += all * sram_byte_pj(points, macro.bytes, macro.width);
  }
  return weighted / bytes / sram_byte_pj(points, kib * 1024, bits);
}

}  // namespace corank
