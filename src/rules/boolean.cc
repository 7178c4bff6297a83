// SPDX-License-Identifier: MIT
// Bits and truth. -1 stands for all bits set: true for bool.
#include "rules/rules.h"

namespace anneal::rules {
namespace {

using namespace rewrite;  // NOLINT: the surface rules are written in

bool x_is_no_float(MatchContext& c) { return !is_float(c.graph.dtype(c.x())); }

// x < c and d < x: no integer lies between when c - 1 <= d.
bool nothing_between(MatchContext& c) {
  if (!x_is_no_float(c) || c.graph.dtype(c.x()) == DType::kU64) return false;
  const int64_t upper = c.int_value(c.c0()), lower = c.int_value(c.c1());
  return upper <= lower || upper - 1 == lower;
}

// 2^k for a constant shift within the width.
Node power_of_two(MatchContext& c, Node shift) {
  const int64_t k = c.int_value(shift);
  return k >= 0 && k < 62 ? c.index(int64_t{1} << k) : Node{};
}
Node shift_to_product(MatchContext& c) {
  const Node power = power_of_two(c, c.c0());
  return power ? c.make(Op::Mul, c.x(), power) : power;
}
Node shift_to_quotient(MatchContext& c) {
  const Node power = power_of_two(c, c.c0());
  return power ? c.make(Op::FloorDiv, c.x(), power) : power;
}
Node mask_to_remainder(MatchContext& c) {
  const int64_t mask = c.int_value(c.c0());
  if (mask < 1 || mask == INT64_MAX || (mask & (mask + 1)) != 0) return {};
  return c.make(Op::FloorMod, c.x(), c.index(mask + 1));
}

// Equal sets of bits become equal nodes. Floats keep their order: which NaN came first does not matter, but
// reading them in the order they were written does.
Node by_key(MatchContext& c) {
  if (c.is_const(c.y()) || !(c.graph.key(c.y()) < c.graph.key(c.x()))) return {};
  return c.make(c.op(c.root), c.y(), c.x());
}

}  // namespace

std::vector<Rule> boolean_rules() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  const Guard no_float{"x is no float", x_is_no_float};
  return {
      {"and-zero", "x & 0 = 0", x & 0, 0, of_integral},
      {"and-ones", "x & ~0 = x", x & -1, x, of_integral},
      {"or-zero", "x | 0 = x", x | 0, x, of_integral},
      {"or-ones", "x | ~0 = ~0", x | -1, -1, of_integral},
      {"xor-zero", "x ^ 0 = x", x ^ 0, x, of_integral},
      {"xor-ones", "x ^ ~0 = ~x", x ^ -1, ~x, of_integral},
      {"xor-self", "x ^ x = 0", x ^ x, 0, of_integral},
      {"xor-const-xor", "(x ^ c) ^ d = x ^ (c ^ d)", (x ^ c0) ^ c1, x ^ fold(c0 ^ c1), of_integral},
      {"not-not", "~~x = x", ~~x, x, of_integral},
      {"and-not-self", "x & ~x = 0", x & ~x, 0, of_integral, both_orders},
      {"or-not-self", "x | ~x = ~0", x | ~x, -1, of_integral, both_orders},
      {"and-or-absorb", "x & (x | y) = x", x & (x | y), x, of_integral, both_orders},
      {"or-and-absorb", "x | (x & y) = x", x | (x & y), x, of_integral, both_orders},
      {"and-of-nots", "~x & ~y = ~(x | y)", ~x & ~y, ~(x | y), of_integral},
      {"or-of-nots", "~x | ~y = ~(x & y)", ~x | ~y, ~(x & y), of_integral},
      {"max-of-bools", "max(x, y) = x | y for bool", max(x, y), x | y, of_bool},
      {"min-of-bools", "min(x, y) = x & y for bool", min(x, y), x & y, of_bool},
      {"order-of-bits", "x & y = y & x, the lesser key first", x & y, by_key, of_integral},
      {"order-of-alternatives", "x | y = y | x, the lesser key first", x | y, by_key, of_integral},

      {"not-equal", "~(x == y) = (x != y)", ~(x == y), x != y, of_bool},
      {"not-unequal", "~(x != y) = (x == y)", ~(x != y), x == y, of_bool},
      {"not-less", "~(x < y) = (y <= x); for floats NaN is neither", ~(x < y), y <= x, of_bool, no_float},
      {"not-less-equal", "~(x <= y) = (y < x); for floats NaN is neither", ~(x <= y), y < x, of_bool,
       no_float},
      {"both-below", "x < c and x < d is x < min(c, d)", (x < c0) & (x < c1), x < fold(min(c0, c1)), of_bool},
      {"both-above", "c < x and d < x is max(c, d) < x", (c0 < x) & (c1 < x), fold(max(c0, c1)) < x, of_bool},
      {"either-below", "x < c or x < d is x < max(c, d)", (x < c0) | (x < c1), x < fold(max(c0, c1)), of_bool,
       no_float},
      {"either-above", "c < x or d < x is min(c, d) < x", (c0 < x) | (c1 < x), fold(min(c0, c1)) < x, of_bool,
       no_float},
      {"empty-interval", "x < c and d < x is false when c <= d + 1", (x < c0) & (c1 < x), 0, of_bool,
       both_orders, Guard{"no integer lies between", nothing_between}},

      {"less-and-not-less", "x < y and y <= x is false", (x < y) & (y <= x), 0, of_bool, both_orders},
      {"less-or-not-less", "x < y or y <= x is true; for floats NaN is neither", (x < y) | (y <= x), 1,
       of_bool, both_orders, no_float},
      {"equal-and-unequal", "x == y and x != y is false", (x == y) & (x != y), 0, of_bool, both_orders},
      {"equal-or-unequal", "x == y or x != y is true", (x == y) | (x != y), 1, of_bool, both_orders},

      {"shl-zero", "x << 0 = x", binary(Op::Shl, x, 0), x, of_int},
      {"shr-zero", "x >> 0 = x", binary(Op::Shr, x, 0), x, of_int},
      {"index-shl", "x << k = x * 2^k", binary(Op::Shl, x, c0), shift_to_product, of_index},
      {"index-shr", "x >> k = x // 2^k", binary(Op::Shr, x, c0), shift_to_quotient, of_index},
      {"index-mask", "x & (2^k - 1) = x % 2^k", x & c0, mask_to_remainder, of_index},
  };
}

}  // namespace anneal::rules
