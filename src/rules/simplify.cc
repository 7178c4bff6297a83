// SPDX-License-Identifier: MIT
#include "rules/simplify.h"

#include "rules/rules.h"

namespace anneal::rules {

const rewrite::RuleSet& standard_rules(rewrite::FloatClasses floats) {
  static const rewrite::RuleSet sets[] = {
      rewrite::RuleSet(all_rules(), {false, false}),
      rewrite::RuleSet(all_rules(), {true, false}),
      rewrite::RuleSet(all_rules(), {false, true}),
      rewrite::RuleSet(all_rules(), {true, true}),
  };
  return sets[(floats.reassociating ? 1 : 0) + (floats.approximate ? 2 : 0)];
}

std::vector<ir::Node> simplify(ir::Graph& graph, std::span<const ir::Node> roots, const SimplifyOptions& options) {
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
