#include "tests/host/compiler/recorded_functions.h"

#include "host/compiler/recorder.h"
#include "models/numerics/functions.h"
#include "models/ops/activation_functions.h"

namespace corank::test {
namespace {

/// `body` computes a result of a number, whatever the type of both.
template <class Body>
RecordedFunction recorded(const std::string& name, const Body&) {
  Recorder recorder;
  {
    const Recorded x = recorder.load(0);
    const Recorded result = Body()(x);
    recorder.store(1, result);
  }
  return {name, [](float x) { return Body()(x); }, recorder.program()};
}

struct Exponential {
  template <class T>
  T operator()(const T& x) const {
    return exponential(x);
  }
};
struct ExponentialOfNegative {
  template <class T>
  T operator()(const T& x) const {
    return exponential_of_negative(x);
  }
};
struct Logarithm {
  template <class T>
  T operator()(const T& x) const {
    return logarithm(x);
  }
};
struct HyperbolicTangent {
  template <class T>
  T operator()(const T& x) const {
    return hyperbolic_tangent(x);
  }
};
struct ErrorFunction {
  template <class T>
  T operator()(const T& x) const {
    return error_function(x);
  }
};
struct Sigmoid {
  template <class T>
  T operator()(const T& x) const {
    return sigmoid(x);
  }
};
struct ReciprocalRoot {
  template <class T>
  T operator()(const T& x) const {
    return reciprocal_root(x);
  }
};
template <class Function>
struct Activated {
  template <class T>
  T operator()(const T& x) const {
    return activated<Function>(x);
  }
};
template <class Function>
struct Slope {
  template <class T>
  T operator()(const T& x) const {
    return activation_slope<Function>(x);
  }
};

}  // namespace

std::vector<RecordedFunction> recorded_functions() {
  std::vector<RecordedFunction> all;
  all.push_back(recorded("exp", Exponential()));
  all.push_back(recorded("exp of -x", ExponentialOfNegative()));
  all.push_back(recorded("ln", Logarithm()));
  all.push_back(recorded("tanh", HyperbolicTangent()));
  all.push_back(recorded("erf", ErrorFunction()));
  all.push_back(recorded("sigmoid", Sigmoid()));
  all.push_back(recorded("1 / sqrt", ReciprocalRoot()));
  all.push_back(recorded("SiLU", Activated<Silu>()));
  all.push_back(recorded("GELU (erf)", Activated<GeluErf>()));
  all.push_back(recorded("GELU (tanh)", Activated<GeluTanh>()));
  all.push_back(recorded("ReLU", Activated<Relu>()));
  all.push_back(recorded("slope of SiLU", Slope<Silu>()));
  all.push_back(recorded("slope of GELU (erf)", Slope<GeluErf>()));
  all.push_back(recorded("slope of GELU (tanh)", Slope<GeluTanh>()));
  all.push_back(recorded("slope of tanh", Slope<Tanh>()));
  all.push_back(recorded("slope of ReLU", Slope<Relu>()));
  return all;
}

}  // namespace corank::test
