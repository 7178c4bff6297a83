// SPDX-License-Identifier: MIT
// Index expressions evaluated at points: every choice of their variables and loop indices, or one. How
// goldens, rule fuzzing and the tests of bounds prove a rewrite. Only scalar elementwise ops over const, var,
// range and scalar params. Tested by points_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ir/graph.h"
#include "ir/side_table.h"

namespace anneal::ir {

class Points {
 public:
  // `roots` are evaluated together. ok() is false when they hold an op that has no value at a point.
  Points(const Graph& graph, std::span<const Node> roots);
  bool ok() const { return ok_; }

  // The variables, loop indices and params, in the order in which next() counts.
  std::span<const Node> unknowns() const { return unknowns_; }

  // All points: the first call goes to the first one; false when there is none left. A loop index runs to its
  // extent at that point. Params stay as they were set.
  bool next();
  // One point: set every unknown, then evaluate.
  void set(Node unknown, Scalar value);
  void evaluate();

  Scalar value(Node n) const { return values_[position_.get(n)]; }
  int64_t value_int(Node n) const { return value(n).as_int(graph_.dtype(n)); }

 private:
  void evaluate_step(size_t step);
  void evaluate_from(size_t step);
  bool enter(size_t unknown);  // to its first value; false when it has none
  bool advance(size_t unknown);

  const Graph& graph_;
  bool ok_ = true, started_ = false;
  std::vector<Node> order_, unknowns_;
  SideTable<uint32_t> position_;  // of a node in order_ and values_
  std::vector<size_t> steps_;     // of each unknown in order_
  std::vector<Scalar> values_;
};

// How many points there are, up to `limit` + 1; for tests that must stay small.
int64_t count_points(const Graph& graph, std::span<const Node> roots, int64_t limit);

}  // namespace anneal::ir
