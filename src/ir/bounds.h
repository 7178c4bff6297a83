// SPDX-License-Identifier: MIT
// What is known of an integer expression: an interval and a congruence. No solver. Tested by bounds_test.cc,
// which enumerates all values for small extents: the bounds are sound there, and exact where the comment says
// so.
//
//   exact    for one operation over independent values that fill their bounds: add, sub, neg, min, max,
//   floordiv and
//            truncdiv by a constant, mul by a constant, comparisons of disjoint intervals, casts that fit
//   machine integers get the full range of their type as soon as one step may wrap; index is assumed not to
//   overflow tensors  bounds hold for every element
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::ir {

enum class Tri : uint8_t { kFalse, kTrue, kUnknown };

// value in [min, max] and value == remainder (mod modulus), 0 <= remainder < modulus; modulus 1 says nothing.
// A constant has min == max and modulus 1. The full range is [INT64_MIN, INT64_MAX]; either end stands for
// "no bound".
struct Bounds {
  int64_t min = INT64_MIN, max = INT64_MAX;
  int64_t modulus = 1, remainder = 0;
  bool is_const() const { return min == max; }
  bool operator==(const Bounds&) const = default;
};

// The range of a type; unknown for floats.
Bounds type_bounds(DType t);
// Of the sum and the product of two index values.
Bounds add_bounds(const Bounds& a, const Bounds& b);
Bounds multiply_bounds(const Bounds& a, const Bounds& b);
// The bounds of a node's value from those of its sources, in order. Sources that are no integers are unknown.
Bounds transfer_bounds(const Graph& graph, Node n, std::span<const Bounds> sources);

// Memo by node, of one graph within one Scope. Iterative: any depth. References stay valid.
class BoundsOf {
 public:
  explicit BoundsOf(const Graph& graph) : graph_(graph) {}
  const Bounds& operator()(Node n) {  // integer, index or bool nodes; others are unknown
    const Bounds* known = find(n);
    return known != nullptr ? *known : compute(n);
  }
  Bounds operator()(Dim d) { return d.is_const() ? Bounds{d.value, d.value, 1, 0} : (*this)(d.expr); }
  const Graph& graph() const { return graph_; }

 private:
  static constexpr size_t kPageSize = 256;
  const Bounds* find(Node n) const {
    const size_t page = n.id / kPageSize;
    if (page >= pages_.size() || pages_[page] == nullptr) return nullptr;
    const Bounds& b = pages_[page][n.id % kPageSize];
    return b.modulus != 0 ? &b : nullptr;
  }
  const Bounds& compute(Node n);
  Bounds& slot(Node n);  // modulus 0: not known yet

  const Graph& graph_;
  std::vector<std::unique_ptr<Bounds[]>> pages_;
  std::vector<Node> stack_;
};

// Three-valued comparisons; index differences are taken, so that n < n + 1 is true for a symbolic n, and a
// loop index is known to be below its symbolic extent.
Tri is_less(BoundsOf& bounds, Node a, Node b);
Tri is_less_equal(BoundsOf& bounds, Node a, Node b);
Tri is_equal(BoundsOf& bounds, Node a, Node b);

}  // namespace anneal::ir
