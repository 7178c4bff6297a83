// SPDX-License-Identifier: MIT
// Rules compiled for matching, and what a rule sees when it matched. The first rule of an op's list that
// matches fires. A rule costs one mask test unless the ops of the root's sources fit. Tested by
// rewrite_test.cc.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "ir/bounds.h"
#include "ir/builder.h"
#include "ir/graph.h"
#include "ir/polynomial.h"
#include "rewrite/rule.h"

namespace anneal::rewrite {

using ir::Node;

// What rules share during one run: the graph, bounds, and small caches.
class MatchContext {
 public:
  explicit MatchContext(ir::Graph& g) : graph(g), bounds(g) {}

  ir::Graph& graph;
  ir::BoundsOf bounds;

  // -- The match --
  Node root;
  Node x() const { return wild[0]; }
  Node y() const { return wild[1]; }
  Node z() const { return wild[2]; }
  Node w() const { return wild[3]; }
  Node c0() const { return wild[kFirstConstLetter]; }
  Node c1() const { return wild[kFirstConstLetter + 1]; }
  std::array<Node, kMaxLetters> wild;
  const Rule* rule = nullptr;
  size_t rule_index = 0;  // in the rule set

  // -- Reading --
  Op op(Node n) const { return graph.op(n); }
  Node source(Node n, size_t i) const { return graph.source(n, i); }
  bool is_const(Node n) const { return graph.is_const(n); }
  int64_t int_value(Node n) const { return graph.const_value(n).as_int(graph.dtype(n)); }
  // The polynomial of an index node, kept until two others are asked for; null if it has none.
  const ir::Polynomial* polynomial(Node n);

  // -- Building; new nodes carry on the origin of the root --
  Node index(int64_t value);
  Node number(double value, DType t);
  Node constant(ir::Scalar value, DType t);
  // Elementwise: the type follows from the sources, which must fit.
  Node make(Op op, Node a) { return make(op, std::array{a}); }
  Node make(Op op, Node a, Node b) { return make(op, std::array{a, b}); }
  Node make(Op op, Node a, Node b, Node c) { return make(op, std::array{a, b, c}); }
  Node make(Op op, std::span<const Node> sources);
  // The root's op, type and argument over other sources; the shape follows from them, as for any elementwise
  // op.
  Node same_op(std::span<const Node> sources);
  // For everything else.
  ir::Builder build();

 private:
  friend class RuleSet;
  void carry_origin();

  static constexpr size_t kCachedConstants = 256;
  std::array<Node, kCachedConstants> constants_{};
  std::array<int64_t, kCachedConstants> constant_values_{};
  struct CachedPolynomial {
    Node node;
    bool fits = false;
    ir::Polynomial value;
  };
  std::array<CachedPolynomial, 2> polynomials_;
  size_t last_polynomial_ = 0;
  bool origin_carried_ = false;
};

// Evaluates an elementwise node over constant sources; null when the result is not defined well enough to
// fold: integers divided by zero.
Node fold_elementwise(MatchContext& context, Op op, DType result, std::span<const Node> constants,
                      const ir::Arg& arg);

// Nodes that their users' rules take apart themselves, as the rules of a sum see all of the sum.
struct Inside {
  bool (*belongs)(const ir::Graph& graph, Node n) = nullptr;
  bool (*sees)(MatchContext& context,
               Node n) = nullptr;  // whether the rules at n reach all that belongs to it
};

class RuleSet {
 public:
  // Rules keep their order and must outlive the set; those of a class that is not allowed are left out.
  explicit RuleSet(std::span<const Rule* const> rules, FloatClasses allowed = {});
  explicit RuleSet(std::span<const Rule> rules, FloatClasses allowed = {});

  // A node that belongs, and all of whose users do too, is not looked at on its own: its outermost user sees
  // it, or else it is looked at after all. Saves the forms in between.
  void leave_to_users(const Inside& inside) { inside_ = inside; }
  const Inside& inside() const { return inside_; }

  // The first rule that applies at n, whose sources are final, and what it gives; null when none does.
  Node apply(MatchContext& context, Node n) const;
  std::span<const Rule* const> rules() const { return rules_; }

 private:
  static constexpr size_t kMaxSlots = Pattern::kMaxNodes;
  // One node of a pattern: the source `child` of the node in slot `parent` must fit.
  struct Check {
    uint8_t parent, child;
    PatternNode::Kind kind;
    Op op;
    uint8_t letter;
    bool first;  // where a letter occurs first it binds; later it compares
    double literal;
  };
  struct Variant {
    std::array<uint64_t, 3> source_masks;  // hashed sets of the ops that sources 0..2 may have
    uint32_t rule;
    uint32_t first_check;
    uint16_t num_checks;
    uint8_t min_sources;
    bool only_binds;  // the checks are the sources in order, each a letter of its own
    Op any_op;        // what f stands for
  };
  struct Bucket {
    uint32_t begin = 0, count = 0;
  };

  void compile();
  void add_variants(uint32_t rule, Op root, std::vector<Variant>& out);
  Variant make_variant(uint32_t rule, Op any_op, uint32_t swaps);
  bool matches(MatchContext& context, const Variant& v, Node n) const;
  Node build(MatchContext& context, const Rule& rule, const Variant& v) const;

  std::vector<const Rule*> rules_;
  Inside inside_;
  std::vector<Check> checks_;
  std::vector<Variant> variants_;
  std::array<std::array<Bucket, 8>, ir::kNumOps>
      buckets_{};  // by op, class of types, and whether it is a scalar
};

}  // namespace anneal::rewrite
