#include "tests/host/sweep/proof_table.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <unordered_set>

#include "host/sweep/design_space.h"
#include "host/sweep/sweep_file.h"
#include "models/base/error.h"

namespace corank {

ProofTable::ProofTable(const std::string& sweep, const std::string& csv) {
  const SweepFile file = load_sweep(sweep);
  DesignSpace designs(file);
  for (const SweepAxis& axis : file.axes) axis_sizes_.push_back(axis.values.size());
  exact_.dimensions = bounds_.dimensions = closed_.dimensions = 3;
  std::ifstream in(csv);
  std::string line;
  if (!std::getline(in, line)) throw InputError(csv + ": cannot be read");
  while (std::getline(in, line)) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream numbers(line);
    std::size_t design = 0;
    double ns = 0, pj = 0, mm2 = 0, bound_ns = 0, bound_pj = 0;
    numbers >> design >> ns >> pj >> mm2 >> bound_ns >> bound_pj;
    if (!numbers) throw InputError(csv + ": expected six numbers a line, found '" + line + "'");
    places_[design] = designs_.size();
    designs_.push_back(design);
    exact_.add({ns, pj, mm2});
    bounds_.add({bound_ns, bound_pj, mm2});
    closed_.add(designs.examine(design).bounds);
  }
}

std::vector<double> ProofTable::exact_of(std::size_t design) const {
  const double* point = exact_[places_.at(design)];
  return {point, point + exact_.dimensions};
}

std::vector<double> ProofTable::bound_of(std::size_t design) const {
  const double* point = bounds_[places_.at(design)];
  return {point, point + bounds_.dimensions};
}

SampledSpace ProofTable::space() const {
  return {axis_sizes_, exact_.dimensions,
          [this](std::size_t design) { return places_.count(design) > 0; }};
}

Replay replay_bound(const ProofTable& table, double tolerance) {
  Replay replay;
  const RefineBounds refine = [&](const std::vector<std::size_t>& asked) {
    replay.compiled += asked.size();
    std::vector<std::optional<std::vector<double>>> bounds;
    for (const std::size_t design : asked) bounds.emplace_back(table.bound_of(design));
    return bounds;
  };
  BoundSearch search(table.numbers(), table.closed(), refine, tolerance);
  for (;;) {
    const auto designs = search.next(round_size(replay.ran.size()));
    if (designs.empty()) break;
    for (const std::size_t design : designs) search.tell(design, table.exact_of(design));
    search.prune();
    replay.ran.insert(replay.ran.end(), designs.begin(), designs.end());
  }
  replay.proved = search.open() == 0;
  return replay;
}

Replay replay_sampler(const ProofTable& table, SearchMethod method, std::uint64_t seed,
                      std::size_t runs) {
  const auto sampler = make_sampler(method, table.space(), seed);
  Replay replay;
  while (replay.ran.size() < runs) {
    const auto designs = sampler->next(runs - replay.ran.size());
    if (designs.empty()) break;
    for (const std::size_t design : designs) sampler->tell(design, table.exact_of(design));
    replay.ran.insert(replay.ran.end(), designs.begin(), designs.end());
  }
  return replay;
}

std::size_t violations_of(const ProofTable& table) {
  constexpr double kWritten = 1e-8;  // nine digits are
  std::size_t violations = 0;
  for (const Points* bounds : {&table.bounds(), &table.closed()})
    for (std::size_t i = 0; i < table.exact().coordinates.size(); ++i)
      violations += table.exact().coordinates[i] < bounds->coordinates[i] * (1 - kWritten) ? 1 : 0;
  return violations;
}

double share_after(const ProofTable& table, const Replay& replay, std::size_t runs) {
  Points truth{table.exact().dimensions, {}}, found = truth;
  for (const std::size_t i : front_of(table.exact()))
    truth.add({table.exact()[i], table.exact()[i] + truth.dimensions});
  for (std::size_t i = 0; i < std::min(runs, replay.ran.size()); ++i)
    found.add(table.exact_of(replay.ran[i]));
  const LogHypervolume volume(truth);
  return volume(found) / volume(truth);
}

std::size_t front_size(const ProofTable& table) { return front_of(table.exact()).size(); }

std::size_t missing_of_front(const ProofTable& table, const Replay& replay) {
  const std::unordered_set<std::size_t> ran(replay.ran.begin(), replay.ran.end());
  std::size_t missing = 0;
  for (const std::size_t i : front_of(table.exact()))
    missing += ran.count(table.numbers()[i]) == 0 ? 1 : 0;
  return missing;
}

}  // namespace corank
