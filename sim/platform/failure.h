// The way of an error from any process of the simulation to the host program, which alone may end
// it.
#pragma once

#include <exception>
#include <systemc>
#include <utility>

namespace corank {

/// Holds the first error. Every wait of the host program ends when there is one, and throws it
/// there, so that the host program's own objects are destroyed in order before the simulation
/// stops.
class Failure {
 public:
  void raise(std::exception_ptr error) {
    if (error_) return;
    error_ = std::move(error);
    raised_.notify(sc_core::SC_ZERO_TIME);
  }
  const std::exception_ptr& error() const { return error_; }

  /// For the host program's thread only.
  void wait_for(const sc_core::sc_time& duration) {
    check();
    if (duration > sc_core::SC_ZERO_TIME) sc_core::wait(duration, raised_);
    check();
  }
  void wait_for(const sc_core::sc_event& event) {
    check();
    sc_core::wait(event | raised_);
    check();
  }
  void wait_for(const sc_core::sc_time& duration, const sc_core::sc_event& event) {
    check();
    sc_core::wait(duration, event | raised_);
    check();
  }

 private:
  void check() const {
    if (error_) std::rethrow_exception(error_);
  }

  std::exception_ptr error_;
  sc_core::sc_event raised_;
};

}  // namespace corank
