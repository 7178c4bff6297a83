// SPDX-License-Identifier: MIT
// Rules on floor division and remainder of index values. x is the root's dividend, d its divisor; P = x as a
// sum.
#include <numeric>

#include "rules/index_algebra.h"

namespace anneal::rules {
namespace {

// The constant divisor of the root, at least 2; 0 if it is none.
int64_t divisor_of_root(const MatchContext& c) {
  const Node d = c.source(c.root, 1);
  return c.is_const(d) && c.int_value(d) >= 2 ? c.int_value(d) : 0;
}

Node divided(MatchContext& c, Op op, Polynomial& p, int64_t d) {
  return c.make(op, build_sum(c, p), c.index(d));
}

// If p is one atom of the given op with a positive constant second source: that source, else 0.
int64_t single_division(const MatchContext& c, const Polynomial& p, Op op) {
  if (p.size() != 1 || p[0].coefficient != 1 || p[0].degree != 1 || c.op(p[0].factors[0]) != op) return 0;
  const Node d = c.source(p[0].factors[0], 1);
  return c.is_const(d) && c.int_value(d) > 0 ? c.int_value(d) : 0;
}

}  // namespace

Node div_by_parts(MatchContext& c) {
  const int64_t d = divisor_of_root(c);
  const Polynomial* p = d == 0 ? nullptr : c.polynomial(c.x());
  Polynomial quotient, rest;
  int64_t g;
  if (p == nullptr || !divide_sum(c, *p, d, &g, &quotient, &rest)) return {};
  return g == d ? build_sum(c, quotient) : divided(c, Op::FloorDiv, quotient, d / g);
}

Node div_split_multiples(MatchContext& c) {
  const int64_t d = divisor_of_root(c);
  const Polynomial* p = d == 0 ? nullptr : c.polynomial(c.x());
  Polynomial quotient, rest;
  if (p == nullptr) return {};
  split_sum(*p, d, Remainders::kWhole, &quotient, &rest);
  if (quotient.is_zero()) return {};
  const Node part = divided(c, Op::FloorDiv, rest, d);
  return quotient.add_term({1, 1, {part}}) ? build_sum(c, quotient) : Node{};
}

Node div_of_div(MatchContext& c) {
  const int64_t d = divisor_of_root(c);
  const Polynomial* p = d == 0 ? nullptr : c.polynomial(c.x());
  const int64_t a = p == nullptr ? 0 : single_division(c, *p, Op::FloorDiv);
  int64_t product, shift;
  Polynomial inner;
  if (a == 0 || __builtin_mul_overflow(a, d, &product) || __builtin_mul_overflow(a, p->constant(), &shift))
    return {};
  if (!inner.add_node(c.graph, c.source((*p)[0].factors[0], 0)) || !inner.add_constant(shift)) return {};
  return divided(c, Op::FloorDiv, inner, product);
}

Node div_of_mod(MatchContext& c) {
  const int64_t d = divisor_of_root(c);
  const Polynomial* p = d == 0 ? nullptr : c.polynomial(c.x());
  const int64_t m = p == nullptr || p->constant() != 0 ? 0 : single_division(c, *p, Op::FloorMod);
  if (m == 0 || m % d != 0) return {};
  const Node quotient = c.make(Op::FloorDiv, c.source((*p)[0].factors[0], 0), c.index(d));
  return c.make(Op::FloorMod, quotient, c.index(m / d));
}

// -- Remainders --

Node mod_in_range(MatchContext& c) {
  const int64_t d = divisor_of_root(c);
  const Polynomial* p = d == 0 ? nullptr : c.polynomial(c.x());
  Polynomial quotient, rest;
  int64_t g;
  if (p == nullptr || !divide_sum(c, *p, d, &g, &quotient, &rest) || g != d) return {};
  return build_sum(c, rest);
}

Node mod_reduce(MatchContext& c) {
  const int64_t d = divisor_of_root(c);
  const Polynomial* p = d == 0 ? nullptr : c.polynomial(c.x());
  if (p == nullptr) return {};
  Polynomial rest;
  rest.set_constant(floor_mod(p->constant(), d));
  bool changed = rest.constant() != p->constant();
  for (const Term& t : *p) {
    const int64_t r = t.coefficient % d;
    changed = changed || r != t.coefficient;
    if (r == 0) continue;
    Polynomial single;
    single.add_term({1, t.degree, t.factors});
    const int64_t m = single_division(c, single, Op::FloorMod);
    int64_t product;
    if (m != 0 && !__builtin_mul_overflow(r, m, &product) && product % d == 0) {
      if (!rest.add_node(c.graph, c.source(t.factors[0], 0), r)) return {};
      changed = true;
    } else if (!rest.add_term({r, t.degree, t.factors})) {
      return {};
    }
  }
  return changed ? divided(c, Op::FloorMod, rest, d) : Node{};
}

Node mod_factor(MatchContext& c) {
  const int64_t d = divisor_of_root(c);
  const Polynomial* p = d == 0 ? nullptr : c.polynomial(c.x());
  Polynomial quotient, rest;
  int64_t g;
  if (p == nullptr || !divide_sum(c, *p, d, &g, &quotient, &rest) || g == d) return {};
  // Only whole terms move: a term cut in two would stand on both sides.
  if (quotient.size() + rest.size() > p->size()) return {};
  const Node digit = divided(c, Op::FloorMod, quotient, d / g);
  return rest.add_term({g, 1, {digit}}) ? build_sum(c, rest) : Node{};
}

// -- Symbolic divisors --

namespace {

// P = Q*D + R by long division with the term of D of the highest degree. False when nothing divides.
bool divide_by_polynomial(const Polynomial& p, const Polynomial& d, Polynomial* quotient, Polynomial* rest) {
  int lead = -1;
  for (int i = 0; i < d.size(); ++i)
    if (lead < 0 || d[i].degree > d[lead].degree) lead = i;
  if (lead < 0) return false;
  quotient->clear();
  *rest = p;
  for (int round = 0; round < Polynomial::kMaxTerms; ++round) {
    bool divided_one = false;
    for (int i = 0; i < rest->size() && !divided_one; ++i) {
      Term q = (*rest)[i];
      if (q.coefficient == INT64_MIN || q.coefficient % d[lead].coefficient != 0 ||
          !q.divide_by_atoms(d[lead]))
        continue;
      q.coefficient = -(q.coefficient / d[lead].coefficient);
      if (!rest->add_product(d, q) || !quotient->add_term(q, -1)) return false;
      divided_one = true;
    }
    if (!divided_one) return !quotient->is_zero();
  }
  return false;
}

struct SymbolicDivision {
  Polynomial dividend, divisor, quotient, rest;
  bool rest_in_range;  // 0 <= rest < divisor
};

// The divisor is positive, and the division leaves a rest that is known or has fewer terms.
bool divide_by_symbol(MatchContext& c, SymbolicDivision* s) {
  const Node d = c.source(c.root, 1);
  if (c.is_const(d) || c.bounds(d).min < 1) return false;
  if (!s->dividend.add_node(c.graph, c.source(c.root, 0)) || !s->divisor.add_node(c.graph, d)) return false;
  if (!divide_by_polynomial(s->dividend, s->divisor, &s->quotient, &s->rest)) {
    s->quotient.clear();
    s->rest = s->dividend;
  }
  Polynomial above = s->rest;
  s->rest_in_range = above.add(s->divisor, -1) && ir::prove_negative(c.bounds, above) &&
                     ir::prove_non_negative(c.bounds, s->rest);
  return s->rest_in_range || s->rest.size() < s->dividend.size();
}

// The largest g > 0 and the atoms, all positive, that divide every term of both: one term, or false.
bool common_factor(MatchContext& c, const Polynomial& p, const Polynomial& d, Term* out) {
  if (p.constant() != 0 || d.constant() != 0 || p.size() == 0 || d.size() == 0) return false;
  *out = {0, 0, {}};
  for (const Polynomial* s : {&p, &d})
    for (const Term& t : *s) {
      if (t.coefficient == INT64_MIN) return false;
      out->coefficient = std::gcd(out->coefficient, t.coefficient);
    }
  for (uint32_t i = 0; i < d[0].degree; ++i) {
    Term candidate = *out;
    if (c.bounds(d[0].factors[i]).min < 1 || !candidate.multiply_by(d[0].factors[i])) continue;
    bool everywhere = true;
    for (const Polynomial* s : {&p, &d})
      for (Term t : *s) everywhere = everywhere && t.divide_by_atoms(candidate);
    if (everywhere) *out = candidate;
  }
  return out->coefficient > 1 || out->degree > 0;
}

bool without_factor(const Polynomial& p, const Term& factor, Polynomial* out) {
  for (Term t : p) {
    t.coefficient /= factor.coefficient;
    if (!t.divide_by_atoms(factor) || !out->add_term(t)) return false;
  }
  return true;
}

// x / d with the common factor taken out of both.
bool cancel(MatchContext& c, Op op, Term* factor, Node* result) {
  const Node x = c.source(c.root, 0), d = c.source(c.root, 1);
  Polynomial p, q, smaller_p, smaller_q;
  if (c.is_const(d) || c.bounds(d).min < 1 || !p.add_node(c.graph, x) || !q.add_node(c.graph, d) ||
      !common_factor(c, p, q, factor) || !without_factor(p, *factor, &smaller_p) ||
      !without_factor(q, *factor, &smaller_q))
    return false;
  *result = c.make(op, build_sum(c, smaller_p), build_sum(c, smaller_q));
  return true;
}

}  // namespace

Node div_by_symbol(MatchContext& c) {
  SymbolicDivision s;
  if (!divide_by_symbol(c, &s)) return {};
  if (!s.rest_in_range) {
    const Node part = c.make(Op::FloorDiv, build_sum(c, s.rest), c.source(c.root, 1));
    if (!s.quotient.add_term({1, 1, {part}})) return {};
  }
  return build_sum(c, s.quotient);
}

Node mod_by_symbol(MatchContext& c) {
  SymbolicDivision s;
  if (!divide_by_symbol(c, &s)) return {};
  const Node rest = build_sum(c, s.rest);
  return s.rest_in_range ? rest : c.make(Op::FloorMod, rest, c.source(c.root, 1));
}

Node div_common_factor(MatchContext& c) {
  Term factor;
  Node result;
  return cancel(c, Op::FloorDiv, &factor, &result) ? result : Node{};
}

Node mod_common_factor(MatchContext& c) {
  Term factor;
  Node result;
  if (!cancel(c, Op::FloorMod, &factor, &result)) return {};
  Polynomial product;
  return factor.multiply_by(result) && product.add_term(factor) ? build_sum(c, product) : Node{};
}

}  // namespace anneal::rules
