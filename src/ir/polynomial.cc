// SPDX-License-Identifier: MIT
#include "ir/polynomial.h"

#include <algorithm>
#include <numeric>

namespace anneal::ir {
namespace {

constexpr int64_t kLow = INT64_MIN;

// A constant source of a product, if there is one.
bool scaled_source(const Graph& g, Node product, Node* rest, int64_t* factor) {
  const std::span<const Node> s = g.sources(product);
  for (size_t i = 2; i-- > 0;)
    if (g.is_const(s[i])) {
      *rest = s[1 - i];
      *factor = g.const_value(s[i]).as_int(DType::kIndex);
      return true;
    }
  return false;
}

Bounds product_bounds(BoundsOf& bounds, const Term& t, uint32_t skip = Term::kMaxDegree) {
  Bounds product{t.coefficient, t.coefficient, 1, 0};
  for (uint32_t i = 0; i < t.degree; ++i) {
    if (i == skip) continue;
    product = multiply_bounds(product, bounds(t.factors[i]));
  }
  return product;
}

}  // namespace

bool Term::multiply_by(Node atom) {
  if (degree == kMaxDegree) return false;
  uint32_t at = degree++;
  for (; at > 0 && factors[at - 1].id > atom.id; --at) factors[at] = factors[at - 1];
  factors[at] = atom;
  return true;
}

bool Term::multiply_by(const Term& t) {
  if (degree + t.degree > kMaxDegree || __builtin_mul_overflow(coefficient, t.coefficient, &coefficient))
    return false;
  for (uint32_t i = 0; i < t.degree; ++i) multiply_by(t.factors[i]);
  return true;
}

bool Term::divide_by_atoms(const Term& t) {
  Term quotient{coefficient, 0, {}};
  uint32_t next = 0;
  for (uint32_t i = 0; i < degree; ++i) {
    if (next < t.degree && factors[i] == t.factors[next])
      ++next;
    else
      quotient.factors[quotient.degree++] = factors[i];
  }
  if (next != t.degree) return false;
  *this = quotient;
  return true;
}

bool term_of(const Graph& g, Node n, Term* out) {
  constexpr int kMaxPending = 8;
  std::array<Node, kMaxPending> pending;
  int count = 0;
  out->coefficient = 1;
  out->degree = 0;
  out->factors = {};
  pending[static_cast<size_t>(count++)] = n;
  while (count > 0) {
    const Node top = pending[static_cast<size_t>(--count)];
    const Op op = g.op(top);
    if (op == Op::Mul && count + 2 <= kMaxPending) {
      pending[static_cast<size_t>(count++)] = g.source(top, 1);
      pending[static_cast<size_t>(count++)] = g.source(top, 0);
    } else if (op == Op::Const) {
      const int64_t v = g.const_value(top).as_int(DType::kIndex);
      if (__builtin_mul_overflow(out->coefficient, v, &out->coefficient)) return false;
    } else if (!out->multiply_by(top)) {
      return false;
    }
  }
  return true;
}

bool Polynomial::add_term(const Term& t, int64_t scale) {
  int64_t coefficient;
  if (__builtin_mul_overflow(t.coefficient, scale, &coefficient)) return false;
  if (coefficient == 0) return true;
  if (t.degree == 0) return add_constant(coefficient);
  for (int i = 0; i < size_; ++i) {
    Term& mine = (*this)[i];
    if (!mine.same_atoms(t)) continue;
    if (__builtin_add_overflow(mine.coefficient, coefficient, &mine.coefficient)) return false;
    if (mine.coefficient == 0) {
      std::copy(&(*this)[i + 1], &(*this)[size_], &mine);
      --size_;
    }
    return true;
  }
  if (size_ == kMaxTerms) return false;
  Term& last = (*this)[size_++];
  last = t;
  last.coefficient = coefficient;
  return true;
}

bool Polynomial::add(const Polynomial& p, int64_t scale) {
  int64_t constant;
  if (__builtin_mul_overflow(p.constant_, scale, &constant) || !add_constant(constant)) return false;
  for (const Term& t : p)
    if (!add_term(t, scale)) return false;
  return true;
}

bool Polynomial::add_product(const Polynomial& p, const Term& t) {
  if (!add_term(t, p.constant_)) return false;
  for (const Term& mine : p) {
    Term product = mine;
    if (!product.multiply_by(t) || !add_term(product)) return false;
  }
  return true;
}

bool Polynomial::add_node(const Graph& g, Node n, int64_t scale) {
  struct Pending {
    Node node;
    int64_t scale;
  };
  // Bounded work for any graph: a sum that is larger than this has more terms than fit, or repeats them
  // wildly.
  constexpr int kMaxPending = 24, kMaxVisits = 96;
  std::array<Pending, kMaxPending> pending;
  int count = 0;
  pending[static_cast<size_t>(count++)] = {n, scale};
  for (int visits = 0; count > 0; ++visits) {
    const Pending top = pending[static_cast<size_t>(--count)];
    if (visits == kMaxVisits || count + 2 > kMaxPending) return false;
    const Op op = g.op(top.node);
    if (op == Op::Add || op == Op::Sub) {
      if (op == Op::Sub && top.scale == kLow) return false;
      pending[static_cast<size_t>(count++)] = {g.source(top.node, 1), op == Op::Sub ? -top.scale : top.scale};
      pending[static_cast<size_t>(count++)] = {g.source(top.node, 0), top.scale};
    } else if (op == Op::Neg) {
      if (top.scale == kLow) return false;
      pending[static_cast<size_t>(count++)] = {g.source(top.node, 0), -top.scale};
    } else if (op == Op::Const) {
      int64_t v;
      if (__builtin_mul_overflow(g.const_value(top.node).as_int(DType::kIndex), top.scale, &v) ||
          !add_constant(v))
        return false;
    } else {
      Pending rest;
      int64_t factor;
      Term t;
      if (op == Op::Mul && scaled_source(g, top.node, &rest.node, &factor)) {
        if (__builtin_mul_overflow(top.scale, factor, &rest.scale)) return false;
        pending[static_cast<size_t>(count++)] = rest;
        continue;
      }
      if (op != Op::Mul || !term_of(g, top.node, &t)) {
        t = Term{1, 1, {top.node}};
      }
      if (!add_term(t, top.scale)) return false;
    }
  }
  return true;
}

Bounds Polynomial::bounds(BoundsOf& bounds_of) const {
  Bounds sum{constant_, constant_, 1, 0};
  for (const Term& t : *this) sum = add_bounds(sum, product_bounds(bounds_of, t));
  return sum;
}

namespace {

// The greatest value of a loop index or a remainder as a polynomial; both are at least 0.
bool upper_limit(BoundsOf& bounds, Node atom, Polynomial* out) {
  const Graph& g = bounds.graph();
  const Op op = g.op(atom);
  if (op != Op::Range && op != Op::FloorMod) return false;
  const Node limit = g.source(atom, op == Op::Range ? 0 : 1);
  if (op == Op::FloorMod && bounds(limit).min < 1) return false;
  return out->add_node(g, limit) && out->add_constant(-1);
}

// Replaces limited atoms so that the value can only grow. Gives false when there are none, or no room.
bool relax(BoundsOf& bounds, const Polynomial& p, Polynomial* out) {
  bool changed = false;
  out->set_constant(p.constant());
  for (const Term& t : p) {
    bool replaced = false;
    for (uint32_t i = 0; i < t.degree && !replaced; ++i) {
      Polynomial limit;
      const Bounds rest = product_bounds(bounds, t, i);
      if ((rest.min < 0 && rest.max > 0) || !upper_limit(bounds, t.factors[i], &limit)) continue;
      replaced = changed = true;
      if (rest.max <= 0) break;  // the least value, 0, takes the term away
      Term others = t;
      others.divide_by_atoms(Term{1, 1, {t.factors[i]}});
      if (!out->add_product(limit, others)) return false;
    }
    if (!replaced && !out->add_term(t)) return false;
  }
  return changed;
}

// Limits beat intervals only where a limit is symbolic or an atom stands in a product.
bool is_symbolic(const Graph& g, const Polynomial& p) {
  for (const Term& t : p) {
    if (t.degree > 1) return true;
    const Op op = g.op(t.factors[0]);
    if (op == Op::Range ? !g.is_const(g.source(t.factors[0], 0))
                        : op == Op::FloorMod && !g.is_const(g.source(t.factors[0], 1)))
      return true;
  }
  return false;
}

}  // namespace

bool prove_negative(BoundsOf& bounds, const Polynomial& p) {
  if (p.bounds(bounds).max < 0) return true;
  if (!is_symbolic(bounds.graph(), p)) return false;
  Polynomial upper = p;
  for (int round = 0; round < 4; ++round) {
    Polynomial next;
    if (!relax(bounds, upper, &next)) return false;
    upper = next;
    if (upper.bounds(bounds).max < 0) return true;
  }
  return false;
}

bool prove_non_negative(BoundsOf& bounds, const Polynomial& p) {
  Polynomial below;  // -p - 1
  return below.add(p, -1) && below.add_constant(-1) && prove_negative(bounds, below);
}

}  // namespace anneal::ir
