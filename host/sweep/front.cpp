#include "host/sweep/front.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace corank {
namespace {

std::vector<std::size_t> in_lexicographic_order(const Points& points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int sign = compare(points[a], points[b], points.dimensions);
    return sign != 0 ? sign < 0 : a < b;
  });
  return order;
}

// The area that points of two coordinates dominate while they are added.
class Staircase {
 public:
  Staircase(double x, double y) : x_(x), y_(y) {}

  double area() const { return area_; }

  void add(double x, double y) {
    auto after = steps_.upper_bound(x);
    const double before_y = after == steps_.begin() ? y_ : std::prev(after)->second;
    if (before_y <= y) return;  // nothing new
    if (after != steps_.begin() && std::prev(after)->first == x) --after;
    // Those that it dominates give way; between them lies what it adds.
    double from = x, above = before_y;
    while (after != steps_.end() && after->second >= y) {
      area_ += (after->first - from) * (above - y);
      from = after->first;
      above = after->second;
      after = steps_.erase(after);
    }
    const double to = after == steps_.end() ? x_ : after->first;
    area_ += (to - from) * (above - y);
    steps_[x] = y;
  }

 private:
  double x_, y_, area_ = 0;
  std::map<double, double> steps_;  // y by x: the larger x, the smaller y
};

// Points sorted by their last coordinate; `dimensions` of them count.
double volume_of(std::vector<const double*> points, std::size_t dimensions,
                 const std::vector<double>& reference);

double planar(const std::vector<const double*>& points, const std::vector<double>& reference) {
  Staircase stairs(reference[0], reference[1]);
  for (const double* point : points) stairs.add(point[0], point[1]);
  return stairs.area();
}

double linear(const std::vector<const double*>& points, const std::vector<double>& reference) {
  double least = reference[0];
  for (const double* point : points) least = std::min(least, point[0]);
  return reference[0] - least;
}

// Slices along the last coordinate: within each, what the points so far dominate in the others.
double volume_of(std::vector<const double*> points, std::size_t dimensions,
                 const std::vector<double>& reference) {
  if (points.empty()) return 0;
  if (dimensions == 1) return linear(points, reference);
  if (dimensions == 2) return planar(points, reference);
  const std::size_t last = dimensions - 1;
  std::sort(points.begin(), points.end(),
            [&](const double* a, const double* b) { return a[last] < b[last]; });
  Staircase stairs(reference[0], reference[1]);
  std::vector<const double*> below;
  double volume = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double next = i + 1 < points.size() ? points[i + 1][last] : reference[last];
    if (dimensions == 3)
      stairs.add(points[i][0], points[i][1]);
    else
      below.push_back(points[i]);
    if (next == points[i][last]) continue;
    const double area = dimensions == 3 ? stairs.area() : volume_of(below, last, reference);
    volume += area * (next - points[i][last]);
  }
  return volume;
}

}  // namespace

void Points::add(const std::vector<double>& point) {
  coordinates.insert(coordinates.end(), point.begin(), point.end());
}

bool dominates(const double* a, const double* b, std::size_t dimensions) {
  bool smaller = false;
  for (std::size_t i = 0; i < dimensions; ++i) {
    if (a[i] > b[i]) return false;
    smaller = smaller || a[i] < b[i];
  }
  return smaller;
}

int compare(const double* a, const double* b, std::size_t dimensions) {
  for (std::size_t i = 0; i < dimensions; ++i)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

bool FrontSweep::dominated(const double* point) {
  if (!last_.empty() && std::equal(last_.begin(), last_.end(), point)) return last_dominated_;
  last_.assign(point, point + dimensions_);
  last_dominated_ = beaten(point);
  if (!last_dominated_) keep(point);
  return last_dominated_;
}

// Those kept are other points and come first, so that one which is no larger dominates.
bool FrontSweep::beaten(const double* point) const {
  if (dimensions_ == 3) {
    const auto after = staircase_.upper_bound(point[1]);
    return after != staircase_.begin() && std::prev(after)->second <= point[2];
  }
  for (std::size_t i = 0; i < kept_.size(); i += dimensions_) {
    bool no_larger = true;
    for (std::size_t d = 0; d < dimensions_ && no_larger; ++d) no_larger = kept_[i + d] <= point[d];
    if (no_larger) return true;
  }
  return false;
}

void FrontSweep::keep(const double* point) {
  if (dimensions_ != 3) {
    // In two coordinates the last one kept has the least second one.
    if (dimensions_ <= 2) kept_.clear();
    kept_.insert(kept_.end(), point, point + dimensions_);
    return;
  }
  auto next = staircase_.lower_bound(point[1]);
  while (next != staircase_.end() && next->second >= point[2]) next = staircase_.erase(next);
  staircase_[point[1]] = point[2];
}

std::vector<std::size_t> front_of(const Points& points) {
  FrontSweep sweep(points.dimensions);
  std::vector<std::size_t> front;
  for (const std::size_t i : in_lexicographic_order(points))
    if (!sweep.dominated(points[i])) front.push_back(i);
  return front;
}

std::vector<std::size_t> layers_of(const Points& points) {
  std::vector<std::size_t> layers(points.size());
  std::vector<std::size_t> left = in_lexicographic_order(points);
  for (std::size_t layer = 0; !left.empty(); ++layer) {
    FrontSweep sweep(points.dimensions);
    std::size_t kept = 0;
    for (const std::size_t i : left) {
      if (sweep.dominated(points[i]))
        left[kept++] = i;
      else
        layers[i] = layer;
    }
    left.resize(kept);
  }
  return layers;
}

double hypervolume(const Points& points, const std::vector<double>& reference) {
  std::vector<const double*> below;
  for (std::size_t i = 0; i < points.size(); ++i) {
    bool inside = true;
    for (std::size_t d = 0; d < points.dimensions && inside; ++d)
      inside = points[i][d] < reference[d];
    if (inside) below.push_back(points[i]);
  }
  return volume_of(std::move(below), points.dimensions, reference);
}

LogHypervolume::LogHypervolume(const Points& front)
    : least_(front.dimensions, std::numeric_limits<double>::infinity()),
      width_(front.dimensions, -std::numeric_limits<double>::infinity()) {
  for (std::size_t i = 0; i < front.size(); ++i) {
    for (std::size_t d = 0; d < front.dimensions; ++d) {
      const double place = std::log(front[i][d]);
      least_[d] = std::min(least_[d], place);
      width_[d] = std::max(width_[d], place);  // the largest, so far
    }
  }
  for (std::size_t d = 0; d < front.dimensions; ++d) {
    width_[d] -= least_[d];
    if (!(width_[d] > 0)) width_[d] = 1;  // all are equal
  }
}

std::vector<double> LogHypervolume::place_of(const double* point) const {
  std::vector<double> place(least_.size());
  for (std::size_t d = 0; d < place.size(); ++d)
    place[d] = (std::log(point[d]) - least_[d]) / width_[d];
  return place;
}

double LogHypervolume::operator()(const Points& points) const {
  Points placed{points.dimensions, {}};
  for (std::size_t i = 0; i < points.size(); ++i) placed.add(place_of(points[i]));
  return hypervolume(placed, std::vector<double>(points.dimensions, kReference));
}

}  // namespace corank
