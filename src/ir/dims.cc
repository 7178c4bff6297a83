// SPDX-License-Identifier: MIT
#include "ir/dims.h"

#include <algorithm>
#include <vector>

#include "anneal/error.h"
#include "ir/builder.h"

namespace anneal::ir {
namespace {

// coefficient * product of atoms, the atoms sorted by structural key.
struct Term {
  int64_t coefficient;
  std::vector<Node> atoms;
};
using Polynomial = std::vector<Term>;  // terms sorted by their atoms, no zero coefficients; constant term first

[[noreturn]] void overflow() { raise(ErrorCode::kLimit, "extent arithmetic overflows 64 bits"); }
int64_t checked_mul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) overflow();
  return r;
}
int64_t checked_add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) overflow();
  return r;
}

bool atoms_before(const Graph& g, const std::vector<Node>& a, const std::vector<Node>& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](Node x, Node y) { return g.key(x) < g.key(y); });
}

void normalise(const Graph& g, Polynomial& p) {
  std::sort(p.begin(), p.end(), [&](const Term& a, const Term& b) { return atoms_before(g, a.atoms, b.atoms); });
  Polynomial out;
  for (Term& t : p) {
    if (!out.empty() && out.back().atoms == t.atoms)
      out.back().coefficient = checked_add(out.back().coefficient, t.coefficient);
    else
      out.push_back(std::move(t));
    if (out.back().coefficient == 0) out.pop_back();
  }
  p = std::move(out);
}

Polynomial add(const Graph& g, const Polynomial& a, const Polynomial& b, int64_t scale_b) {
  Polynomial p = a;
  for (const Term& t : b) p.push_back({checked_mul(t.coefficient, scale_b), t.atoms});
  normalise(g, p);
  return p;
}

Polynomial multiply(const Graph& g, const Polynomial& a, const Polynomial& b) {
  Polynomial p;
  for (const Term& x : a)
    for (const Term& y : b) {
      Term t{checked_mul(x.coefficient, y.coefficient), x.atoms};
      t.atoms.insert(t.atoms.end(), y.atoms.begin(), y.atoms.end());
      std::sort(t.atoms.begin(), t.atoms.end(), [&](Node m, Node n) { return g.key(m) < g.key(n); });
      p.push_back(std::move(t));
    }
  normalise(g, p);
  return p;
}

// A canonical polynomial node is a left-leaning sum of products, made by to_dim below; anything else is an atom, or
// is taken apart here one level at a time with an explicit stack.
Polynomial to_polynomial(const Graph& g, Dim d) {
  if (d.is_const()) return d.value == 0 ? Polynomial{} : Polynomial{{d.value, {}}};
  struct Frame {
    Node node;
    bool visited;
  };
  std::vector<Frame> stack{{d.expr, false}};
  std::vector<Polynomial> values;
  while (!stack.empty()) {
    const Frame f = stack.back();
    stack.pop_back();
    const Op op = g.op(f.node);
    if (op == Op::Const) {
      const int64_t v = g.const_value(f.node).as_int(DType::kIndex);
      values.push_back(v == 0 ? Polynomial{} : Polynomial{{v, {}}});
    } else if (op != Op::Add && op != Op::Sub && op != Op::Mul && op != Op::Neg) {
      values.push_back({{1, {f.node}}});
    } else if (!f.visited) {
      stack.push_back({f.node, true});
      for (Node s : g.sources(f.node)) stack.push_back({s, false});
    } else {
      Polynomial a = std::move(values.back());
      values.pop_back();
      if (op == Op::Neg) {
        values.push_back(add(g, {}, a, -1));
        continue;
      }
      Polynomial b = std::move(values.back());
      values.pop_back();
      // Sources were pushed in order, so the last one was evaluated first: a is source 0.
      if (op == Op::Mul)
        values.push_back(multiply(g, a, b));
      else
        values.push_back(add(g, a, b, op == Op::Add ? 1 : -1));
    }
  }
  return std::move(values.back());
}

Dim to_dim(Graph& g, const Polynomial& p) {
  if (p.empty()) return Dim(0);
  if (p.size() == 1 && p[0].atoms.empty()) return Dim(p[0].coefficient);
  const Builder b{g};
  Node sum;
  int64_t constant = 0;
  for (const Term& t : p) {
    if (t.atoms.empty()) {
      constant = t.coefficient;
      continue;
    }
    Node product = t.atoms[0];
    for (size_t i = 1; i < t.atoms.size(); ++i) product = b.mul(product, t.atoms[i]);
    if (t.coefficient != 1) product = b.mul(product, b.index(t.coefficient));
    sum = sum ? b.add(sum, product) : product;
  }
  if (constant != 0) sum = b.add(sum, b.index(constant));
  return Dim(sum);
}

}  // namespace

Dim dim_add(Graph& g, Dim a, Dim b) {
  if (a.is_const() && b.is_const()) return Dim(checked_add(a.value, b.value));
  return to_dim(g, add(g, to_polynomial(g, a), to_polynomial(g, b), 1));
}

Dim dim_sub(Graph& g, Dim a, Dim b) {
  if (a.is_const() && b.is_const()) return Dim(checked_add(a.value, checked_mul(b.value, -1)));
  return to_dim(g, add(g, to_polynomial(g, a), to_polynomial(g, b), -1));
}

Dim dim_mul(Graph& g, Dim a, Dim b) {
  if (a.is_const() && b.is_const()) return Dim(checked_mul(a.value, b.value));
  return to_dim(g, multiply(g, to_polynomial(g, a), to_polynomial(g, b)));
}

Dim dim_product(Graph& g, Shape shape) {
  Dim product(1);
  for (const Dim& d : shape) product = dim_mul(g, product, d);
  return product;
}

std::optional<Dim> dim_exact_div(Graph& g, Dim a, Dim b) {
  if (b.is(0)) return std::nullopt;
  if (a.is_const() && b.is_const())
    return a.value % b.value == 0 ? std::optional<Dim>(a.value / b.value) : std::nullopt;
  const Polynomial divisor = to_polynomial(g, b);
  if (divisor.size() != 1) {
    // A sum divides only itself and its multiples by a monomial: try the ratio of the leading terms.
    const Polynomial whole = to_polynomial(g, a);
    if (divisor.empty() || whole.size() != divisor.size()) return std::nullopt;
    const auto ratio = dim_exact_div(g, to_dim(g, {whole.back()}), to_dim(g, {divisor.back()}));
    if (!ratio || !(dim_mul(g, *ratio, b) == to_dim(g, whole))) return std::nullopt;
    return ratio;
  }
  Polynomial quotient = to_polynomial(g, a);
  for (Term& t : quotient) {
    if (t.coefficient % divisor[0].coefficient != 0) return std::nullopt;
    t.coefficient /= divisor[0].coefficient;
    for (Node atom : divisor[0].atoms) {
      const auto it = std::find(t.atoms.begin(), t.atoms.end(), atom);
      if (it == t.atoms.end()) return std::nullopt;
      t.atoms.erase(it);
    }
  }
  normalise(g, quotient);
  return to_dim(g, quotient);
}

Dim dim_floordiv(Graph& g, Dim a, Dim b) {
  if (b.is(0)) raise(ErrorCode::kArgument, "extent divided by zero");
  if (a.is_const() && b.is_const()) {
    const int64_t q = a.value / b.value;
    return Dim(a.value % b.value != 0 && (a.value < 0) != (b.value < 0) ? q - 1 : q);
  }
  if (const auto exact = dim_exact_div(g, a, b)) return *exact;
  const Builder build{g};
  const auto node = [&](Dim d) { return d.is_const() ? build.index(d.value) : d.expr; };
  return Dim(build.floordiv(node(a), node(b)));
}

Tri dim_equal(Graph& g, Dim a, Dim b) {
  if (a == b) return Tri::kTrue;
  const Dim difference = dim_sub(g, a, b);
  if (difference.is_const()) return difference.value == 0 ? Tri::kTrue : Tri::kFalse;
  BoundsOf bounds(g);
  const Bounds d = bounds(difference);
  if (d.min > 0 || d.max < 0 || (d.modulus > 1 && d.remainder != 0)) return Tri::kFalse;
  return d.min == 0 && d.max == 0 ? Tri::kTrue : Tri::kUnknown;
}

Tri dim_less_equal(Graph& g, Dim a, Dim b) {
  const Dim difference = dim_sub(g, b, a);
  BoundsOf bounds(g);
  const Bounds d = bounds(difference);
  return d.min >= 0 ? Tri::kTrue : d.max < 0 ? Tri::kFalse : Tri::kUnknown;
}

int64_t dim_max(Graph& g, Dim d) {
  BoundsOf bounds(g);
  return bounds(d).max;
}

int64_t dim_min(Graph& g, Dim d) {
  BoundsOf bounds(g);
  return bounds(d).min;
}

}  // namespace anneal::ir
