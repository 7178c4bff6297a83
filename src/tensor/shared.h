// SPDX-License-Identifier: MIT
// Small expressions that functions of several topics are made of.
#pragma once

#include "tensor/call.h"

namespace anneal {

// |t| with the slope 1 at 0, where abs has none: functions of it that are smooth there keep all their
// derivatives.
inline Tensor magnitude(const Tensor& t) { return where(t < 0, -t, t); }

// A bound in the type of what it bounds: integers stay integers when it is one.
inline Tensor bound_for(const Call& call, DType t, double bound) {
  const bool exact = is_float(t) || (is_int(t) && ir::Scalar::from_double(bound, t).as_double(t) == bound);
  return wrap(call.b.constant_float(bound, exact ? t : f32));
}

// The square root, whose slope at 0 is taken as 0: that of a length or a spread where nothing varies.
inline Tensor sqrt_of_squares(const Tensor& t) {
  const Tensor none = t == 0;
  return where(none, 0, sqrt(where(none, 1, t)));
}

// An extent as a scalar of a type: symbolic ones stay symbolic.
inline Tensor number_of(const Call& call, ir::Dim d, DType t) {
  const auto known = [&] {
    return is_float(t) ? call.b.constant_float(static_cast<double>(d.value), t)
                       : call.b.constant_int(d.value, t);
  };
  return wrap(d.is_const() ? known() : call.b.cast(d.expr, t));
}

}  // namespace anneal
