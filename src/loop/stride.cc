// SPDX-License-Identifier: MIT
#include "loop/stride.h"

#include <unordered_map>

#include "ir/walk.h"
#include "rules/simplify.h"

namespace anneal::loop {

using ir::Node;
using ir::Op;

namespace {

using Stride = std::optional<int64_t>;

Stride sum(Stride a, Stride b, bool subtracts) {
  int64_t out = 0;
  if (!a || !b || (subtracts ? __builtin_sub_overflow(*a, *b, &out) : __builtin_add_overflow(*a, *b, &out)))
    return std::nullopt;
  return out;
}

// Of constant * n, where n has stride a.
Stride scaled(const ir::Graph& graph, Node constant, Stride a) {
  int64_t out = 0;
  if (!a || !graph.is_const(constant) ||
      __builtin_mul_overflow(graph.const_value(constant).as_int(DType::kIndex), *a, &out))
    return std::nullopt;
  return out;
}

}  // namespace

std::optional<int64_t> stride_of_simplified(const ir::Graph& graph, Node index, Node range) {
  std::unordered_map<uint32_t, Stride> known;
  for (Node n : ir::postorder(graph, std::span(&index, 1))) {
    const std::span<const Node> sources = graph.sources(n);
    const auto of = [&](size_t i) { return known.at(sources[i].id); };
    if (n == range) {
      known[n.id] = 1;
      continue;
    }
    // A range's extent is none of its value; what an accumulate binds does not move it.
    const bool is_leaf = ir::has_flag(graph.op(n), ir::kLeaf);
    bool is_still = true;
    for (size_t i = 0; !is_leaf && i < ir::first_bound_source(graph, n); ++i)
      is_still = is_still && of(i) == Stride(0);
    if (is_still) {
      known[n.id] = 0;
      continue;
    }
    Stride& out = known[n.id];
    if (graph.op(n) == Op::Accumulate) {
      // Its body moves, but perhaps by a range that it binds.
      for (Node bound : ir::bound_ranges(graph, n))
        if (bound == range) out = 0;
      continue;
    }
    if (graph.dtype(n) != DType::kIndex) continue;
    switch (graph.op(n)) {
      case Op::Add: out = sum(of(0), of(1), false); break;
      case Op::Sub: out = sum(of(0), of(1), true); break;
      case Op::Neg: out = sum(0, of(0), true); break;
      case Op::Mul:
        out =
            graph.is_const(sources[1]) ? scaled(graph, sources[1], of(0)) : scaled(graph, sources[0], of(1));
        break;
      case Op::Where:
        if (of(0) == Stride(0) && of(1) == of(2)) out = of(1);
        break;
      default: break;
    }
  }
  return known.at(index.id);
}

std::optional<int64_t> stride(ir::Graph& graph, Node index, Node range) {
  return stride_of_simplified(graph, rules::simplify(graph, index), range);
}

}  // namespace anneal::loop
