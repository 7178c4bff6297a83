// SPDX-License-Identifier: MIT
// The complement of the error function, with the small values that 1 - erf(x) rounds away. Tested by
// activation_test.cc.
#include "tensor/call.h"

namespace anneal {

namespace {

// e^(x^2) erfc(x) (x + 2) for x in [0.5, 30], as a Chebyshev series in t = 2 / (2 + x) brought to [-1, 1].
// The first 10 terms are enough for f32, all of them for f64.
constexpr double kTail[] = {1.00186435659598243,      0.464806712638352857,     0.0690259753109999775,
                            0.0041698365556609941,    -0.000550662580172836238, -0.000100042069572807411,
                            7.69451274036478128e-6,   2.2530750772356427e-6,    -2.20438296506383051e-7,
                            -5.27677511359098688e-8,  8.98412986234577199e-9,   1.02837968257419433e-9,
                            -3.74711592441518231e-10, -1.82777332990570346e-13, 1.34779422400113108e-11,
                            -1.57917346850871315e-12, -3.22376525249250551e-13, 1.08651769902684657e-13,
                            -2.68634657488695105e-15, -4.26227295604506241e-15, 8.30686947491112655e-16};
constexpr double kNearest = 0.5, kFarthest = 30;  // erfc(30) is below the least number of f64

Tensor tail(const Tensor& x) {
  constexpr double kHigh = 2 / (2 + kNearest), kLow = 2 / (2 + kFarthest);
  const size_t terms = x.dtype() == f64 ? std::size(kTail) : 10;
  const Tensor u = (2 / (2 + x)) * (2 / (kHigh - kLow)) - (kHigh + kLow) / (kHigh - kLow), twice = u * 2;
  // Clenshaw's recurrence.
  Tensor next = full({}, 0, x.dtype()), sum = full({}, kTail[terms - 1], x.dtype());
  for (size_t i = terms - 2; i > 0; --i) {
    const Tensor above = sum;
    sum = twice * sum - next + kTail[i];
    next = above;
  }
  const Tensor series = u * sum - next + kTail[0];
  // e^(-x^2) in two factors: the square of a multiple of 1/16 is exact.
  const Tensor coarse = floor(x * 16) * 0.0625;
  return exp(-(coarse * coarse)) * exp(-((x - coarse) * (x + coarse))) * series / (x + 2);
}

}  // namespace

Tensor erfc(In x) {
  const Call call("erfc", {&x});
  const Tensor given = wrap(call.float_node(x)), t = cast(given, accumulation_dtype(given.dtype()));
  const Tensor near = erf(t), is_far = t > kNearest;
  const Tensor far = tail(where(is_far, minimum(stop_gradient(t), kFarthest), 1));
  // The slope is that of -erf(x), to any order: the last sum is 0 and carries it.
  const Tensor value = where(is_far, far, 1 - stop_gradient(near)) + (stop_gradient(near) - near);
  return cast(value, given.dtype());
}

}  // namespace anneal
