// SPDX-License-Identifier: MIT
// Integer division and remainder, floor (//, %) and truncated. x // 0 and x % 0 are 0. The index rules take x
// as a sum of terms and use what is known of their ranges; a division they cannot remove stays as it is.
#include "rules/index_algebra.h"
#include "rules/rules.h"

namespace anneal::rules {
namespace {

using namespace rewrite;  // NOLINT: the surface rules are written in

bool x_is_not_zero(MatchContext& c) {
  const ir::Bounds& b = c.bounds(c.x());
  return b.min > 0 || b.max < 0 || b.remainder != 0;
}
bool has_sign(MatchContext& c) { return is_signed(c.graph.dtype(c.root)); }
bool both_not_negative(MatchContext& c) {
  return c.bounds(c.x()).min >= 0 && c.bounds(c.y()).min >= 0 && c.graph.dtype(c.x()) != DType::kU64;
}
bool y_and_z_positive(MatchContext& c) { return c.bounds(c.y()).min >= 1 && c.bounds(c.z()).min >= 1; }
bool c0_is_negative(MatchContext& c) { return c.int_value(c.c0()) < 0 && c.int_value(c.c0()) != INT64_MIN; }

// (x / c) / d for c, d > 0 whose product the type holds.
Node divide_twice(MatchContext& c) {
  const DType t = c.graph.dtype(c.root);
  const int64_t a = c.int_value(c.c0()), b = c.int_value(c.c1());
  int64_t product;
  if (a <= 0 || b <= 0 || __builtin_mul_overflow(a, b, &product) || product > ir::type_bounds(t).max)
    return {};
  return c.make(c.op(c.root), c.x(), c.constant(ir::Scalar::from_int(product, t), t));
}
// (x % c) % d for a positive multiple c of d > 0.
Node remainder_twice(MatchContext& c) {
  const int64_t a = c.int_value(c.c0()), b = c.int_value(c.c1());
  return a > 0 && b > 0 && a % b == 0 ? c.make(c.op(c.root), c.x(), c.c1()) : Node{};
}

std::vector<Rule> any_int() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  const Guard nonzero{"x is not 0", x_is_not_zero}, not_negative{"x >= 0 and y >= 0", both_not_negative};
  const Guard has_minus_one{"the type is signed", has_sign};
  return {
      {"floordiv-one", "x // 1 = x", floordiv(x, 1), x, of_int},
      {"truncdiv-one", "truncdiv(x, 1) = x", truncdiv(x, 1), x, of_int},
      {"floordiv-minus-one", "x // -1 = -x", floordiv(x, -1), -x, of_machine_int, has_minus_one},
      {"truncdiv-minus-one", "truncdiv(x, -1) = -x", truncdiv(x, -1), -x, of_machine_int, has_minus_one},
      {"floormod-one", "x % 1 = 0", floormod(x, 1), 0, of_int},
      {"truncmod-one", "truncmod(x, 1) = 0", truncmod(x, 1), 0, of_int},
      {"floordiv-self", "x // x = 1 for x != 0", floordiv(x, x), 1, of_int, nonzero},
      {"truncdiv-self", "truncdiv(x, x) = 1 for x != 0", truncdiv(x, x), 1, of_int, nonzero},
      {"floormod-self", "x % x = 0", floormod(x, x), 0, of_int},
      {"truncmod-self", "truncmod(x, x) = 0", truncmod(x, x), 0, of_int},
      {"zero-floordiv", "0 // x = 0", floordiv(0, x), 0, of_int},
      {"zero-truncdiv", "truncdiv(0, x) = 0", truncdiv(0, x), 0, of_int},
      {"zero-floormod", "0 % x = 0", floormod(0, x), 0, of_int},
      {"zero-truncmod", "truncmod(0, x) = 0", truncmod(0, x), 0, of_int},
      {"truncdiv-is-floordiv", "truncdiv(x, y) = x // y for x, y >= 0", truncdiv(x, y), floordiv(x, y),
       of_int, not_negative},
      {"truncmod-is-floormod", "truncmod(x, y) = x % y for x, y >= 0", truncmod(x, y), floormod(x, y), of_int,
       not_negative},
      {"floordiv-floordiv", "(x // c) // d = x // (c*d) for c, d > 0", floordiv(floordiv(x, c0), c1),
       divide_twice, of_machine_int},
      {"truncdiv-truncdiv", "truncdiv(truncdiv(x, c), d) = truncdiv(x, c*d) for c, d > 0",
       truncdiv(truncdiv(x, c0), c1), divide_twice, of_machine_int},
      {"floormod-floormod", "(x % c) % d = x % d when d divides c", floormod(floormod(x, c0), c1),
       remainder_twice, of_machine_int},
      {"truncmod-truncmod", "the same of truncmod", truncmod(truncmod(x, c0), c1), remainder_twice,
       of_machine_int},
  };
}

std::vector<Rule> index_only() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  const Guard negative{"c < 0", c0_is_negative}, positive{"y > 0 and z > 0", y_and_z_positive};
  return {
      {"index-div-negative", "x // c = (-x) // (-c) for c < 0", floordiv(x, c0), floordiv(-x, fold(-c0)),
       of_index, negative},
      {"index-mod-negative", "x % c = -((-x) % (-c)) for c < 0", floormod(x, c0), -floormod(-x, fold(-c0)),
       of_index, negative},
      {"index-div-parts", "(g*x + r) // (g*c) = x // c for 0 <= r < g", floordiv(x, c0), div_by_parts,
       of_index},
      {"index-div-multiples", "(c*x + y) // c = x + y // c", floordiv(x, c0), div_split_multiples, of_index},
      {"index-div-div", "(x // c + n) // d = (x + n*c) // (c*d) for a constant n", floordiv(x, c0),
       div_of_div, of_index},
      {"index-div-mod", "(x % (c*d)) // d = (x // d) % c", floordiv(x, c0), div_of_mod, of_index},
      {"index-mod-range", "(c*x + r) % c = r for 0 <= r < c", floormod(x, c0), mod_in_range, of_index},
      {"index-mod-reduce",
       "(c*x + y) % c = y % c, and (n*(x % m) + y) % c = (n*x + y) % c when c divides n*m", floormod(x, c0),
       mod_reduce, of_index},
      {"index-mod-parts", "(g*x + r) % (g*c) = g*(x % c) + r for 0 <= r < g", floormod(x, c0), mod_factor,
       of_index},

      {"index-div-symbol", "(n*x + r) // n = x for 0 <= r < n", floordiv(x, y), div_by_symbol, of_index},
      {"index-mod-symbol", "(n*x + r) % n = r for 0 <= r < n", floormod(x, y), mod_by_symbol, of_index},
      {"index-div-factor", "(x*n) // (y*n) = x // y for n > 0", floordiv(x, y), div_common_factor, of_index},
      {"index-mod-factor", "(x*n) % (y*n) = (x % y) * n for n > 0", floormod(x, y), mod_common_factor,
       of_index},
      {"index-div-div-symbol", "(x // y) // z = x // (y*z) for y, z > 0", floordiv(floordiv(x, y), z),
       floordiv(x, y * z), of_index, positive},
  };
}

}  // namespace

std::vector<Rule> divmod_rules() {
  std::vector<Rule> all = any_int();
  for (Rule& r : index_only()) all.push_back(std::move(r));
  return all;
}

}  // namespace anneal::rules
