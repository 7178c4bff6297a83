// SPDX-License-Identifier: MIT
#include "ir/dims.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "anneal/error.h"
#include "ir/builder.h"

namespace anneal::ir {
namespace {

// coefficient * product of atoms, the atoms sorted by structural key.
struct DimTerm {
  int64_t coefficient;
  std::vector<Node> atoms;
};
using DimTerms =
    std::vector<DimTerm>;  // terms sorted by their atoms, no zero coefficients; constant term first

// Products of sums grow without bound; no program needs more than this.
constexpr size_t kMaxTerms = 256, kMaxDegree = 64;

[[noreturn]] void overflow() { raise(ErrorCode::kLimit, "extent arithmetic overflows 64 bits"); }
[[noreturn]] void too_large() {
  raise(ErrorCode::kLimit, "an extent has more than " + std::to_string(kMaxTerms) + " terms or " +
                               std::to_string(kMaxDegree) + " factors in one of them");
}
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

void normalise(const Graph& g, DimTerms& p) {
  std::sort(p.begin(), p.end(),
            [&](const DimTerm& a, const DimTerm& b) { return atoms_before(g, a.atoms, b.atoms); });
  DimTerms out;
  for (DimTerm& t : p) {
    if (!out.empty() && out.back().atoms == t.atoms)
      out.back().coefficient = checked_add(out.back().coefficient, t.coefficient);
    else
      out.push_back(std::move(t));
    if (out.back().coefficient == 0) out.pop_back();
  }
  p = std::move(out);
}

DimTerms add(const Graph& g, const DimTerms& a, const DimTerms& b, int64_t scale_b) {
  DimTerms p = a;
  for (const DimTerm& t : b) p.push_back({checked_mul(t.coefficient, scale_b), t.atoms});
  normalise(g, p);
  return p;
}

DimTerms multiply(const Graph& g, const DimTerms& a, const DimTerms& b) {
  if (a.size() * b.size() > kMaxTerms) too_large();
  DimTerms p;
  for (const DimTerm& x : a)
    for (const DimTerm& y : b) {
      if (x.atoms.size() + y.atoms.size() > kMaxDegree) too_large();
      DimTerm t{checked_mul(x.coefficient, y.coefficient), x.atoms};
      t.atoms.insert(t.atoms.end(), y.atoms.begin(), y.atoms.end());
      std::sort(t.atoms.begin(), t.atoms.end(), [&](Node m, Node n) { return g.key(m) < g.key(n); });
      p.push_back(std::move(t));
    }
  normalise(g, p);
  return p;
}

bool is_sum_or_product(Op op) { return op == Op::Add || op == Op::Sub || op == Op::Mul || op == Op::Neg; }

// The nodes of sums and products that `root` is made of, sources first; below them lie constants and atoms.
std::vector<Node> arithmetic_nodes(const Graph& g, Node root) {
  std::unordered_map<uint32_t, bool> done;
  std::vector<Node> order, stack{root};
  while (!stack.empty()) {
    const Node n = stack.back();
    const auto [it, fresh] = done.emplace(n.id, false);
    if (!fresh) {
      stack.pop_back();
      if (!it->second) order.push_back(n);
      it->second = true;
    } else if (is_sum_or_product(g.op(n))) {
      for (Node s : g.sources(n)) stack.push_back(s);
    }
  }
  return order;
}

// Each node once: a sum of a sum with itself is not taken apart twice.
DimTerms to_polynomial(const Graph& g, Dim d) {
  if (d.is_const()) return d.value == 0 ? DimTerms{} : DimTerms{{d.value, {}}};
  std::unordered_map<uint32_t, DimTerms> values;
  for (Node n : arithmetic_nodes(g, d.expr)) {
    const Op op = g.op(n);
    DimTerms& value = values[n.id];
    if (op == Op::Const) {
      const int64_t v = g.const_value(n).as_int(DType::kIndex);
      if (v != 0) value = {{v, {}}};
    } else if (!is_sum_or_product(op)) {
      value = {{1, {n}}};
    } else if (op == Op::Neg) {
      value = add(g, {}, values.at(g.source(n, 0).id), -1);
    } else {
      const DimTerms &a = values.at(g.source(n, 0).id), &b = values.at(g.source(n, 1).id);
      value = op == Op::Mul ? multiply(g, a, b) : add(g, a, b, op == Op::Add ? 1 : -1);
    }
    if (value.size() > kMaxTerms) too_large();
  }
  return std::move(values.at(d.expr.id));
}

Dim to_dim(Graph& g, const DimTerms& p) {
  if (p.empty()) return Dim(0);
  if (p.size() == 1 && p[0].atoms.empty()) return Dim(p[0].coefficient);
  const Builder b{g};
  Node sum;
  int64_t constant = 0;
  for (const DimTerm& t : p) {
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

namespace {

// The one division of 64-bit numbers that overflows. b is not 0.
bool divides(int64_t a, int64_t b) { return b == -1 || a % b == 0; }
int64_t exact_quotient(int64_t a, int64_t b) { return b == -1 ? checked_mul(a, -1) : a / b; }

// t / by, when by divides it.
std::optional<DimTerm> divide(const DimTerm& t, const DimTerm& by) {
  if (!divides(t.coefficient, by.coefficient)) return std::nullopt;
  DimTerm quotient{exact_quotient(t.coefficient, by.coefficient), t.atoms};
  for (Node atom : by.atoms) {
    const auto it = std::find(quotient.atoms.begin(), quotient.atoms.end(), atom);
    if (it == quotient.atoms.end()) return std::nullopt;
    quotient.atoms.erase(it);
  }
  return quotient;
}

bool equal(const DimTerms& a, const DimTerms& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const DimTerm& x, const DimTerm& y) {
    return x.coefficient == y.coefficient && x.atoms == y.atoms;
  });
}

}  // namespace

std::optional<Dim> dim_exact_div(Graph& g, Dim a, Dim b) {
  if (b.is(0)) return std::nullopt;
  if (a.is_const() && b.is_const())
    return divides(a.value, b.value) ? std::optional<Dim>(exact_quotient(a.value, b.value)) : std::nullopt;
  const DimTerms whole = to_polynomial(g, a), divisor = to_polynomial(g, b);
  if (divisor.empty()) return std::nullopt;
  if (divisor.size() != 1) {
    // A sum divides 0, itself and its multiples by one term: which one, any of its terms tells.
    if (whole.empty()) return Dim(0);
    for (const DimTerm& t : whole)
      if (const std::optional<DimTerm> ratio = divide(t, divisor[0]))
        if (equal(multiply(g, {*ratio}, divisor), whole)) return to_dim(g, {*ratio});
    return std::nullopt;
  }
  DimTerms quotient;
  for (const DimTerm& t : whole) {
    const std::optional<DimTerm> part = divide(t, divisor[0]);
    if (!part) return std::nullopt;
    quotient.push_back(*part);
  }
  normalise(g, quotient);
  return to_dim(g, quotient);
}

Dim dim_floordiv(Graph& g, Dim a, Dim b) {
  if (b.is(0)) raise(ErrorCode::kArgument, "extent divided by zero");
  if (a.is_const() && b.is_const() && b.value != -1) {
    const int64_t q = a.value / b.value;
    return Dim(a.value % b.value != 0 && (a.value < 0) != (b.value < 0) ? q - 1 : q);
  }
  if (const auto exact = dim_exact_div(g, a, b)) return *exact;
  if (b.is_const() && b.value > 1) {  // in lowest terms
    int64_t common = b.value;
    for (const DimTerm& t : to_polynomial(g, a)) common = std::gcd(common, t.coefficient);
    if (common > 1) a = *dim_exact_div(g, a, Dim(common)), b = Dim(b.value / common);
  }
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
