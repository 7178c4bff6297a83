// SPDX-License-Identifier: MIT
// Choice. The side that is not taken has no effect, so a choice may go even if a side holds a NaN.
#include "rules/rules.h"

namespace anneal::rules {

using namespace rewrite;  // NOLINT: the surface rules are written in

namespace {

bool at_most(MatchContext& c, Node a, Node b) {
  const DType t = c.graph.dtype(a);
  const ir::Scalar x = c.graph.const_value(a), y = c.graph.const_value(b);
  if (is_float(t)) return x.as_double(t) <= y.as_double(t);
  return is_signed(t) ? x.as_int(t) <= y.as_int(t) : x.bits <= y.bits;
}
bool c0_at_most_c1(MatchContext& c) { return at_most(c, c.c0(), c.c1()); }
bool c1_at_most_c0(MatchContext& c) { return at_most(c, c.c1(), c.c0()); }

}  // namespace

std::vector<Rule> where_rules() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  return {
      {"where-true", "where(true, x, y) = x", where(1, x, y), x},
      {"where-false", "where(false, x, y) = y", where(0, x, y), y},
      {"where-same", "where(x, y, y) = y", where(x, y, y), y},
      {"where-not", "where(~x, y, z) = where(x, z, y)", where(~x, y, z), where(x, z, y)},
      {"where-is-condition", "where(x, true, false) = x", where(x, 1, 0), x, of_bool},
      {"where-is-inverse", "where(x, false, true) = ~x", where(x, 0, 1), ~x, of_bool},
      {"where-and", "where(x, y, false) = x & y", where(x, y, 0), x & y, of_bool},
      {"where-or", "where(x, true, y) = x | y", where(x, 1, y), x | y, of_bool},
      {"where-then-where", "where(x, where(x, y, z), w) = where(x, y, w)", where(x, where(x, y, z), w),
       where(x, y, w)},
      {"where-else-where", "where(x, y, where(x, z, w)) = where(x, y, w)", where(x, y, where(x, z, w)),
       where(x, y, w)},
      {"where-both", "where(x, where(y, z, w), w) = where(x & y, z, w)", where(x, where(y, z, w), w),
       where(x & y, z, w)},
      {"where-either", "where(x, z, where(y, z, w)) = where(x | y, z, w)", where(x, z, where(y, z, w)),
       where(x | y, z, w)},
      {"where-implied", "where(x < c, where(x < d, y, z), w) = where(x < c, y, w) for c <= d",
       where(x < c0, where(x < c1, y, z), w), where(x < c0, y, w), Guard{"c <= d", c0_at_most_c1}},
      {"where-excluded", "where(x < c, y, where(x < d, z, w)) = where(x < c, y, w) for d <= c",
       where(x < c0, y, where(x < c1, z, w)), where(x < c0, y, w), Guard{"d <= c", c1_at_most_c0}},
      {"where-less-is-max", "where(x < y, y, x) = max(x, y); for floats NaN", where(x < y, y, x), max(x, y),
       of_integral},
      {"where-less-is-min", "where(x < y, x, y) = min(x, y); for floats NaN", where(x < y, x, y), min(x, y),
       of_integral},
      {"where-less-equal-is-max", "where(x <= y, y, x) = max(x, y); for floats NaN", where(x <= y, y, x),
       max(x, y), of_integral},
      {"where-less-equal-is-min", "where(x <= y, x, y) = min(x, y); for floats NaN", where(x <= y, x, y),
       min(x, y), of_integral},
      {"where-equal", "where(x == y, x, y) = y; for floats 0 == -0", where(x == y, x, y), y, of_integral,
       both_orders},
      {"where-unequal", "where(x != y, x, y) = x; for floats 0 == -0", where(x != y, x, y), x, of_integral,
       both_orders},
  };
}

}  // namespace anneal::rules
