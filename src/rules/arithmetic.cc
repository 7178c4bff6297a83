// SPDX-License-Identifier: MIT
// Sums, products, signs, extremes and powers. Index sums have one canonical form instead (index_algebra.h).
#include <cmath>
#include <limits>

#include "rules/index_algebra.h"
#include "rules/rules.h"

namespace anneal::rules {
namespace {

using namespace rewrite;  // NOLINT: the surface rules are written in

bool x_is_not_negative(MatchContext& c) {
  return c.bounds(c.x()).min >= 0 && c.graph.dtype(c.x()) != DType::kU64;
}
bool squares_exactly(MatchContext& c) { return c.graph.dtype(c.root) != DType::kF64; }
bool has_sign(MatchContext& c) { return is_signed(c.graph.dtype(c.root)); }
bool has_infinity(MatchContext& c) { return c.graph.dtype(c.root) != DType::kF8E4M3; }

// 1 / c, if the type has it: for a power of two it is exact.
Node times_reciprocal(MatchContext& c, bool power_of_two) {
  const DType t = c.graph.dtype(c.root);
  const double divisor = c.graph.const_value(c.c0()).as_double(t);
  int exponent;
  if (!std::isfinite(divisor) || divisor == 0) return {};
  if (power_of_two != (std::fabs(std::frexp(divisor, &exponent)) == 0.5)) return {};
  const ir::Scalar inverse = ir::Scalar::from_double(1 / divisor, t);
  const double value = inverse.as_double(t);
  // A subnormal or vanished reciprocal has lost bits.
  if (!std::isfinite(value) || std::fabs(value) < 0x1p-125) return {};
  if (power_of_two && value * divisor != 1) return {};
  return c.make(Op::Mul, c.x(), c.constant(inverse, t));
}
Node times_exact_reciprocal(MatchContext& c) { return times_reciprocal(c, true); }
Node times_rounded_reciprocal(MatchContext& c) { return times_reciprocal(c, false); }

std::vector<Rule> sums_and_products() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  return {
      {"add-zero", "x + 0 = x; for floats -0 + 0 is 0", x + 0, x, of_int},
      {"add-negative-zero", "x + -0 = x", x + -0.0, x, of_float},
      {"sub-zero", "x - 0 = x", x - 0, x, of_number},
      {"sub-self", "x - x = 0; for floats inf - inf is NaN", x - x, 0, of_int},
      {"mul-one", "x * 1 = x", x * 1, x, of_number},
      {"mul-zero", "x * 0 = 0; for floats inf * 0 is NaN", x * 0, 0, of_int},
      {"mul-minus-one", "x * -1 = -x", x * -1, -x, of_number},
      {"div-one", "x / 1 = x", x / 1, x, of_float},
      {"div-minus-one", "x / -1 = -x", x / -1, -x, of_float},
      {"one-div", "1 / x = recip(x)", 1 / x, unary(Op::Recip, x), of_float},
      {"div-power-of-two", "x / c = x * (1 / c) for a power of two c", x / c0, times_exact_reciprocal,
       of_float},

      {"neg-neg", "-(-x) = x", -(-x), x, of_number},
      {"add-neg", "x + (-y) = x - y", x + -y, x - y, of_number, both_orders},
      {"sub-neg", "x - (-y) = x + y", x - -y, x + y, of_number},
      {"neg-sub", "-(x - y) = y - x; for floats 0 has a sign", -(x - y), y - x, of_machine_int},
      {"mul-neg-neg", "(-x) * (-y) = x * y", -x * -y, x * y, of_number},
      {"div-neg-neg", "(-x) / (-y) = x / y", -x / -y, x / y, of_float},
      {"mul-neg-const", "(-x) * c = x * (-c)", -x * c0, x * fold(-c0), of_number},
      {"neg-mul-const", "-(x * c) = x * (-c)", -(x * c0), x * fold(-c0), of_number},

      {"sub-const", "x - c = x + (-c)", x - c0, x + fold(-c0), of_machine_int},
      {"add-const-add", "(x + c) + d = x + (c + d)", (x + c0) + c1, x + fold(c0 + c1), of_int},
      {"const-sub-add", "c - (x + d) = (c - d) - x", c0 - (x + c1), fold(c0 - c1) - x, of_machine_int},
      {"add-const-sub", "(c - x) + d = (c + d) - x", (c0 - x) + c1, fold(c0 + c1) - x, of_machine_int},
      {"const-sub-sub", "c - (d - x) = x + (c - d)", c0 - (c1 - x), x + fold(c0 - c1), of_machine_int},
      {"mul-const-mul", "(x * c) * d = x * (c * d)", (x * c0) * c1, x * fold(c0 * c1), of_machine_int},
      {"add-sub-cancel", "(x + y) - y = x", (x + y) - y, x, of_machine_int, both_orders},
      {"sub-add-cancel", "(x - y) + y = x", (x - y) + y, x, of_machine_int, both_orders},
      {"sub-add-self", "x - (x + y) = -y", x - (x + y), -y, of_machine_int, both_orders},
      {"add-common-factor", "x * c + x * d = x * (c + d)", x * c0 + x * c1, x * fold(c0 + c1),
       of_machine_int},

      {"index-sum", "a sum of index terms has one order and no term twice", x + y, canonical_sum, of_index},
      {"index-difference", "the same of a difference", x - y, canonical_sum, of_index},
      {"index-negation", "the same of a negation", -x, canonical_sum, of_index},
      {"index-product", "(x + y) * z = x*z + y*z when z is one term", x * y, canonical_product, of_index},
      {"index-quotient-and-remainder",
       "c*m*(x // m) + c*(x % m) = c*x, and c*m*((x // m) % b) + c*(x % m) = c*(x % (m*b))", x + y,
       join_quotient_and_remainder, of_index},
      {"index-remainder", "c*x - c*m*(x // m) = c*(x % m)", x - y, remainder_of_difference, of_index},

      {"add-const-add-float", "(x + c) + d = x + (c + d)", (x + c0) + c1, x + fold(c0 + c1), of_float,
       FloatClass::kReassociating},
      {"mul-const-mul-float", "(x * c) * d = x * (c * d)", (x * c0) * c1, x * fold(c0 * c1), of_float,
       FloatClass::kReassociating},
      {"sub-self-float", "x - x = 0 for a finite x", x - x, 0, of_float, FloatClass::kReassociating},
      {"div-self-float", "x / x = 1 for a finite x that is not 0", x / x, 1, of_float,
       FloatClass::kReassociating},
      {"div-const-float", "x / c = x * (1 / c)", x / c0, times_rounded_reciprocal, of_float,
       FloatClass::kReassociating},
  };
}

std::vector<Rule> extremes_and_powers() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr uint32_t kChain = ir::kIdempotent | ir::kAssociative;
  const Pattern zero_power = binary(Op::Pow, x, 0), first_power = binary(Op::Pow, x, 1),
                square = binary(Op::Pow, x, 2);
  return {
      {"idempotent", "f(x, x) = x for max, min, and, or", f(ir::kIdempotent, x, x), x},
      {"idempotent-chain", "f(f(x, y), y) = f(x, y) for max, min, and, or", f(kChain, f(kChain, x, y), y),
       f(kChain, x, y), both_orders},
      {"idempotent-const-chain", "f(f(x, c), d) = f(x, f(c, d)) for max, min, and, or",
       f(kChain, f(kChain, x, c0), c1), f(kChain, x, fold(f(kChain, c0, c1)))},
      {"rounded-twice", "f(f(x)) = f(x) for floor, ceil, round, trunc",
       f(ir::kIdempotentUnary, f(ir::kIdempotentUnary, x)), f(ir::kIdempotentUnary, x)},
      {"max-min-absorb", "max(x, min(x, y)) = x; for floats y may be NaN", max(x, min(x, y)), x, of_integral,
       both_orders},
      {"min-max-absorb", "min(x, max(x, y)) = x; for floats y may be NaN", min(x, max(x, y)), x, of_integral,
       both_orders},
      {"max-lowest", "max(x, -inf) = x", max(x, -kInf), x, of_float,
       Guard{"the type has infinities", has_infinity}},
      {"min-greatest", "min(x, inf) = x", min(x, kInf), x, of_float,
       Guard{"the type has infinities", has_infinity}},
      {"max-known", "max(x, y) is the one that is never below the other", max(x, y), extreme_known, of_int},
      {"min-known", "min(x, y) is the one that is never above the other", min(x, y), extreme_known, of_int},

      {"abs-neg", "abs(-x) = abs(x)", unary(Op::Abs, -x), unary(Op::Abs, x), of_number,
       Guard{"the type is signed", has_sign}},
      {"abs-abs", "abs(abs(x)) = abs(x)", unary(Op::Abs, unary(Op::Abs, x)), unary(Op::Abs, x), of_number},
      {"abs-known", "abs(x) = x for x >= 0", unary(Op::Abs, x), x, of_int,
       Guard{"x >= 0", x_is_not_negative}},
      {"square-of-abs", "abs(x) * abs(x) = x * x", unary(Op::Abs, x) * unary(Op::Abs, x), x * x, of_number},

      {"pow-zero", "pow(x, 0) = 1", zero_power, 1, of_number},
      {"pow-one", "pow(x, 1) = x", first_power, x, of_number},
      {"pow-two", "pow(x, 2) = x * x", square, x * x, of_number, Guard{"not f64", squares_exactly}},
      {"pow-two-f64", "pow(x, 2) = x * x", square, x * x, of_float, FloatClass::kApproximate},
      {"pow-half", "pow(x, 0.5) = sqrt(x)", binary(Op::Pow, x, 0.5), unary(Op::Sqrt, x), of_float,
       FloatClass::kApproximate},
      {"pow-minus-one", "pow(x, -1) = recip(x)", binary(Op::Pow, x, -1), unary(Op::Recip, x), of_float,
       FloatClass::kApproximate},
      {"square-of-sqrt", "sqrt(x) * sqrt(x) = x for x >= 0", unary(Op::Sqrt, x) * unary(Op::Sqrt, x), x,
       of_float, FloatClass::kApproximate},
      {"recip-recip", "recip(recip(x)) = x", unary(Op::Recip, unary(Op::Recip, x)), x, of_float,
       FloatClass::kApproximate},
      {"exp-log", "exp(log(x)) = x for x >= 0", unary(Op::Exp, unary(Op::Log, x)), x, of_float,
       FloatClass::kApproximate},
      {"log-exp", "log(exp(x)) = x where exp(x) is finite", unary(Op::Log, unary(Op::Exp, x)), x, of_float,
       FloatClass::kApproximate},
  };
}

}  // namespace

std::vector<Rule> arithmetic_rules() {
  std::vector<Rule> all = sums_and_products();
  for (Rule& r : extremes_and_powers()) all.push_back(std::move(r));
  return all;
}

}  // namespace anneal::rules
