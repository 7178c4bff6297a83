// SPDX-License-Identifier: MIT
// Examples of rules: random graphs made from a rule's pattern until the rule applies. What `anneal explain <rule>`
// shows and what rule_fuzz_test.cc evaluates. The same seed gives the same examples everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "ir/builder.h"
#include "rewrite/driver.h"

namespace anneal::rules {

// xorshift64*: small, and the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du) {}
  uint64_t next();
  int64_t below(int64_t n) { return static_cast<int64_t>(next() >> 11) % n; }
  bool chance(int percent) { return below(100) < percent; }
  template <typename T, size_t N>
  T pick(const T (&values)[N]) {
    return values[below(static_cast<int64_t>(N))];
  }

 private:
  uint64_t state_;
};

struct Instance {
  ir::Node before, after;  // null: the rule applied to none of the graphs that were tried
};

class InstanceMaker {
 public:
  // `graph` must be in a Scope that outlives this.
  InstanceMaker(ir::Graph& graph, const rewrite::Rule& rule, uint64_t seed);

  Instance next(int tries = 2000);
  // A random index expression: a sum of scaled loops and variables, quotients and remainders. Not of any rule.
  ir::Node index_expression(int depth);

 private:
  using Dims = std::vector<ir::Dim>;

  ir::Node attempt();
  ir::Node make(size_t pattern_node, DType t, const Dims& shape, bool is_root);
  ir::Node make_elementwise(ir::Op op, const rewrite::PatternNode& n, DType t, const Dims& shape, bool is_root);
  ir::Node make_with_sources(ir::Op op, const rewrite::PatternNode& n, DType t, const Dims& shape);
  ir::Node make_any_elementwise(ir::Op op, DType t);
  ir::Node make_any_concat(DType t);
  ir::Node move(ir::Op op, ir::Node a, ir::Node fill);
  ir::Node move_slice(ir::Node a);
  ir::Node fold(ir::Op op, ir::Node a);
  ir::Node leaf(DType t, const Dims& shape);
  ir::Node index_leaf();
  ir::Node taken_apart(ir::Node x);
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
  Random random_;
  std::array<ir::Node, rewrite::kMaxLetters> bound_;
  ir::Op any_op_ = ir::Op::Const;
  bool has_any_op_ = false;
  int64_t next_param_ = 0;
};

}  // namespace anneal::rules
