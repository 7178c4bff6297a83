// SPDX-License-Identifier: MIT
// Rules on comparisons, max and min of index values. a < b and a <= b are both "P < 0" for a sum P.
#include <algorithm>
#include <numeric>

#include "rules/index_algebra.h"

namespace anneal::rules {
namespace {

Node truth(MatchContext& c, bool value) { return c.number(value ? 1 : 0, DType::kBool); }

// P with root <=> P < 0.
bool as_negative(MatchContext& c, Polynomial* p) {
  return p->add_node(c.graph, c.source(c.root, 0)) && p->add_node(c.graph, c.source(c.root, 1), -1) &&
         (c.op(c.root) == Op::Lt || p->add_constant(-1));
}

// p == left - right + constant, both with positive coefficients.
bool sides(const Polynomial& p, Polynomial* left, Polynomial* right) {
  for (const Term& t : p) {
    if (t.coefficient == INT64_MIN) return false;
    if (t.coefficient > 0 ? !left->add_term(t) : !right->add_term(t, -1)) return false;
  }
  return true;
}

int64_t common_divisor(const Polynomial& p) {
  int64_t g = 0;
  for (const Term& t : p) g = t.coefficient == INT64_MIN ? 1 : std::gcd(g, t.coefficient);
  return g;
}

// P < 0 <=> floor(P / g) < 0: coefficients and bounded terms shrink as far as they go.
void shrink(MatchContext& c, Polynomial* p) {
  for (int round = 0; round < Polynomial::kMaxTerms; ++round) {
    Polynomial quotient, rest;
    bool shrunk = false;
    for (int i = 0; i < p->size() && !shrunk; ++i) {
      const int64_t coefficient = (*p)[i].coefficient;
      if (coefficient == INT64_MIN) return;
      int64_t g = coefficient < 0 ? -coefficient : coefficient;
      shrunk = g > 1 && divide_sum(c, *p, g, &g, &quotient, &rest);
    }
    if (!shrunk) return;
    *p = quotient;
  }
}

// left < right + k, the constant on the right; on the left when nothing else is there. x <= y for x < y + 1.
Node build_less(MatchContext& c, const Polynomial& p) {
  Polynomial left, right;
  if (p.constant() == INT64_MIN || !sides(p, &left, &right)) return {};
  if (left.size() == 0) {
    left.set_constant(p.constant());
  } else if (right.size() != 0 && p.constant() == -1) {
    return c.make(Op::Le, build_sum(c, left), build_sum(c, right));
  } else {
    right.set_constant(-p.constant());
  }
  const Node a = build_sum(c, left);
  return c.make(Op::Lt, a, build_sum(c, right));
}

}  // namespace

Node compare_known(MatchContext& c) {
  Polynomial p;
  const Op op = c.op(c.root);
  if (op == Op::Lt || op == Op::Le) {
    if (!as_negative(c, &p)) return {};
    if (ir::prove_negative(c.bounds, p)) return truth(c, true);
    return ir::prove_non_negative(c.bounds, p) ? truth(c, false) : Node{};
  }
  const ir::Tri equal = ir::is_equal(c.bounds, c.source(c.root, 0), c.source(c.root, 1));
  return equal == ir::Tri::kUnknown ? Node{} : truth(c, (equal == ir::Tri::kTrue) == (op == Op::Eq));
}

// (y // d) + Z < 0 <=> y + d*Z < 0;  Z - (y // d) < 0 <=> d*Z + d - y - 1 < 0.
Node compare_without_division(MatchContext& c) {
  Polynomial p;
  if (!as_negative(c, &p) || p.size() > 2) return {};
  for (const Term& t : p) {
    if (t.degree != 1 || (t.coefficient != 1 && t.coefficient != -1) || c.op(t.factors[0]) != Op::FloorDiv)
      continue;
    const Node divisor = c.source(t.factors[0], 1);
    if (!c.is_const(divisor) || c.int_value(divisor) < 1) continue;
    const int64_t d = c.int_value(divisor);
    Polynomial others = p, out;
    if (!others.add_term(t, -1) || !out.add(others, d) ||
        !out.add_node(c.graph, c.source(t.factors[0], 0), t.coefficient))
      return {};
    if (t.coefficient < 0 && !out.add_constant(d - 1)) return {};
    return build_less(c, out);
  }
  return {};
}

Node compare_canonical(MatchContext& c) {
  Polynomial p;
  if (!as_negative(c, &p) || p.size() == 0) return {};
  shrink(c, &p);
  return p.size() == 0 ? truth(c, p.constant() < 0) : build_less(c, p);
}

Node equal_canonical(MatchContext& c) {
  Polynomial p, whole, rest, left, right;
  if (!p.add_node(c.graph, c.source(c.root, 0)) || !p.add_node(c.graph, c.source(c.root, 1), -1)) return {};
  const int64_t g = common_divisor(p);
  if (g == 0) return {};
  split_sum(p, g, Remainders::kWhole, &whole, &rest);
  if (!rest.is_zero()) return truth(c, c.op(c.root) == Op::Ne);
  // Of the largest coefficients, by key: the same side for P and -P.
  sort_terms(c.graph, whole);
  int positive = -1, negative = -1;
  for (int i = whole.size(); i-- > 0;) (whole[i].coefficient > 0 ? positive : negative) = i;
  bool flip = positive < 0;
  if (positive >= 0 && negative >= 0) {
    Polynomial pair;
    pair.add_term({1, whole[positive].degree, whole[positive].factors}, whole[positive].coefficient);
    pair.add_term({1, whole[negative].degree, whole[negative].factors}, -whole[negative].coefficient);
    const Term first = pair[0];
    sort_terms(c.graph, pair);
    flip = !pair[0].same_atoms(first);
  }
  if (!sides(whole, flip ? &right : &left, flip ? &left : &right)) return {};
  if (whole.constant() == INT64_MIN) return {};
  right.set_constant(flip ? whole.constant() : -whole.constant());
  const Node a = build_sum(c, left);
  return c.make(c.op(c.root), a, build_sum(c, right));
}

Node extreme_known(MatchContext& c) {
  const Node x = c.source(c.root, 0), y = c.source(c.root, 1);
  const bool is_max = c.op(c.root) == Op::Max;
  if (ir::is_less_equal(c.bounds, x, y) == ir::Tri::kTrue) return is_max ? y : x;
  return ir::is_less_equal(c.bounds, y, x) == ir::Tri::kTrue ? is_max ? x : y : Node{};
}

}  // namespace anneal::rules
