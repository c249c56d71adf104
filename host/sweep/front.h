// Points of which each coordinate is to be small: which of them no other one beats, in layers, and
// how much of the space they dominate.
//
// A point dominates another one if it is no larger in any coordinate and smaller in one; equal
// points do not dominate each other.
//
// Sorted lexicographically, no point is dominated by a later one. In three coordinates the smallest
// third one by second is kept as a staircase, so that n points take n log n (Kung, Luccio and
// Preparata, 1975); in more, each is compared with those that are not dominated so far.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

namespace corank {

/// Points of equally many coordinates, one after another.
struct Points {
  std::size_t dimensions = 0;
  std::vector<double> coordinates;

  std::size_t size() const { return dimensions == 0 ? 0 : coordinates.size() / dimensions; }
  const double* operator[](std::size_t i) const { return coordinates.data() + i * dimensions; }
  void add(const std::vector<double>& point);
};

bool dominates(const double* a, const double* b, std::size_t dimensions);
/// Lexicographically: -1, 0 or 1.
int compare(const double* a, const double* b, std::size_t dimensions);

/// Takes points in lexicographic order and says of each whether an earlier one dominates it.
class FrontSweep {
 public:
  explicit FrontSweep(std::size_t dimensions) : dimensions_(dimensions) {}

  bool dominated(const double* point);

 private:
  bool beaten(const double* point) const;
  void keep(const double* point);

  std::size_t dimensions_;
  std::vector<double> last_;            // the point before, and
  bool last_dominated_ = false;         // what was said of it
  std::map<double, double> staircase_;  // three coordinates: least third, by second
  std::vector<double> kept_;            // otherwise: those that are not dominated
};

/// The places of the points that none dominates, in lexicographic order, equal ones by place.
std::vector<std::size_t> front_of(const Points& points);

/// Of each point the layer that it lies in: 0 is the front, 1 the front of what is left without it,
/// and so on.
std::vector<std::size_t> layers_of(const Points& points);

/// The volume that points dominate below a reference, exactly. Points that are not below it in all
/// coordinates add nothing.
double hypervolume(const Points& points, const std::vector<double>& reference);

/// Of points above 0, with the logarithms of their coordinates taken such that the box around
/// `front` becomes the unit cube, below 1.1 in all: shares of fronts of different ranges compare.
class LogHypervolume {
 public:
  explicit LogHypervolume(const Points& front);
  double operator()(const Points& points) const;
  /// The point's coordinates in the cube.
  std::vector<double> place_of(const double* point) const;
  static constexpr double kReference = 1.1;

 private:
  std::vector<double> least_, width_;
};

}  // namespace corank
