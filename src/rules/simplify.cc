// SPDX-License-Identifier: MIT
#include "rules/simplify.h"

#include "rules/rules.h"

namespace anneal::rules {
namespace {

// Index sums: index-sum takes the whole sum.
bool is_inside_sum(const ir::Graph& g, ir::Node n) {
  if (g.dtype(n) != DType::kIndex) return false;
  const ir::Op op = g.op(n);
  if (op == ir::Op::Mul) return g.is_const(g.source(n, 0)) || g.is_const(g.source(n, 1));
  return op == ir::Op::Add || op == ir::Op::Sub || op == ir::Op::Neg;
}

bool sees_sum(rewrite::MatchContext& c, ir::Node n) { return c.polynomial(n) != nullptr; }

rewrite::RuleSet all_allowed(rewrite::FloatClasses floats) {
  rewrite::RuleSet rules(all_rules(), floats);
  rules.leave_to_users({is_inside_sum, sees_sum});
  return rules;
}

template <bool reassociating, bool approximate>
const rewrite::RuleSet& rules_for() {
  static const rewrite::RuleSet rules = all_allowed({reassociating, approximate});
  return rules;
}

}  // namespace

const rewrite::RuleSet& standard_rules(rewrite::FloatClasses floats) {
  if (floats.reassociating) return floats.approximate ? rules_for<true, true>() : rules_for<true, false>();
  return floats.approximate ? rules_for<false, true>() : rules_for<false, false>();
}

std::vector<ir::Node> simplify(ir::Graph& graph, std::span<const ir::Node> roots,
                               const SimplifyOptions& options) {
  rewrite::RewriteOptions rewriting;
  rewriting.pass = options.pass;
  rewriting.trace = options.trace;
  rewriting.stats = options.stats;
  return rewrite::rewrite(graph, roots, standard_rules(options.floats), rewriting);
}

ir::Node simplify(ir::Graph& graph, ir::Node root, const SimplifyOptions& options) {
  return simplify(graph, std::span(&root, 1), options)[0];
}

}  // namespace anneal::rules
