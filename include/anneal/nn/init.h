// SPDX-License-Identifier: MIT
// What a new parameter holds. Random numbers depend on the seed and the parameter's path alone: the same on
// every device, whatever else the model has and in whatever order.
#pragma once

#include <functional>
#include <vector>

#include "anneal/random.h"

namespace anneal::nn {

class Init {
 public:
  using Shape = std::vector<int64_t>;
  // Gives the value from a key of the parameter's own. Any such function is an Init.
  using Function = std::function<Tensor(const Rng& rng, const Shape& shape, DType dtype)>;
  Init(Function function)  // NOLINT: implicit on purpose
      : function_([f = std::move(function)](const Rng& rng, const Shape& shape, DType dtype, bool) {
          return f(rng, shape, dtype);
        }) {}
  template <typename F>
    requires std::is_invocable_r_v<Tensor, const F&, const Rng&, const Shape&, DType>
  Init(F function) : Init(Function(std::move(function))) {}  // NOLINT
  // One that asks whether the weight is [inputs, outputs, kernel...] as well.
  template <typename F>
    requires std::is_invocable_r_v<Tensor, const F&, const Rng&, const Shape&, DType, bool>
  Init(F function) : function_(std::move(function)) {}  // NOLINT

  Tensor make(const Rng& rng, const Shape& shape, DType dtype, bool inputs_first = false) const {
    return function_(rng, shape, dtype, inputs_first);
  }

 private:
  std::function<Tensor(const Rng&, const Shape&, DType, bool)> function_;
};

// Fans: of a weight [outputs, inputs, kernel...], or one that says it has its inputs first; the fan-in is
// inputs times the kernel, the fan-out outputs times the kernel. `gain`: sqrt(2) before a relu, 1 before
// nothing.
namespace init {
Init zeros();
Init ones();
Init constant(double value);
Init normal(double deviation = 1, double mean = 0);
Init uniform(double low = 0, double high = 1);
// Normal numbers within `bound` deviations of the mean; the bound must be more than 0.
Init truncated_normal(double deviation = 1, double mean = 0, double bound = 2);
Init kaiming_normal(double gain = 1.4142135623730951);   // deviation gain / sqrt(fan-in)
Init kaiming_uniform(double gain = 1.4142135623730951);  // of the same deviation
Init xavier_normal(double gain = 1);                     // deviation gain * sqrt(2 / (fan-in + fan-out))
Init xavier_uniform(double gain = 1);
Init values(std::vector<double> row_major);
Init values(Tensor value);
}  // namespace init

}  // namespace anneal::nn
