// SPDX-License-Identifier: MIT
// Constants: what is known is written down. Integers divided by zero are left alone.
#include "rules/rules.h"

namespace anneal::rules {
namespace {

using namespace rewrite;  // NOLINT: the surface rules are written in

Node fold_constants(MatchContext& c) {
  const std::span<const Node> sources = c.graph.sources(c.root);
  for (Node s : sources)
    if (!c.is_const(s)) return {};
  return fold_elementwise(c, c.op(c.root), c.graph.dtype(c.root), sources, c.graph.arg(c.root));
}

// Integers divided by zero stay for whoever looks for the mistake.
bool divides_by_zero(MatchContext& c) {
  const Op op = c.op(c.root);
  if (op != Op::FloorDiv && op != Op::FloorMod && op != Op::TruncDiv && op != Op::TruncMod) return false;
  const ir::Bounds& divisor = c.bounds(c.source(c.root, 1));
  return divisor.min == 0 && divisor.max == 0;
}

// The interval of an integer or bool holds one value. An index sum with such an interval has none but known
// terms, and index-sum adds those.
Node known_value(MatchContext& c) {
  const DType t = c.graph.dtype(c.root);
  const Op op = c.op(c.root);
  const bool is_sum = op == Op::Add || op == Op::Sub || op == Op::Mul || op == Op::Neg;
  if ((!is_int(t) && !is_bool(t)) || (t == DType::kIndex && is_sum)) return {};
  const ir::Bounds b = c.bounds(c.root);
  if (!b.is_const() || divides_by_zero(c)) return {};
  return t == DType::kIndex ? c.index(b.min) : c.constant(ir::Scalar::from_int(b.min, t), t);
}

bool only_first_is_constant(MatchContext& c) { return !c.is_const(c.x()); }

}  // namespace

std::vector<Rule> constant_rules() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  constexpr uint32_t kAny = ir::kElementwise;
  return {
      {"fold-unary", "f(c) is its value", f(kAny, c0), fold_constants},
      {"fold-binary", "f(c, d) is its value; not integers divided by zero", f(kAny, c0, c1), fold_constants},
      {"fold-ternary", "f(c, d, e) is its value", f(kAny, c0, c1, c2), fold_constants},
      {"fold-random", "threefry of constants is its value", any_op(kAny, {&c0, &c1, &c2, &c3}),
       fold_constants},
      {"known-value", "f(...) is the one value that its bounds allow", any_op(kAny, {}), known_value,
       of_integral},
      {"known-leaf", "a variable or loop index with one value is that value",
       any_op(ir::kLeaf | ir::kIndexOp, {}), known_value, of_index},
      {"constant-right", "f(c, x) = f(x, c) for a commutative f", f(ir::kCommutative, c0, x),
       f(ir::kCommutative, x, c0), Guard{"x is no constant", only_first_is_constant}},
  };
}

}  // namespace anneal::rules
