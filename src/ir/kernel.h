// SPDX-License-Identifier: MIT
// Which ranges the nodes of a kernel depend on, and which ones accumulates and statements bind; its
// variables. A range is free in a node that reaches it without an accumulate or statement in between that
// binds it. Tested by kernel_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/side_table.h"

namespace anneal::ir {

// The sources from this position on are ranges that the node binds; their number where it binds none.
size_t first_bound_source(const Graph& graph, Node n);
inline std::span<const Node> bound_ranges(const Graph& graph, Node n) {
  return graph.sources(n).subspan(first_bound_source(graph, n));
}

// The variables that a kernel reads, extents included, each once, by name: the order in which a launch gives
// their values.
std::vector<Node> variables_of(const Graph& graph, Node kernel);

// Positions in Kernel::ranges(), increasing.
using RangeSet = std::vector<uint32_t>;
RangeSet united(const RangeSet& a, const RangeSet& b);
RangeSet without(const RangeSet& a, const RangeSet& b);
bool includes(const RangeSet& a, const RangeSet& b);
bool contains(const RangeSet& a, uint32_t range);

class Kernel {
 public:
  // `roots`: the statements, or a sink of them.
  Kernel(const Graph& graph, std::span<const Node> roots);

  // Empty when all is well: a range bound where it is used, one range for one id, loop ranges that no
  // accumulate binds, and extents over variables alone.
  const std::string& error() const { return error_; }

  std::span<const Node> statements() const { return statements_; }
  std::span<const Node> order() const { return order_; }    // all nodes, sources first, statements included
  std::span<const Node> ranges() const { return ranges_; }  // by id
  uint32_t range_position(Node range) const { return position_.get(range) - 1; }
  // Position in order(). A node that is not of the kernel has none: has() tells.
  uint32_t position(Node n) const { return place_.get(n) - 1; }
  bool has(Node n) const { return place_.get(n) != 0; }
  const RangeSet& free(Node n) const { return free_[position(n)]; }
  RangeSet bound(Node n) const;

 private:
  void find_free(const Graph& graph);
  void check(const Graph& graph);

  const Graph& graph_;
  std::vector<Node> statements_, order_, ranges_;
  std::vector<RangeSet> free_;  // by position in order_
  SideTable<uint32_t> place_, position_;
  std::string error_;
};

}  // namespace anneal::ir
