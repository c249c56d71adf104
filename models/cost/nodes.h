// From the node at which something is known to another one, by figures that were published.
#pragma once

#include <array>

namespace corank {

/// What the figures of a node are relative to those of the 180 nm cells.
struct NodeScaling {
  int nm = 0;
  double area = 1;  // of logic
  double fo4_ps = 0;
  double energy = 1;  // of an edge of logic
};

// Area: A. Stillmaker and B. Baas, "Scaling equations for the accurate prediction of CMOS device
// performance from 180 nm to 7 nm", Integration 58 (2017) 74-81, its table of area factors; 28 nm
// lies between its 32 nm (0.025) and 20 nm (0.011) on a line in the logarithms. FO4 delay: 360 ps a
// um of drawn gate length (R. Ho, K. Mai, M. Horowitz, "The future of wires", Proc. IEEE 89, 2001),
// which holds for planar transistors; 7 nm is the 11.5 ps which that gives at 32 nm, times what
// Stillmaker and Baas' delay polynomials give from 32 nm (HP, 0.9 V) to 7 nm (HP, 0.7 V): 0.39.
// Energy: their polynomials of the supply voltage V, a V^2 + b V + c, over that of 180 nm at 1.8 V
// (24.64 V - 17.98 = 26.372): 45 nm HP, 1.018 V^2 - 0.3107 V + 0.1539 at 0.9 V; 7 nm HP,
// 0.1776 V^2 - 0.09097 V + 0.02447 at 0.7 V; 28 nm on a line in the logarithms between 32 nm HP
// (0.4571) and 20 nm HP (0.2008) at 0.9 V.
inline constexpr std::array<NodeScaling, 4> kNodes = {{{180, 1.0, 64.8, 1.0},
                                                       {45, 0.053, 16.2, 0.0265},
                                                       {28, 0.0198, 10.1, 0.0137},
                                                       {7, 0.0032, 4.5, 0.00181}}};

/// nullptr for a node without figures.
inline const NodeScaling* node_scaling(int nm) {
  for (const NodeScaling& node : kNodes)
    if (node.nm == nm) return &node;
  return nullptr;
}

/// How many times longer everything takes at a node than with the 180 nm cells.
inline double delay_factor(const NodeScaling& node) { return node.fo4_ps / kNodes[0].fo4_ps; }

}  // namespace corank
