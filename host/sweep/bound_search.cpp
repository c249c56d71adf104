#include "host/sweep/bound_search.h"

#include <algorithm>
#include <numeric>
#include <queue>
#include <utility>

namespace corank {
namespace {

// Bounds are refined for a round until its designs are known to be next, or so many are.
constexpr std::size_t kLeastRefined = 1024, kRefinedADesign = 8;

constexpr std::size_t kLeastRound = 16;

// Of designs that are ordered at a time, and of objectives that they are ordered by: a volume in
// more takes long.
constexpr std::size_t kMostWeighed = 4096, kMostVolume = 3;

bool before(const std::vector<double>& a, std::size_t design_a, const std::vector<double>& b,
            std::size_t design_b) {
  const int sign = compare(a.data(), b.data(), a.size());
  return sign != 0 ? sign < 0 : design_a < design_b;
}

// Of the unit cube below 1.1: what a point dominates and none of the others does.
double added_volume(const Points& others, const std::vector<double>& point) {
  double own = 1;
  for (const double at : point) own *= LogHypervolume::kReference - at;
  Points shared{others.dimensions, {}};
  for (std::size_t i = 0; i < others.size(); ++i)
    for (std::size_t d = 0; d < others.dimensions; ++d)
      shared.coordinates.push_back(std::max(others[i][d], point[d]));
  return own - hypervolume(shared, std::vector<double>(point.size(), LogHypervolume::kReference));
}

}  // namespace

std::size_t round_size(std::size_t runs) { return std::max(kLeastRound, runs / 2); }

BoundSearch::BoundSearch(const std::vector<std::size_t>& designs, const Points& bounds,
                         RefineBounds refine, double tolerance, bool prune)
    : refine_bounds_(std::move(refine)), tolerance_(tolerance), prunes_(prune) {
  std::vector<std::uint32_t> order(designs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const int sign = compare(bounds[a], bounds[b], bounds.dimensions);
    return sign != 0 ? sign < 0 : designs[a] < designs[b];
  });
  bounds_.dimensions = front_.dimensions = told_.dimensions = bounds.dimensions;
  bounds_.coordinates.reserve(bounds.coordinates.size());
  designs_.reserve(designs.size());
  for (const std::uint32_t i : order) {
    designs_.push_back(static_cast<std::uint32_t>(designs[i]));
    bounds_.coordinates.insert(bounds_.coordinates.end(), bounds[i], bounds[i] + bounds.dimensions);
  }
  unrefined_ = std::move(order);
  std::iota(unrefined_.begin(), unrefined_.end(), 0U);
}

bool BoundSearch::beaten(const double* bound, const Points& by) const {
  for (std::size_t i = 0; i < by.size(); ++i) {
    bool no_worse = true, better = false;
    for (std::size_t d = 0; d < by.dimensions && no_worse; ++d) {
      const double most = bound[d] * (1 + tolerance_);
      no_worse = by[i][d] <= most;
      better = better || by[i][d] < most;
    }
    if (no_worse && better) return true;
  }
  return false;
}

// Both lists are sorted, so that they are merged.
BoundSearch::Layer BoundSearch::first_layer(bool with_unrefined) const {
  Layer layer;
  FrontSweep sweep(bounds_.dimensions);
  std::size_t u = 0, r = 0;
  const std::size_t unrefined = with_unrefined ? unrefined_.size() : 0;
  while (u < unrefined || r < refined_.size()) {
    const double* next_unrefined = u < unrefined ? bounds_[unrefined_[u]] : nullptr;
    const double* next_refined = r < refined_.size() ? refined_[r].bound.data() : nullptr;
    const bool take_refined =
        next_unrefined == nullptr ||
        (next_refined != nullptr && compare(next_refined, next_unrefined, bounds_.dimensions) < 0);
    if (!sweep.dominated(take_refined ? next_refined : next_unrefined))
      (take_refined ? layer.refined : layer.unrefined).push_back(take_refined ? r : u);
    ++(take_refined ? r : u);
  }
  return layer;
}

void BoundSearch::refine(const std::vector<std::size_t>& places) {
  std::vector<std::size_t> asked;
  asked.reserve(places.size());
  for (const std::size_t place : places) asked.push_back(designs_[unrefined_[place]]);
  auto bounds = refine_bounds_(asked);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!bounds[i]) {
      ++infeasible_;
      continue;
    }
    // The first bound may be the higher one in some objective.
    const double* first = bounds_[unrefined_[places[i]]];
    for (std::size_t d = 0; d < bounds_.dimensions; ++d)
      (*bounds[i])[d] = std::max((*bounds[i])[d], first[d]);
    if (prunes_ && beaten(bounds[i]->data(), front_))
      ++pruned_;
    else
      refined_.push_back({asked[i], std::move(*bounds[i])});
  }
  std::sort(refined_.begin(), refined_.end(), [](const Refined& a, const Refined& b) {
    return before(a.bound, a.design, b.bound, b.design);
  });
  std::size_t kept = 0, next = 0;
  for (std::size_t i = 0; i < unrefined_.size(); ++i) {
    const bool gone = next < places.size() && places[next] == i;
    if (gone)
      ++next;
    else
      unrefined_[kept++] = unrefined_[i];
  }
  unrefined_.resize(kept);
}

// Greedily, by the volume that each adds to what exact designs and those taken before it dominate.
// What one adds only falls as others are taken, so that most need not be worked out again (Minoux,
// 1978).
std::vector<std::size_t> BoundSearch::ordered(std::vector<std::size_t> refined, const Points& taken,
                                              std::size_t most) const {
  std::sort(refined.begin(), refined.end(),
            [&](std::size_t a, std::size_t b) { return refined_[a].design < refined_[b].design; });
  if (refined.size() > kMostWeighed) refined.resize(kMostWeighed);
  const std::size_t dimensions = std::min(bounds_.dimensions, kMostVolume);
  Points candidates{dimensions, {}};
  for (const std::size_t i : refined)
    candidates.add({refined_[i].bound.begin(),
                    refined_[i].bound.begin() + static_cast<std::ptrdiff_t>(dimensions)});
  Points box = candidates;
  for (const Points* points : {&front_, &taken})
    for (std::size_t i = 0; i < points->size(); ++i)
      box.add({(*points)[i], (*points)[i] + dimensions});
  if (*std::min_element(box.coordinates.begin(), box.coordinates.end()) <= 0) return refined;
  const LogHypervolume volume(box);
  Points base{box.dimensions, {}};
  for (std::size_t i = candidates.size(); i < box.size(); ++i) base.add(volume.place_of(box[i]));
  std::vector<std::vector<double>> places;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    places.push_back(volume.place_of(candidates[i]));
  struct Gain {
    double gain;
    std::size_t place, known;  // known: after so many were taken
    bool operator<(const Gain& other) const {
      return gain != other.gain ? gain < other.gain : place > other.place;
    }
  };
  std::priority_queue<Gain> queue;
  for (std::size_t i = 0; i < places.size(); ++i) queue.push({added_volume(base, places[i]), i, 0});
  std::vector<std::size_t> order;
  while (order.size() < most && !queue.empty()) {
    Gain best = queue.top();
    queue.pop();
    if (best.known < order.size()) {
      best.gain = added_volume(base, places[best.place]);
      best.known = order.size();
      queue.push(best);
      continue;
    }
    order.push_back(refined[best.place]);
    base.add(places[best.place]);
  }
  return order;
}

std::vector<std::size_t> BoundSearch::next(std::size_t most) {
  std::vector<std::size_t> chosen;
  Points taken{bounds_.dimensions, {}};  // bounds of these
  std::size_t budget = std::max(kLeastRefined, kRefinedADesign * most);
  while (chosen.size() < most && open() > 0) {
    Layer layer = first_layer(budget > 0);
    if (budget == 0 && layer.refined.empty()) {
      if (!chosen.empty()) break;
      budget = std::max(kLeastRefined, kRefinedADesign * most);
      continue;
    }
    if (!layer.unrefined.empty()) {
      if (layer.unrefined.size() > budget) layer.unrefined.resize(budget);
      budget -= layer.unrefined.size();
      refine(layer.unrefined);
      continue;
    }
    std::vector<bool> gone(refined_.size());
    for (const std::size_t i : ordered(layer.refined, taken, most - chosen.size())) {
      if (chosen.size() == most) break;
      chosen.push_back(refined_[i].design);
      taken.add(refined_[i].bound);
      gone[i] = true;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < refined_.size(); ++i) {
      if (gone[i]) continue;
      if (kept != i) refined_[kept] = std::move(refined_[i]);
      ++kept;
    }
    refined_.resize(kept);
  }
  return chosen;
}

void BoundSearch::tell(std::size_t, const std::optional<std::vector<double>>& exact) {
  if (exact) told_.add(*exact);
}

void BoundSearch::prune() {
  if (told_.size() == 0) return;
  Points all = front_;
  all.coordinates.insert(all.coordinates.end(), told_.coordinates.begin(), told_.coordinates.end());
  const std::size_t known = front_.size();
  Points added{all.dimensions, {}};
  front_.coordinates.clear();
  for (const std::size_t i : front_of(all)) {
    const std::vector<double> point(all[i], all[i] + all.dimensions);
    front_.add(point);
    if (i >= known) added.add(point);
  }
  told_.coordinates.clear();
  if (!prunes_) return;
  const std::size_t open_before = open();
  unrefined_.erase(std::remove_if(unrefined_.begin(), unrefined_.end(),
                                  [&](std::uint32_t i) { return beaten(bounds_[i], added); }),
                   unrefined_.end());
  refined_.erase(
      std::remove_if(refined_.begin(), refined_.end(),
                     [&](const Refined& one) { return beaten(one.bound.data(), added); }),
      refined_.end());
  pruned_ += open_before - open();
}

void BoundSearch::for_each_first_bound(
    const std::function<void(std::size_t, const double*)>& work) const {
  for (std::size_t i = 0; i < designs_.size(); ++i) work(designs_[i], bounds_[i]);
}

std::vector<std::size_t> BoundSearch::open_designs() const {
  std::vector<std::size_t> designs;
  for (const Refined& one : refined_) designs.push_back(one.design);
  for (const std::uint32_t i : unrefined_) designs.push_back(designs_[i]);
  return designs;
}

}  // namespace corank
