// SPDX-License-Identifier: MIT
// A program with nodes, or extents, replaced: everything above is made again with inferred types.
// Tested by substitute_test.cc.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace anneal::ir {

struct Substitution {
  std::vector<std::pair<Node, Node>> nodes;          // from, to; sources of `to` are not looked at
  std::vector<std::pair<int64_t, int64_t>> extents;  // in the shapes that leaves and movement ops are given
};

// None when the result is ill-typed: an op above does not take what it would get.
std::optional<std::vector<Node>> substitute(Graph& graph, std::span<const Node> roots,
                                            const Substitution& change);

}  // namespace anneal::ir
