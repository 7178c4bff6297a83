// SPDX-License-Identifier: MIT
// Comparisons. Those of index values get one form, with the constant on the right where there is a choice.
#include "rules/index_algebra.h"
#include "rules/rules.h"

namespace anneal::rules {
namespace {

using namespace rewrite;  // NOLINT: the surface rules are written in

bool x_is_bool(MatchContext& c) { return is_bool(c.graph.dtype(c.x())); }

}  // namespace

std::vector<Rule> compare_rules() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  constexpr uint32_t kEquality = ir::kComparison | ir::kCommutative;
  const Guard bool_source{"x is bool", x_is_bool};
  return {
      {"less-self", "x < x is false", x < x, 0},
      {"less-equal-self", "x <= x is true; for floats NaN is not", x <= x, 1, of_integral},
      {"equal-self", "x == x is true; for floats NaN is not", x == x, 1, of_integral},
      {"unequal-self", "x != x is false; for floats it is the test for NaN", x != x, 0, of_integral},
      {"equal-true", "x == true is x", x == 1, x, of_bool},
      {"equal-false", "x == false is ~x", x == 0, ~x, of_bool},
      {"unequal-true", "x != true is ~x", x != 1, ~x, of_bool},
      {"unequal-false", "x != false is x", x != 0, x, of_bool},
      {"cast-bool-unequal-zero", "cast(x) != 0 is x for a bool x", unary(Op::Cast, x) != 0, x, bool_source},
      {"cast-bool-equal-zero", "cast(x) == 0 is ~x for a bool x", unary(Op::Cast, x) == 0, ~x, bool_source},
      {"equal-add-const", "x + c == d is x == d - c", x + c0 == c1, x == fold(c1 - c0), of_machine_int},
      {"unequal-add-const", "x + c != d is x != d - c", x + c0 != c1, x != fold(c1 - c0), of_machine_int},

      {"index-compare-known", "a comparison that the bounds of the difference decide",
       f(ir::kComparison, x, y), compare_known, of_index},
      {"index-less-quotient", "x // d < n is x < n*d, and n < x // d is n*d + d - 1 < x", x < y,
       compare_without_division, of_index},
      {"index-less-equal-quotient", "the same of <=", x <= y, compare_without_division, of_index},
      {"index-less",
       "terms on the side where they are positive, in lowest terms: g*x + r < g*n is x < n for 0 <= r < g",
       x < y, compare_canonical, of_index},
      {"index-less-equal", "the same of <=; x <= c is x < c + 1", x <= y, compare_canonical, of_index},
      {"index-equal", "the same of == and !=", f(kEquality, x, y), equal_canonical, of_index},
  };
}

}  // namespace anneal::rules
