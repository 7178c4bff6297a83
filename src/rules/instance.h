// SPDX-License-Identifier: MIT
// Examples of rules: random graphs made from a rule's pattern until the rule applies. What `anneal explain
// <rule>` shows and what rule_fuzz_test.cc evaluates. The same seed gives the same examples everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ir/builder.h"
#include "rewrite/driver.h"
#include "rules/random_index.h"
#include "support/random_stream.h"

namespace anneal::rules {

struct Instance {
  ir::Node before, after;  // null: the rule applied to none of the graphs that were tried
};

class InstanceMaker {
 public:
  // `graph` must be in a Scope that outlives this.
  InstanceMaker(ir::Graph& graph, const rewrite::Rule& rule, uint64_t seed);

  Instance next(int tries = 2000);

 private:
  using Dims = std::vector<ir::Dim>;

  ir::Node attempt();
  ir::Node make(size_t pattern_node, DType t, const Dims& shape, bool is_root);
  ir::Node make_elementwise(ir::Op op, const rewrite::PatternNode& n, DType t, const Dims& shape,
                            bool is_root);
  ir::Node make_with_sources(ir::Op op, const rewrite::PatternNode& n, DType t, const Dims& shape);
  ir::Node make_any_elementwise(ir::Op op, DType t);
  ir::Node make_any_concat(DType t);
  ir::Node move(ir::Op op, ir::Node a, ir::Node fill);
  ir::Node move_slice(ir::Node a);
  ir::Node fold(ir::Op op, ir::Node a);
  ir::Node leaf(DType t, const Dims& shape);
  ir::Node constant(DType t);
  ir::Op any_op(const rewrite::PatternNode& n, DType t);
  DType pick_dtype();
  Dims random_shape(int min_rank);
  Dims widened(const Dims& shape);
  Dims shape_of(ir::Node n) const;

  ir::Graph& graph_;
  ir::Builder build_;
  const rewrite::Rule& rule_;
  rewrite::RuleSet rules_;
  support::RandomStream random_;
  RandomIndex index_;
  std::array<ir::Node, rewrite::kMaxLetters> bound_;
  ir::Op any_op_ = ir::Op::Const;
  bool has_any_op_ = false;
  int64_t next_param_ = 0;
  ir::Dim symbol_{1};  // an extent that attempts may use: a variable that may be 0, in some of them
};

}  // namespace anneal::rules
