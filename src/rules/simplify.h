// SPDX-License-Identifier: MIT
// The standard simplification: every rule that the allowed float classes admit, to a fixpoint. Any stage in,
// the same stage out; equal index sums become the same node. Returns the same nodes when nothing applies, and
// is idempotent. Tested by golden_test.cc (tests/golden/simplify, tests/golden/index) and simplify_test.cc.
#pragma once

#include <span>
#include <vector>

#include "rewrite/driver.h"

namespace anneal::rules {

struct SimplifyOptions {
  rewrite::FloatClasses floats;  // exact rules only, unless the program allows more
  std::string_view pass = "simplify";
  rewrite::Trace* trace = nullptr;
  rewrite::RewriteStats* stats = nullptr;
};

std::vector<ir::Node> simplify(ir::Graph& graph, std::span<const ir::Node> roots,
                               const SimplifyOptions& options = {});
ir::Node simplify(ir::Graph& graph, ir::Node root, const SimplifyOptions& options = {});

// The compiled rules of all topics for these classes; made once.
const rewrite::RuleSet& standard_rules(rewrite::FloatClasses floats = {});

}  // namespace anneal::rules
