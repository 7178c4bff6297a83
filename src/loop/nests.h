// SPDX-License-Identifier: MIT
// The loops of a kernel's statements and its grid, chosen before any value gets its place. Private to this
// folder; tested through lower_test.cc.
#pragma once

#include <optional>

#include "ir/kernel.h"
#include "loop/lower.h"

namespace anneal::loop {

// Statements that run in one body: with the same loops, and nothing in the way.
struct Group {
  std::vector<Node> statements;
  std::vector<uint32_t> order;  // loop ranges, outermost first, without those that an item has one value of
  std::optional<uint32_t> vector;  // one of them
  bool is_ordered = false;         // writes what another group writes: shares no loop with it
};

class Nests {
 public:
  Nests(ir::Graph& graph, const ir::Kernel& kernel, const LowerOptions& options);

  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<GridAxis>& grid() const { return grid_; }
  // The range that an accumulate's loops should go by vectors over.
  std::optional<uint32_t> vector_of(Node accumulate) const;
  int32_t lanes(uint32_t range) const;
  int32_t lanes(const Group& group) const;  // of its vector loop

 private:
  int32_t lanes_at_most(uint32_t range, int32_t most) const;
  struct Access {
    Node site, accumulate;  // a load or statement; what folds it, or null
  };

  void make_groups();
  void find_accesses(const Group& group, std::vector<Access>& out) const;
  bool is_smooth(Node site, uint32_t range) const;
  bool can_be_vector(uint32_t range) const;
  void choose_vector(Group& group) const;
  void choose_order(Group& group) const;
  bool separates(uint32_t range);
  std::vector<uint32_t> grid_candidates();
  double work(const std::vector<uint32_t>& fixed) const;
  void choose_grid();

  ir::Graph& graph_;
  const ir::Kernel& kernel_;
  const LowerOptions& options_;
  std::vector<int64_t> greatest_;  // extent of each range, at most
  std::vector<Node> accumulates_;  // those in no other's loops, in the kernel's order
  std::vector<Group> groups_;
  std::vector<GridAxis> grid_;
};

}  // namespace anneal::loop
