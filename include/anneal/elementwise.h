// SPDX-License-Identifier: MIT
// Functions of each element, and the operators. Numbers stand on either side; shapes broadcast as in numpy.
#pragma once

#include <concepts>

#include "anneal/tensor.h"

namespace anneal {

// -- Elementwise, one operand --
Tensor neg(In x);
Tensor abs(In x);
Tensor sign(In x);
Tensor reciprocal(In x);
Tensor sqrt(In x);
Tensor rsqrt(In x);
Tensor square(In x);
Tensor exp(In x);
Tensor exp2(In x);
Tensor expm1(In x);
Tensor log(In x);
Tensor log2(In x);
Tensor log10(In x);
Tensor log1p(In x);
Tensor sin(In x);
Tensor cos(In x);
Tensor tan(In x);
Tensor asin(In x);
Tensor acos(In x);
Tensor atan(In x);
Tensor sinh(In x);
Tensor cosh(In x);
Tensor tanh(In x);
Tensor asinh(In x);
Tensor acosh(In x);
Tensor atanh(In x);
Tensor erf(In x);
Tensor erfc(In x);                                   // 1 - erf(x), with the small values too
Tensor sinc(In x);                                   // sin(pi x) / (pi x)
Tensor logit(In x, std::optional<double> eps = {});  // log(x / (1 - x)), of x kept within [eps, 1 - eps]
Tensor deg2rad(In x);
Tensor rad2deg(In x);
Tensor floor(In x);
Tensor ceil(In x);
Tensor round(In x);                // halves to even
Tensor round(In x, int decimals);  // to so many digits behind the point
Tensor trunc(In x);
Tensor frac(In x);
Tensor isnan(In x);
Tensor isinf(In x);
Tensor isfinite(In x);
Tensor isposinf(In x);
Tensor isneginf(In x);
// Numbers for NaN and the infinities: 0, and the greatest and the least of the type, unless they are given.
Tensor nan_to_num(In x, double nan = 0, std::optional<double> posinf = {}, std::optional<double> neginf = {});
Tensor logical_not(In x);
Tensor bitwise_not(In x);
Tensor cast(In x, DType dtype);
Tensor bitcast(In x, DType dtype);
Tensor stop_gradient(In x);

// -- Elementwise, two and three operands --
Tensor add(In a, In b);
Tensor sub(In a, In b);
Tensor mul(In a, In b);
Tensor div(In a, In b);  // true division: integers become f32
Tensor floordiv(In a, In b);
Tensor remainder(In a, In b);  // the sign of b
Tensor truncdiv(In a, In b);
Tensor fmod(In a, In b);  // the sign of a
Tensor pow(In a, In b);
Tensor maximum(In a, In b);
Tensor minimum(In a, In b);
Tensor fmax(In a, In b);  // the other operand where one is NaN
Tensor fmin(In a, In b);
Tensor atan2(In y, In x);
Tensor hypot(In a, In b);
Tensor logaddexp(In a, In b);
Tensor logaddexp2(In a, In b);
Tensor xlogy(In x, In y);  // x log y, and 0 where x is 0
Tensor lt(In a, In b);
Tensor le(In a, In b);
Tensor gt(In a, In b);
Tensor ge(In a, In b);
Tensor eq(In a, In b);
Tensor ne(In a, In b);
Tensor logical_and(In a, In b);
Tensor logical_or(In a, In b);
Tensor logical_xor(In a, In b);
Tensor bitwise_and(In a, In b);
Tensor bitwise_or(In a, In b);
Tensor bitwise_xor(In a, In b);
Tensor shift_left(In a, In b);
Tensor shift_right(In a, In b);
Tensor where(In condition, In a, In b);
// Bounds are as weak as any number: an integer bound leaves the type of x alone (beyond the range of that
// type it is the end of the range), and a float makes integers f32.
Tensor clamp(In x, std::optional<In> low, std::optional<In> high);
namespace detail {
Tensor clamp_between(In x, const Tensor& low, const Tensor& high);
}
template <std::same_as<Tensor> T>  // a template, so that {} means no bound
Tensor clamp(In x, const T& low, const T& high) {
  return detail::clamp_between(std::move(x), low, high);
}
Tensor addcmul(In x, In a, In b, In value = 1);  // x + value * a * b
Tensor addcdiv(In x, In a, In b, In value = 1);  // x + value * a / b
Tensor masked_fill(In x, In mask, In value);
Tensor lerp(In a, In b, In weight);

inline Tensor& operator+=(Tensor& a, In b) { return a = add(In(a, b.loc()), b); }
inline Tensor& operator-=(Tensor& a, In b) { return a = sub(In(a, b.loc()), b); }
inline Tensor& operator*=(Tensor& a, In b) { return a = mul(In(a, b.loc()), b); }
inline Tensor& operator/=(Tensor& a, In b) { return a = div(In(a, b.loc()), b); }

inline Tensor operator-(In x) { return neg(std::move(x)); }
inline Tensor operator!(In x) { return logical_not(std::move(x)); }
inline Tensor operator~(In x) { return bitwise_not(std::move(x)); }
inline Tensor operator+(In a, In b) { return add(std::move(a), std::move(b)); }
inline Tensor operator-(In a, In b) { return sub(std::move(a), std::move(b)); }
inline Tensor operator*(In a, In b) { return mul(std::move(a), std::move(b)); }
inline Tensor operator/(In a, In b) { return div(std::move(a), std::move(b)); }
inline Tensor operator%(In a, In b) { return remainder(std::move(a), std::move(b)); }
inline Tensor operator<(In a, In b) { return lt(std::move(a), std::move(b)); }
inline Tensor operator<=(In a, In b) { return le(std::move(a), std::move(b)); }
inline Tensor operator>(In a, In b) { return gt(std::move(a), std::move(b)); }
inline Tensor operator>=(In a, In b) { return ge(std::move(a), std::move(b)); }
inline Tensor operator==(In a, In b) { return eq(std::move(a), std::move(b)); }
inline Tensor operator!=(In a, In b) { return ne(std::move(a), std::move(b)); }
inline Tensor operator&(In a, In b) { return bitwise_and(std::move(a), std::move(b)); }
inline Tensor operator|(In a, In b) { return bitwise_or(std::move(a), std::move(b)); }
inline Tensor operator^(In a, In b) { return bitwise_xor(std::move(a), std::move(b)); }
inline Tensor operator<<(In a, In b) { return shift_left(std::move(a), std::move(b)); }
inline Tensor operator>>(In a, In b) { return shift_right(std::move(a), std::move(b)); }

}  // namespace anneal
