// configs/cost/fit.json, xilinx7.json, energy.json and sram.json as they were when this program was
// built.
#pragma once

namespace corank {

extern const char* const kFitText;
extern const char* const kFpgaText;
extern const char* const kGateEnergyText;
extern const char* const kSramText;

}  // namespace corank
