// SPDX-License-Identifier: MIT
// The nodes of a program in the order of its text, with where each comes from: for listings. Tested by
// listing_test.cc and tests/cli_smoke.py.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace anneal::pass {

struct ListedNode {
  ir::Node node;
  size_t index;
  std::string op, dtype, shape, argument, path, site;
  std::vector<size_t> sources;  // by index
  std::string_view phase, rule;
};
std::vector<ListedNode> list_nodes(const ir::Graph& graph, std::span<const ir::Node> roots);

}  // namespace anneal::pass
