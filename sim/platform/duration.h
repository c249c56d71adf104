// Times of the platform: whole femtoseconds, the SystemC time resolution, so that no time depends
// on rounding twice.
#pragma once

#include <cmath>
#include <cstdint>
#include <systemc>

namespace corank {

using Femtoseconds = std::uint64_t;

/// To the nearest femtosecond.
inline Femtoseconds from_ns(double ns) { return static_cast<Femtoseconds>(std::llround(ns * 1e6)); }
inline Femtoseconds period_of(double clock_mhz) {
  return static_cast<Femtoseconds>(std::llround(1e9 / clock_mhz));
}
/// bytes / (1e9 bytes a second), to the nearest femtosecond.
inline Femtoseconds transfer_time(std::int64_t bytes, double gb_per_s) {
  return from_ns(static_cast<double>(bytes) / gb_per_s);
}

inline sc_core::sc_time to_sc_time(Femtoseconds time) { return sc_core::sc_time::from_value(time); }
inline Femtoseconds now() { return sc_core::sc_time_stamp().value(); }

}  // namespace corank
