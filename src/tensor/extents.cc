// SPDX-License-Identifier: MIT
#include "tensor/extents.h"

#include <algorithm>

#include "ir/dims.h"

namespace anneal {

using ir::Dim;
using ir::Node;
using ir::Tri;

namespace {
Dim either(const Call& call, ir::Op op, Dim a, Dim b) {
  const auto node = [&](Dim d) { return d.is_const() ? call.b.index(d.value) : d.expr; };
  return Dim(call.b.make(op, {node(a), node(b)}));
}
}  // namespace

Dim lesser(const Call& call, Dim a, Dim b) {
  if (a.is_const() && b.is_const()) return Dim(std::min(a.value, b.value));
  if (ir::dim_less_equal(call.g, a, b) == Tri::kTrue) return a;
  if (ir::dim_less_equal(call.g, b, a) == Tri::kTrue) return b;
  return either(call, ir::Op::Min, a, b);
}

Dim greater(const Call& call, Dim a, Dim b) {
  if (a.is_const() && b.is_const()) return Dim(std::max(a.value, b.value));
  if (ir::dim_less_equal(call.g, a, b) == Tri::kTrue) return b;
  if (ir::dim_less_equal(call.g, b, a) == Tri::kTrue) return a;
  return either(call, ir::Op::Max, a, b);
}

std::optional<Dim> whole_quotient(const Call& call, Dim a, int64_t by) {
  if (const auto exact = ir::dim_exact_div(call.g, a, Dim(by))) return exact;
  ir::BoundsOf bounds(call.g);
  const ir::Bounds& b = bounds(a);
  if (b.modulus % by != 0 || b.remainder % by != 0) return std::nullopt;
  return ir::dim_floordiv(call.g, a, Dim(by));
}

}  // namespace anneal
