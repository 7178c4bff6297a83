// SPDX-License-Identifier: MIT
// Rewriting to a fixpoint, bottom-up: a node is looked at when its sources are final; what a rule gives is
// looked at again. Iterative, so any depth works. A graph that nothing applies to comes back as the same
// nodes.
//
// Contract with rules, checked here: a replacement has the type of what it replaces; a scalar one is expanded
// to the shape. Nodes inside symbolic extents stay as they are, those of loop indices too: a loop is known by
// its node. Origins are carried from the replaced node to the new ones. A rewrite that does not end is our
// bug and raises Error(kInternal) with the last rules and two of the nodes: at once when a node turns up
// inside its own rewriting, else when one node took `max_steps`. Tested by rewrite_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "rewrite/match.h"

namespace anneal::rewrite {

struct TraceEntry {
  std::string_view pass;
  const Rule* rule;
  Node before, after;
};
using Trace = std::vector<TraceEntry>;

struct RewriteStats {
  struct Fired {
    const Rule* rule;
    uint64_t count;
  };
  std::vector<Fired> fired;  // every rule of the set, in order
  uint64_t visited = 0;      // nodes looked at
  uint64_t steps = 0;        // rules fired
};

struct RewriteOptions {
  std::string_view pass = "rewrite";  // names the run in traces and messages; must outlive them
  Trace* trace = nullptr;
  RewriteStats* stats = nullptr;
  uint64_t max_steps = 10000;  // for one node of the graph as it was given
};

std::vector<Node> rewrite(ir::Graph& graph, std::span<const Node> roots, const RuleSet& rules,
                          const RewriteOptions& options = {});
// One rule once, at the root: null when none applies. What the driver does with the result is done too.
Node rewrite_once(ir::Graph& graph, Node root, const RuleSet& rules);

}  // namespace anneal::rewrite
