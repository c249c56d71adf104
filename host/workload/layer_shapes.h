// Layers given by their sizes alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace corank {

/// A linear layer with a LoRA adapter; `repeat` of the same one after another.
struct LayerShape {
  std::string name;
  std::int64_t in = 0, out = 0;
  int rank = 0;
  double alpha = 0;  // 0: twice the rank
  bool bias = false;
  int repeat = 1;
};

struct LayerShapes {
  std::int64_t tokens = 0;
  int repeat = 1;                     // of the whole list, one after another
  std::vector<std::string> adapters;  // names of the layers that have one; empty: every layer
  std::vector<LayerShape> layers;
};

}  // namespace corank
