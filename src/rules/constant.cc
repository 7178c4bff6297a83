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

// The interval of an integer or bool holds one value.
Node known_value(MatchContext& c) {
  const DType t = c.graph.dtype(c.root);
  if (!is_int(t) && !is_bool(t)) return {};
  const ir::Bounds& b = c.bounds(c.root);
  if (!b.is_const()) return {};
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
      {"fold-random", "threefry of constants is its value", any_op(kAny, {&c0, &c1, &c2, &c3}), fold_constants},
      {"known-value", "f(...) is the one value that its bounds allow", any_op(kAny, {}), known_value, of_integral},
      {"constant-right", "f(c, x) = f(x, c) for a commutative f", f(ir::kCommutative, c0, x),
       f(ir::kCommutative, x, c0), Guard{"x is no constant", only_first_is_constant}},
  };
}

}  // namespace anneal::rules
