// Random forward graphs: DAGs of contractions and conversions over trainable, frozen and wanted
// values, with shared operands, several terms, transposes, scales and biases.
#pragma once

#include <random>
#include <set>
#include <string>
#include <vector>

#include "models/graph/graph.h"

namespace corank::test {

struct RandomGraph {
  Graph graph;
  std::set<ValueId> wanted;      // BF16 inputs
  std::vector<ValueId> outputs;  // computed values that nothing consumes
};

/// `contractions` of them; dimensions from 1 to `largest_dimension`. Scales are powers of two.
RandomGraph random_graph(std::mt19937_64& generator, int contractions,
                         std::int64_t largest_dimension);

}  // namespace corank::test
