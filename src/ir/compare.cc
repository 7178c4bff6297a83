// SPDX-License-Identifier: MIT
// The three-valued comparisons of bounds.h.
#include "ir/bounds.h"
#include "ir/polynomial.h"

namespace anneal::ir {

Tri is_less(BoundsOf& bounds, Node a, Node b) {
  const Graph& g = bounds.graph();
  if (a == b) return Tri::kFalse;
  Polynomial difference;
  if (g.dtype(a) == DType::kIndex && difference.add_node(g, a, 1) && difference.add_node(g, b, -1)) {
    if (prove_negative(bounds, difference)) return Tri::kTrue;
    return prove_non_negative(bounds, difference) ? Tri::kFalse : Tri::kUnknown;
  }
  if (!is_int(g.dtype(a)) && !is_bool(g.dtype(a))) return Tri::kUnknown;
  const Bounds x = bounds(a), y = bounds(b);
  if (x.max < y.min) return Tri::kTrue;
  return x.min >= y.max && x.min != INT64_MIN && y.max != INT64_MAX ? Tri::kFalse : Tri::kUnknown;
}

Tri is_less_equal(BoundsOf& bounds, Node a, Node b) {
  const DType t = bounds.graph().dtype(a);
  if (a == b && !is_float(t)) return Tri::kTrue;
  const Tri greater = is_less(bounds, b, a);
  if (is_float(t) || greater == Tri::kUnknown) return Tri::kUnknown;
  return greater == Tri::kTrue ? Tri::kFalse : Tri::kTrue;
}

Tri is_equal(BoundsOf& bounds, Node a, Node b) {
  const Graph& g = bounds.graph();
  if (a == b) return is_float(g.dtype(a)) ? Tri::kUnknown : Tri::kTrue;
  if (is_less(bounds, a, b) == Tri::kTrue || is_less(bounds, b, a) == Tri::kTrue) return Tri::kFalse;
  Polynomial difference;
  if (g.dtype(a) == DType::kIndex && difference.add_node(g, a, 1) && difference.add_node(g, b, -1)) {
    const Bounds d = difference.bounds(bounds);
    if (d.is_const()) return d.min == 0 ? Tri::kTrue : Tri::kFalse;
    return d.remainder != 0 ? Tri::kFalse : Tri::kUnknown;
  }
  const Bounds x = bounds(a), y = bounds(b);
  return is_int(g.dtype(a)) && x.is_const() && y.is_const() && x.min == y.min && x.max != INT64_MAX
             ? Tri::kTrue
             : Tri::kUnknown;
}

}  // namespace anneal::ir
