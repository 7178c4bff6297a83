// SPDX-License-Identifier: MIT
// An index expression as constant + sum of coefficient * product of atoms: the form in which differences are
// taken, terms cancel and divisions are decided. Fixed capacity, no allocation: an expression that does not
// fit stays as it is. Atoms are the nodes that are no sum, difference or product; only index, which does not
// overflow, has this form. Tested by bounds_test.cc.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "ir/bounds.h"
#include "ir/graph.h"

namespace anneal::ir {

struct Term {
  static constexpr uint32_t kMaxDegree = 4;
  int64_t coefficient;
  uint32_t degree;
  std::array<Node, kMaxDegree> factors;  // sorted by id; null beyond degree

  bool same_atoms(const Term& t) const { return factors == t.factors; }
  // False, and unchanged, when there is no room.
  bool multiply_by(Node atom);
  bool multiply_by(const Term& t);  // also false on overflow of the coefficient
  // Divides by the atoms (not the coefficient) of `t`; false when they are not all there.
  bool divide_by_atoms(const Term& t);
};

// The term that a node is when it is no sum: a product of constants and atoms.
// False on overflow or too many factors.
bool term_of(const Graph& graph, Node n, Term* out);

class Polynomial {
 public:
  static constexpr int kMaxTerms = 16;

  Polynomial() = default;
  Polynomial(const Polynomial& p) { *this = p; }
  Polynomial& operator=(const Polynomial& p) {
    size_ = p.size_;
    constant_ = p.constant_;
    std::copy_n(p.terms_.raw, p.size_, terms_.raw);
    return *this;
  }

  int size() const { return size_; }
  const Term& operator[](int i) const { return terms_.raw[i]; }
  Term& operator[](int i) { return terms_.raw[i]; }
  const Term* begin() const { return terms_.raw; }
  const Term* end() const { return terms_.raw + size_; }
  int64_t constant() const { return constant_; }
  void set_constant(int64_t v) { constant_ = v; }
  bool is_zero() const { return size_ == 0 && constant_ == 0; }
  void clear() { size_ = 0, constant_ = 0; }

  // All give false on overflow and when there is no room; the value is then meaningless.
  bool add_constant(int64_t v) { return !__builtin_add_overflow(constant_, v, &constant_); }
  bool add_term(const Term& t, int64_t scale = 1);
  // A term whose atoms are not there yet, with a coefficient that is not 0; there is room.
  void append(const Term& t) { terms_.raw[size_++] = t; }
  bool add(const Polynomial& p, int64_t scale = 1);
  bool add_product(const Polynomial& p, const Term& t);  // p * t
  bool add_node(const Graph& graph, Node n, int64_t scale = 1);

  // The interval and congruence of the sum, its terms taken as independent.
  Bounds bounds(BoundsOf& bounds_of) const;

 private:
  int size_ = 0;
  int64_t constant_ = 0;
  union Terms {  // not initialised: only the first size_ are read
    Terms() {}
    Term raw[kMaxTerms];
  } terms_;
};

// True only if it holds for all values of the atoms. Loop indices and remainders with symbolic limits are
// replaced by those limits when the interval alone does not decide: i*N + j < B*N for i < B and j < N.
bool prove_negative(BoundsOf& bounds, const Polynomial& p);
bool prove_non_negative(BoundsOf& bounds, const Polynomial& p);

}  // namespace anneal::ir
