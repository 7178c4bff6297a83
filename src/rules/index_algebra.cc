// SPDX-License-Identifier: MIT
#include "rules/index_algebra.h"

#include <algorithm>
#include <numeric>

namespace anneal::rules {
namespace {

uint64_t magnitude(int64_t v) { return v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v); }

// The atoms of a term by structural key: their order in a product.
std::array<Node, Term::kMaxDegree> atoms_by_key(const ir::Graph& g, const Term& t) {
  std::array<Node, Term::kMaxDegree> atoms = t.factors;
  for (uint32_t i = 1; i < t.degree; ++i)
    for (uint32_t at = i; at > 0 && g.key(atoms[at]) < g.key(atoms[at - 1]); --at)
      std::swap(atoms[at], atoms[at - 1]);
  return atoms;
}

bool atoms_before(const ir::Graph& g, const Term& a, const Term& b) {
  if (a.degree != b.degree) return a.degree > b.degree;
  if (a.degree == 1) return g.key(a.factors[0]) < g.key(b.factors[0]);
  const auto x = atoms_by_key(g, a), y = atoms_by_key(g, b);
  return std::lexicographical_compare(x.begin(), x.begin() + a.degree, y.begin(), y.begin() + b.degree,
                                      [&](Node m, Node n) { return g.key(m) < g.key(n); });
}

bool term_before(const ir::Graph& g, const Term& a, const Term& b) {
  if ((a.coefficient > 0) != (b.coefficient > 0)) return a.coefficient > 0;
  if (a.coefficient != b.coefficient) return magnitude(a.coefficient) > magnitude(b.coefficient);
  return atoms_before(g, a, b);
}

// The product of the atoms of t.
Node build_product(MatchContext& c, const Term& t) {
  if (t.degree == 1) return t.factors[0];
  const auto atoms = atoms_by_key(c.graph, t);
  Node product = atoms[0];
  for (uint32_t i = 1; i < t.degree; ++i) product = c.make(Op::Mul, product, atoms[i]);
  return product;
}

Node build_scaled(MatchContext& c, const Term& t, int64_t coefficient) {
  const Node product = build_product(c, t);
  return coefficient == 1 ? product : c.make(Op::Mul, product, c.index(coefficient));
}

bool is_constant(const MatchContext& c, Node n, int64_t value) {
  return c.is_const(n) && c.int_value(n) == value;
}

bool is_scaled(MatchContext& c, Node n, const Term& t, int64_t coefficient) {
  if (coefficient != 1) {
    if (c.op(n) != Op::Mul || !is_constant(c, c.source(n, 1), coefficient)) return false;
    n = c.source(n, 0);
  }
  return t.degree == 1 ? n == t.factors[0] : n == build_product(c, t);
}

bool fits_negated(const Polynomial& p) {
  for (const Term& t : p)
    if (t.coefficient == INT64_MIN) return false;
  return true;
}

}  // namespace

int64_t floor_div(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return a % b < 0 ? q - 1 : q;
}
int64_t floor_mod(int64_t a, int64_t b) {
  const int64_t r = a % b;
  return r < 0 ? r + b : r;
}

void sort_terms(const ir::Graph& g, Polynomial& p) {
  for (int i = 1; i < p.size(); ++i) {
    if (!term_before(g, p[i], p[i - 1])) continue;
    const Term t = p[i];
    int at = i;
    for (; at > 0 && term_before(g, t, p[at - 1]); --at) p[at] = p[at - 1];
    p[at] = t;
  }
}

// With a positive term:    t0 + t1 - t2 + constant
// without, but a constant: constant - t0 - t1
// with neither:            -t0 - t1
Node build_sum(MatchContext& c, Polynomial& p) {
  if (p.size() == 0) return c.index(p.constant());
  sort_terms(c.graph, p);
  const bool leads = p[0].coefficient > 0;
  int next = 1;
  Node sum;
  if (leads) {
    sum = build_scaled(c, p[0], p[0].coefficient);
  } else if (p.constant() != 0) {
    sum = c.index(p.constant());
    next = 0;
  } else {
    sum = p[0].coefficient == -1 ? c.make(Op::Neg, build_product(c, p[0]))
                                 : build_scaled(c, p[0], p[0].coefficient);
  }
  for (int i = next; i < p.size(); ++i) {
    const int64_t coefficient = p[i].coefficient;
    if (coefficient > 0 || coefficient == INT64_MIN)
      sum = c.make(Op::Add, sum, build_scaled(c, p[i], coefficient));
    else
      sum = c.make(Op::Sub, sum, build_scaled(c, p[i], -coefficient));
  }
  if (leads && p.constant() != 0) sum = c.make(Op::Add, sum, c.index(p.constant()));
  return sum;
}

bool is_built(MatchContext& c, Node n, const Polynomial& p) {
  if (p.size() == 0) return is_constant(c, n, p.constant());
  if (!fits_negated(p)) return false;
  const bool leads = p[0].coefficient > 0;
  if (leads && p.constant() != 0) {
    if (c.op(n) != Op::Add || !is_constant(c, c.source(n, 1), p.constant())) return false;
    n = c.source(n, 0);
  }
  const int last = !leads && p.constant() != 0 ? 0 : 1;
  for (int i = p.size() - 1; i >= last; --i) {
    const int64_t coefficient = p[i].coefficient;
    if (c.op(n) != (coefficient > 0 ? Op::Add : Op::Sub) ||
        !is_scaled(c, c.source(n, 1), p[i], coefficient > 0 ? coefficient : -coefficient))
      return false;
    n = c.source(n, 0);
  }
  if (last == 0) return is_constant(c, n, p.constant());
  if (p[0].coefficient == -1) return c.op(n) == Op::Neg && is_scaled(c, c.source(n, 0), p[0], 1);
  return is_scaled(c, n, p[0], p[0].coefficient);
}

namespace {

// The remainder r of a coefficient divided by g, and so the term that stays.
int64_t remainder_of(int64_t coefficient, int64_t g, Remainders how) {
  const int64_t r = coefficient % g;
  if (r != 0 && how == Remainders::kWhole) return coefficient;
  if (how == Remainders::kNearest && (r > g / 2 || -r > g / 2)) return r > 0 ? r - g : r + g;
  return r;
}

}  // namespace

void split_sum(const Polynomial& p, int64_t g, Remainders how, Polynomial* quotient, Polynomial* rest) {
  quotient->clear();
  rest->clear();
  for (const Term& t : p) {
    const int64_t r = remainder_of(t.coefficient, g, how);
    Term part = t;
    part.coefficient = (t.coefficient - r) / g;
    if (part.coefficient != 0) quotient->append(part);
    part.coefficient = r;
    if (r != 0) rest->append(part);
  }
  quotient->set_constant(floor_div(p.constant(), g));
  rest->set_constant(floor_mod(p.constant(), g));
}

namespace {

// Of the atoms of each term: the product of their bounds.
using AtomBounds = std::array<ir::Bounds, Polynomial::kMaxTerms>;
void find_atom_bounds(MatchContext& c, const Polynomial& p, AtomBounds* out) {
  for (int i = 0; i < p.size(); ++i) {
    ir::Bounds b = c.bounds(p[i].factors[0]);
    for (uint32_t f = 1; f < p[i].degree; ++f) b = ir::multiply_bounds(b, c.bounds(p[i].factors[f]));
    (*out)[static_cast<size_t>(i)] = b;
  }
}

// Whether what stays of p divided by g lies in [k*g, (k+1)*g).
bool in_one_multiple(const Polynomial& p, const AtomBounds& atoms, int64_t g, Remainders how, int64_t* k) {
  int64_t min = floor_mod(p.constant(), g), max = min;
  for (int i = 0; i < p.size(); ++i) {
    const int64_t r = remainder_of(p[i].coefficient, g, how);
    if (r == 0) continue;
    const ir::Bounds& b = atoms[static_cast<size_t>(i)];
    int64_t low, high;
    if (b.min == INT64_MIN || b.max == INT64_MAX) return false;
    if (__builtin_mul_overflow(r, r > 0 ? b.min : b.max, &low) ||
        __builtin_mul_overflow(r, r > 0 ? b.max : b.min, &high) || __builtin_add_overflow(min, low, &min) ||
        __builtin_add_overflow(max, high, &max))
      return false;
  }
  *k = floor_div(min, g);
  return *k == floor_div(max, g);
}

}  // namespace

bool divide_sum(MatchContext& c, const Polynomial& p, int64_t d, int64_t* g, Polynomial* quotient,
                Polynomial* rest) {
  std::array<int64_t, Polynomial::kMaxTerms + 1> candidates;
  size_t count = 0;
  candidates[count++] = d;
  for (const Term& t : p) {
    if (t.coefficient == INT64_MIN) return false;
    const int64_t common = std::gcd(t.coefficient, d);
    if (common > 1 &&
        std::find(candidates.begin(), candidates.begin() + count, common) == candidates.begin() + count)
      candidates[count++] = common;
  }
  std::sort(candidates.begin(), candidates.begin() + count, std::greater<>());
  AtomBounds atoms;
  find_atom_bounds(c, p, &atoms);
  for (size_t i = 0; i < count; ++i)
    for (Remainders how : {Remainders::kWhole, Remainders::kTruncated, Remainders::kNearest}) {
      int64_t k, shift;
      if (!in_one_multiple(p, atoms, candidates[i], how, &k)) continue;
      split_sum(p, candidates[i], how, quotient, rest);
      if (!quotient->add_constant(k) || __builtin_mul_overflow(k, -candidates[i], &shift) ||
          !rest->add_constant(shift))
        continue;
      *g = candidates[i];
      return true;
    }
  return false;
}

}  // namespace anneal::rules
