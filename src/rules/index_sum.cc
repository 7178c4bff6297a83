// SPDX-License-Identifier: MIT
// Rules on sums of index values: the canonical order, products, and quotients that meet their remainders.
#include "rules/index_algebra.h"

namespace anneal::rules {

Node canonical_sum(MatchContext& c) {
  const Polynomial* p = c.polynomial(c.root);
  if (p == nullptr) return {};
  Polynomial sorted = *p;
  sort_terms(c.graph, sorted);
  return is_built(c, c.root, sorted) ? Node{} : build_sum(c, sorted);
}

// A product of two sums stays one; a sum times one term is multiplied out.
Node canonical_product(MatchContext& c) {
  const Node x = c.source(c.root, 0), y = c.source(c.root, 1);
  if (c.is_const(x) || c.is_const(y)) return canonical_sum(c);
  const Polynomial *p = c.polynomial(x), *q = c.polynomial(y);
  if (p == nullptr || q == nullptr) return {};
  const auto is_term = [](const Polynomial& s) { return s.size() == 1 && s.constant() == 0; };
  Polynomial product;
  if (is_term(*q) ? !product.add_product(*p, (*q)[0]) : is_term(*p) && !product.add_product(*q, (*p)[0]))
    return {};
  if (!is_term(*p) && !is_term(*q)) {
    Term both{1, 0, {}};
    both.multiply_by(x);
    both.multiply_by(y);
    product.add_term(both);
  }
  sort_terms(c.graph, product);
  return is_built(c, c.root, product) ? Node{} : build_sum(c, product);
}

namespace {

struct Division {
  Node dividend;
  int64_t divisor;
};
// x // k or x % k with a constant k > 0.
bool is_division(const MatchContext& c, const Term& t, Op op, Division* out) {
  if (t.degree != 1 || c.op(t.factors[0]) != op) return false;
  const Node divisor = c.source(t.factors[0], 1);
  if (!c.is_const(divisor)) return false;
  *out = {c.source(t.factors[0], 0), c.int_value(divisor)};
  return out->divisor > 0;
}

Term atom(Node n) { return {1, 1, {n}}; }

// z == floor(w / a) with the largest a: a sum is w itself, (x // a) + k is (x + a*k) // a.
bool as_quotient(MatchContext& c, Node z, Polynomial* w, int64_t* a) {
  w->clear();
  *a = 1;
  if (!w->add_node(c.graph, z)) return false;
  Division q;
  if (w->size() != 1 || (*w)[0].coefficient != 1 || !is_division(c, (*w)[0], Op::FloorDiv, &q)) return true;
  int64_t shift;
  if (__builtin_mul_overflow(w->constant(), q.divisor, &shift)) return false;
  w->clear();
  *a = q.divisor;
  return w->add_node(c.graph, q.dividend) && w->add_constant(shift);
}

// Whether t, but for its coefficient, is floor(z / m) + extra for some sum `extra`.
bool is_quotient_of(MatchContext& c, const Term& t, Node z, int64_t m, Polynomial* extra) {
  Division q;
  Polynomial difference, w, none;
  int64_t a, divisor;
  if (!is_division(c, t, Op::FloorDiv, &q) || !as_quotient(c, z, &w, &a)) return false;
  if (__builtin_mul_overflow(a, m, &divisor) || q.divisor != divisor) return false;
  if (!difference.add_node(c.graph, q.dividend) || !difference.add(w, -1)) return false;
  split_sum(difference, divisor, Remainders::kWhole, extra, &none);
  return none.is_zero();
}

bool has_division(const MatchContext& c, const Polynomial& p, Op op) {
  for (const Term& t : p)
    for (uint32_t i = 0; i < t.degree; ++i)
      if (c.op(t.factors[i]) == op) return true;
  return false;
}

// c*(z % m) + c*m*(z // m) = c*z, and with the digit above it, c*(z % m) + c*m*((z // m) % b) = c*(z %
// (m*b)).
bool join_terms(MatchContext& c, const Polynomial& p, const Term& low, const Term& high, Polynomial* out) {
  Division mod, digit;
  Polynomial extra, whole;
  int64_t scale, modulus;
  if (!is_division(c, low, Op::FloorMod, &mod) ||
      __builtin_mul_overflow(low.coefficient, mod.divisor, &scale) || high.coefficient != scale ||
      low.coefficient == INT64_MIN || scale == INT64_MIN)
    return false;
  *out = p;
  if (!out->add_term(low, -1) || !out->add_term(high, -1)) return false;
  if (is_quotient_of(c, high, mod.dividend, mod.divisor, &extra))
    return out->add_node(c.graph, mod.dividend, low.coefficient) && out->add(extra, scale);
  if (!is_division(c, high, Op::FloorMod, &digit) ||
      !is_quotient_of(c, atom(digit.dividend), mod.dividend, mod.divisor, &extra) ||
      __builtin_mul_overflow(mod.divisor, digit.divisor, &modulus))
    return false;
  if (!whole.add_node(c.graph, mod.dividend) || !whole.add(extra, mod.divisor)) return false;
  return out->add_term(atom(c.make(Op::FloorMod, build_sum(c, whole), c.index(modulus))), low.coefficient);
}

// The node z // m, if it is an atom of p.
Node quotient_in(const MatchContext& c, const Polynomial& p, Node z, Node m) {
  for (const Term& t : p)
    for (uint32_t i = 0; i < t.degree; ++i) {
      const Node n = t.factors[i];
      if (c.op(n) == Op::FloorDiv && c.source(n, 0) == z && c.source(n, 1) == m) return n;
    }
  return {};
}

// t = f*(z % m) with a symbolic m > 0: f*(z % m) + f*m*(z // m) = f*z, when that leaves fewer terms.
bool join_symbolic(MatchContext& c, const Polynomial& p, const Term& t, Polynomial* out) {
  for (uint32_t i = 0; i < t.degree; ++i) {
    const Node mod = t.factors[i];
    if (c.op(mod) != Op::FloorMod) continue;
    const Node z = c.source(mod, 0), m = c.source(mod, 1);
    const Node quotient = quotient_in(c, p, z, m);
    Term others = t, product = t;
    Polynomial divisor, dividend;
    if (!quotient || c.is_const(m) || c.bounds(m).min < 1 || !others.divide_by_atoms(atom(mod))) continue;
    product = others;
    *out = p;
    if (!product.multiply_by(quotient) || !divisor.add_node(c.graph, m) || !dividend.add_node(c.graph, z))
      continue;
    Polynomial taken;
    if (!taken.add_product(divisor, product) || !out->add(taken, -1) || !out->add_term(t, -1) ||
        !out->add_product(dividend, others))
      continue;
    if (out->size() < p.size()) return true;
  }
  return false;
}

}  // namespace

Node join_quotient_and_remainder(MatchContext& c) {
  const Polynomial* known = c.polynomial(c.root);
  if (known == nullptr || known->size() < 2 || !has_division(c, *known, Op::FloorMod)) return {};
  const Polynomial p = *known;
  Polynomial joined;
  for (const Term& low : p)
    for (const Term& high : p)
      if (join_terms(c, p, low, high, &joined)) return build_sum(c, joined);
  for (const Term& t : p)
    if (join_symbolic(c, p, t, &joined)) return build_sum(c, joined);
  return {};
}

namespace {

// c*z - c*m*(z // m) = c*(z % m) for one atom z.
bool take_remainder(MatchContext& c, const Polynomial& p, const Term& whole, const Term& quotient,
                    Polynomial* out) {
  if (whole.degree != 1 || whole.coefficient == INT64_MIN || quotient.coefficient % whole.coefficient != 0)
    return false;
  const int64_t m = -(quotient.coefficient / whole.coefficient);
  Polynomial extra;
  if (m < 2 || !is_quotient_of(c, quotient, whole.factors[0], m, &extra)) return false;
  *out = p;
  return out->add_term(whole, -1) && out->add_term(quotient, -1) && out->add(extra, quotient.coefficient) &&
         out->add_term(atom(c.make(Op::FloorMod, whole.factors[0], c.index(m))), whole.coefficient);
}

// The same for a sum z, when that leaves fewer terms.
bool take_remainder_of_sum(MatchContext& c, const Polynomial& p, const Term& quotient, Polynomial* out) {
  Division q;
  if (!is_division(c, quotient, Op::FloorDiv, &q) || quotient.coefficient % q.divisor != 0) return false;
  const int64_t scale = -(quotient.coefficient / q.divisor);
  *out = p;
  if (scale == INT64_MIN || !out->add_term(quotient, -1) || !out->add_node(c.graph, q.dividend, -scale))
    return false;
  return out->size() + 1 < p.size() &&
         out->add_term(atom(c.make(Op::FloorMod, q.dividend, c.index(q.divisor))), scale);
}

}  // namespace

Node remainder_of_difference(MatchContext& c) {
  const Polynomial* known = c.polynomial(c.root);
  if (known == nullptr || known->size() < 2 || !has_division(c, *known, Op::FloorDiv)) return {};
  const Polynomial p = *known;
  Polynomial out;
  for (const Term& quotient : p) {
    if (quotient.coefficient == INT64_MIN) return {};
    for (const Term& whole : p)
      if (take_remainder(c, p, whole, quotient, &out)) return build_sum(c, out);
    if (take_remainder_of_sum(c, p, quotient, &out)) return build_sum(c, out);
  }
  return {};
}

}  // namespace anneal::rules
