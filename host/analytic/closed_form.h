// What a step must take at least on a machine, from its graph's sizes alone: so fast that every
// design of a large space is bounded, and true of every program that the compiler can make of it.
//
// Of each product, M x N over a depth of K, on an array of R x C:
//   Passes. The array takes a tile of at most R x C of the stationary operand at a time. Whatever
//   parts the product is cut into, tiles cover K x N of it for every row that moves, and there are
//   ceil(K / R) ceil(N / C) points in it of which no two lie in one tile. From pass to pass are at
//   least as many cycles as rows move, and R (2, where R is 1). Or the operands change places, all
//   of a contraction alike: then M and N do.
//   Local memories. Each pass reads its rows and its tile from the scratchpad, and writes its sums
//   to the accumulators; all but the first of a chain read them there. A result of BF16 is loaded
//   and stored by the vector unit, which rounds it.
// Bytes of device memory: those of host/report/step_bound.h, where what is taken for granted there
// is not:
//   Frozen products of a pass that share an operand count as one with the columns of all: their
//   sums may be computed in any order.
//   Between a layer's forward and its backward pass the local memories may hold what both read,
//   whatever the order of the layers: they are left out once a layer.
//   Frozen weights that are streamed are read from device memory all the same. Packed ones have at
//   least the bytes of their codes.
//   Sums are not put away and fetched again: the compiler has no such program.
//   Of other graphs than those of layers, each value from outside the step is read once.
// Time: the longest of array, vector unit, port and memory, with what must come before and after:
// the first command and its data, the last result, doorbell and interrupt.
// Energy: these counts times their prices, and what flows all the time for that time.
#pragma once

#include <cstdint>
#include <vector>

#include "host/analytic/silicon_form.h"
#include "host/config/config.h"

namespace corank {

/// Of a workload; whatever else a configuration says.
struct ClosedForm {
  struct Product {
    double rows = 0, columns = 0, depth = 0, batch = 1;
  };
  /// A contraction, of which there are so many alike.
  struct Contraction {
    std::vector<Product> terms;
    bool rounded = false;  // its result is BF16
    double times = 1;
  };
  /// Frozen products that are bounded together, so many alike.
  struct FrozenProduct {
    double rows = 0, columns = 0, depth = 0;
    double weight_bytes = 2;  // of an element in device memory, at least
    double times = 1;
    bool backward = false;
    double others = 0;  // of a backward pass: bytes that its layer reads beside
  };
  std::vector<Contraction> contractions;
  std::vector<FrozenProduct> frozen;
  double macs = 0;
  double other_reads = 0;               // bytes that are read once beside those of frozen products
  double written = 0;                   // bytes of results
  double uploaded = 0, downloaded = 0;  // over the link
  double tokens = 0;
};

/// Reads what the configuration's workload names. Throws InputError as a run does.
ClosedForm closed_form_of(const Config& config);

/// An energy table, of which names are looked up once.
class EnergyPrices {
 public:
  explicit EnergyPrices(const EnergyConfig& table);

  bool none() const { return none_; }
  bool gates() const { return gates_; }
  /// What the step costs at least, in pJ.
  struct Least {
    double macs = 0, array_busy = 0, rounded = 0;
    double scratchpad_read = 0, scratchpad_written = 0, accumulator_read = 0,
           accumulator_written = 0;  // bytes
    double memory_read = 0, memory_written = 0;
    double link_bytes = 0;
    double total_ns = 0, step_ns = 0, interrupt_ns = 0;
  };
  double least_pj(const Least& least, const MachineShape& shape, const MachineLimits& limits,
                  const MemoryConfig& memory) const;

 private:
  double dram_pj(const Least& least, const DramConfig& dram) const;

  bool none_ = false, gates_ = false;
  double multiply_ = 0, add_ = 0, round_ = 0, dram_byte_ = 0, link_byte_ = 0;
  double flop_clock_ = 0, logic_leakage_ = 0, memory_leakage_ = 0;
  EnergyEntry scratchpad_read_, scratchpad_write_, accumulator_read_, accumulator_write_;
  SiliconForm silicon_;
};

struct ClosedBound {
  double step_ns = 0, total_ns = 0;   // as AnalyticStep has them
  double energy_pj = 0;               // 0: no table
  double area_mm2 = 0, fmax_mhz = 0;  // exact, at the node that was asked for
};

/// `silicon`: at the node at which areas and clocks are compared.
ClosedBound bound(const ClosedForm& form, const MachineShape& shape, const MachineLimits& limits,
                  const MemoryConfig& memory, const LinkConfig& link, const EnergyPrices& prices,
                  const SiliconForm& silicon);

}  // namespace corank
