// SPDX-License-Identifier: MIT
#include "rewrite/match.h"

#include <bit>

#include "ir/eval.h"
#include "support/check.h"

namespace anneal::rewrite {
namespace {

using Kind = PatternNode::Kind;

uint64_t op_bit(Op op) { return uint64_t{1} << (static_cast<unsigned>(op) & 63); }
constexpr uint64_t kAnySource = ~uint64_t{0};

ir::Scalar literal_value(double v, DType t) {
  return is_float(t) ? ir::Scalar::from_double(v, t) : ir::Scalar::from_int(static_cast<int64_t>(v), t);
}

bool is_commutative_node(const PatternNode& n) {
  return n.num_children == 2 && ((n.kind == Kind::kOp && ir::has_flag(n.op, ir::kCommutative)) ||
                                 (n.kind == Kind::kAnyOp && (n.flags & ir::kCommutative) != 0));
}

bool may_divide_by_zero(Op op, DType t, ir::Scalar divisor) {
  const bool divides = op == Op::FloorDiv || op == Op::FloorMod || op == Op::TruncDiv || op == Op::TruncMod;
  return divides && is_int(t) && divisor.bits == 0;
}

}  // namespace

// -- MatchContext --

const ir::Polynomial* MatchContext::polynomial(Node n) {
  for (size_t i = 0; i < polynomials_.size(); ++i)
    if (polynomials_[i].node == n) {
      last_polynomial_ = i;
      return polynomials_[i].fits ? &polynomials_[i].value : nullptr;
    }
  CachedPolynomial& c = polynomials_[last_polynomial_ ^= 1];
  c.node = n;
  c.value.clear();
  c.fits = c.value.add_node(graph, n);
  return c.fits ? &c.value : nullptr;
}

void MatchContext::carry_origin() {
  if (origin_carried_) return;
  origin_carried_ = true;
  ir::Origin origin = graph.origin(root);
  if (rule != nullptr) origin.rule = rule->id;
  graph.set_origin(origin);
}

Node MatchContext::index(int64_t value) {
  const auto slot = static_cast<size_t>(static_cast<uint64_t>(value) * 0x9e3779b97f4a7c15u >> 56);
  static_assert(kCachedConstants == 256);
  if (!constants_[slot] || constant_values_[slot] != value) {
    constants_[slot] = constant(ir::Scalar::from_int(value, DType::kIndex), DType::kIndex);
    constant_values_[slot] = value;
  }
  return constants_[slot];
}

Node MatchContext::number(double value, DType t) { return constant(literal_value(value, t), t); }

Node MatchContext::constant(ir::Scalar value, DType t) {
  carry_origin();
  const ir::Arg arg = ir::ConstArg{value};
  return graph.intern({Op::Const, t, {}, {}, &arg});
}

Node MatchContext::make(Op o, std::span<const Node> sources) {
  carry_origin();
  ir::ShapeId shape;
  for (Node s : sources)
    if (shape.id == 0) shape = graph.shape_id(s);
  const DType t = ir::has_flag(o, ir::kComparison) ? DType::kBool : graph.dtype(sources.back());
  return graph.intern({o, t, shape, sources});
}

Node MatchContext::same_op(std::span<const Node> sources) {
  carry_origin();
  ir::ShapeId shape;
  for (Node s : sources)
    if (shape.id == 0) shape = graph.shape_id(s);
  const ir::Arg& arg = graph.arg(root);
  return graph.intern({graph.op(root), graph.dtype(root), shape, sources, &arg});
}

ir::Builder MatchContext::build() {
  carry_origin();
  return {graph};
}

Node fold_elementwise(MatchContext& context, Op op, DType result, std::span<const Node> constants,
                      const ir::Arg& arg) {
  std::array<ir::Scalar, 4> values;
  ANNEAL_CHECK(constants.size() <= values.size());
  for (size_t i = 0; i < constants.size(); ++i) values[i] = context.graph.const_value(constants[i]);
  const DType source = context.graph.dtype(constants.back());
  if (may_divide_by_zero(op, source, values[constants.size() - 1])) return {};
  const ir::Scalar value = ir::eval_elementwise(op, result, source, {values.data(), constants.size()}, arg);
  return context.constant(value, result);
}

// -- RuleSet: compiling --

RuleSet::RuleSet(std::span<const Rule* const> rules, FloatClasses allowed) {
  for (const Rule* r : rules)
    if (allowed.allows(r->float_class)) rules_.push_back(r);
  compile();
}

RuleSet::RuleSet(std::span<const Rule> rules, FloatClasses allowed) {
  for (const Rule& r : rules)
    if (allowed.allows(r.float_class)) rules_.push_back(&r);
  compile();
}

void RuleSet::compile() {
  for (int o = 0; o < ir::kNumOps; ++o) {
    std::vector<Variant> fitting;
    for (uint32_t r = 0; r < rules_.size(); ++r) add_variants(r, static_cast<Op>(o), fitting);
    for (size_t kind = 0; kind < 8; ++kind) {
      const bool is_scalar = kind >= 4;
      Bucket& bucket = buckets_[static_cast<size_t>(o)][kind];
      bucket.begin = static_cast<uint32_t>(variants_.size());
      for (const Variant& v : fitting) {
        const Rule& rule = *rules_[v.rule];
        if (rule.types.has({static_cast<uint8_t>(1u << kind % 4)}) && !(is_scalar && rule.skips_scalars))
          variants_.push_back(v);
      }
      bucket.count = static_cast<uint32_t>(variants_.size()) - bucket.begin;
    }
  }
}

void RuleSet::add_variants(uint32_t rule, Op root, std::vector<Variant>& out) {
  const Pattern& p = rules_[rule]->pattern;
  if (p.root().kind == Kind::kOp && p.root().op != root) return;
  uint32_t commutative = 0;
  bool has_any_op = false;
  const auto fits = [&](Op o) {
    for (const PatternNode& n : p.nodes()) {
      if (n.kind != Kind::kAnyOp) continue;
      const ir::OpInfo& info = ir::op_info(o);
      if ((info.flags & n.flags) != n.flags || (n.num_children != 0 && info.max_sources != n.num_children))
        return false;
    }
    return true;
  };
  for (const PatternNode& n : p.nodes()) {
    has_any_op = has_any_op || n.kind == Kind::kAnyOp;
    if (rules_[rule]->commutes && is_commutative_node(n)) ++commutative;
  }
  for (uint32_t swaps = 0; swaps < 1u << commutative; ++swaps) {
    if (!has_any_op || p.root().kind == Kind::kAnyOp) {
      if (fits(root)) out.push_back(make_variant(rule, root, swaps));
      continue;
    }
    for (int o = 0; o < ir::kNumOps; ++o)
      if (fits(static_cast<Op>(o))) out.push_back(make_variant(rule, static_cast<Op>(o), swaps));
  }
}

// Checks in an order in which parents come before children: the nodes of the pattern from the root backwards.
RuleSet::Variant RuleSet::make_variant(uint32_t rule, Op any_op, uint32_t swaps) {
  const std::vector<PatternNode>& nodes = rules_[rule]->pattern.nodes();
  ANNEAL_CHECK(nodes.size() <= kMaxSlots);
  Variant v{
      {kAnySource, kAnySource, kAnySource}, rule, static_cast<uint32_t>(checks_.size()), 0, 0, true, any_op};
  std::array<uint8_t, kMaxSlots> slot{};  // of each pattern node
  uint32_t bound = 0;
  uint8_t next_slot = 1;
  int commutative = 0;
  std::vector<size_t> queue{nodes.size() - 1};
  v.min_sources = nodes.back().num_children;
  for (size_t at = 0; at < queue.size(); ++at) {
    const PatternNode& parent = nodes[queue[at]];
    const bool swap =
        is_commutative_node(parent) && rules_[rule]->commutes && (swaps >> commutative++ & 1) != 0;
    for (uint8_t i = 0; i < parent.num_children; ++i) {
      const size_t child = parent.children[swap ? 1 - i : i];
      const PatternNode& n = nodes[child];
      ANNEAL_CHECK_MSG(n.kind != Kind::kFold, "fold stands in replacements only");
      const Op o = n.kind == Kind::kAnyOp ? any_op : n.op;
      const bool first = (bound >> n.letter & 1) == 0;
      if (n.kind == Kind::kLetter) bound |= 1u << n.letter;
      checks_.push_back({slot[queue[at]], i, n.kind, o, n.letter, first, n.literal});
      ++v.num_checks;
      v.only_binds = v.only_binds && at == 0 && !swap && first && n.kind == Kind::kLetter;
      slot[child] = next_slot++;
      queue.push_back(child);
      if (at != 0 || i >= v.source_masks.size()) continue;
      const bool is_constant =
          n.kind == Kind::kLiteral || (n.kind == Kind::kLetter && n.letter >= kFirstConstLetter);
      if (is_constant) v.source_masks[i] = op_bit(Op::Const);
      if (n.kind == Kind::kOp || n.kind == Kind::kAnyOp) v.source_masks[i] = op_bit(o);
    }
  }
  return v;
}

// -- RuleSet: matching --

bool RuleSet::matches(MatchContext& context, const Variant& v, Node n) const {
  const ir::Graph& g = context.graph;
  const Check* const checks = checks_.data() + v.first_check;
  if (v.only_binds) {
    const std::span<const Node> sources = g.sources(n);
    for (size_t i = 0; i < v.num_checks; ++i) {
      if (checks[i].letter >= kFirstConstLetter && !g.is_const(sources[i])) return false;
      context.wild[checks[i].letter] = sources[i];
    }
    return true;
  }
  std::array<Node, kMaxSlots> slots;
  slots[0] = n;
  for (size_t i = 0; i < v.num_checks; ++i) {
    const Check& c = checks[i];
    const std::span<const Node> sources = g.sources(slots[c.parent]);
    if (c.child >= sources.size()) return false;
    const Node node = slots[i + 1] = sources[c.child];
    switch (c.kind) {
      case Kind::kLetter:
        if (c.letter >= kFirstConstLetter && !g.is_const(node)) return false;
        if (c.first)
          context.wild[c.letter] = node;
        else if (context.wild[c.letter] != node)
          return false;
        break;
      case Kind::kLiteral:
        if (!g.is_const(node) || g.const_value(node) != literal_value(c.literal, g.dtype(node))) return false;
        break;
      default:
        if (g.op(node) != c.op) return false;
    }
  }
  return true;
}

Node RuleSet::apply(MatchContext& context, Node n) const {
  const ir::Graph& g = context.graph;
  const uint8_t type = types_of_node(g, n).mask;
  if (type == 0) return {};
  const size_t kind = static_cast<size_t>(std::countr_zero(type)) + (g.shape_id(n).id == 0 ? 4 : 0);
  const Bucket bucket = buckets_[static_cast<size_t>(g.op(n))][kind];
  if (bucket.count == 0) return {};
  std::array<uint64_t, 3> bits = {kAnySource, kAnySource, kAnySource};
  const std::span<const Node> sources = g.sources(n);
  for (size_t i = 0; i < sources.size() && i < bits.size(); ++i) bits[i] = op_bit(g.op(sources[i]));
  context.root = n;
  for (uint32_t i = bucket.begin; i < bucket.begin + bucket.count; ++i) {
    const Variant& v = variants_[i];
    if ((v.source_masks[0] & bits[0]) == 0 || (v.source_masks[1] & bits[1]) == 0 ||
        (v.source_masks[2] & bits[2]) == 0 || sources.size() < v.min_sources || !matches(context, v, n))
      continue;
    const Rule& rule = *rules_[v.rule];
    context.rule = &rule;
    context.rule_index = v.rule;
    context.origin_carried_ = false;
    if (rule.guard.holds != nullptr && !rule.guard.holds(context)) continue;
    const Node result =
        rule.replacement.function != nullptr ? rule.replacement.function(context) : build(context, rule, v);
    if (result && result != n) return result;
  }
  return {};
}

// The replacement, its nodes in order: children come before parents. A number takes the type of what it
// stands with.
Node RuleSet::build(MatchContext& context, const Rule& rule, const Variant& v) const {
  const ir::Graph& g = context.graph;
  const std::vector<PatternNode>& nodes = rule.replacement.pattern.nodes();
  std::array<Node, kMaxSlots> values{};
  uint32_t folded = 0;  // bit i: node i is part of a fold
  ANNEAL_CHECK(nodes.size() <= kMaxSlots);
  for (size_t i = nodes.size(); i-- > 0;)
    if (nodes[i].kind == Kind::kFold || (folded >> i & 1) != 0)
      for (size_t c = 0; c < nodes[i].num_children; ++c) folded |= 1u << nodes[i].children[c];
  for (size_t i = 0; i < nodes.size(); ++i) {
    const PatternNode& n = nodes[i];
    if (n.kind == Kind::kLetter) values[i] = context.wild[n.letter];
    if (n.kind == Kind::kFold) values[i] = values[n.children[0]];
    if (n.kind != Kind::kOp && n.kind != Kind::kAnyOp) continue;
    std::array<Node, PatternNode::kMaxChildren> sources;
    DType sibling = g.dtype(context.root);
    for (size_t c = n.num_children; c-- > 0;)
      if (values[n.children[c]] && (n.op != Op::Where || c != 0)) sibling = g.dtype(values[n.children[c]]);
    for (size_t c = 0; c < n.num_children; ++c) {
      sources[c] = values[n.children[c]];
      if (!sources[c]) sources[c] = context.number(nodes[n.children[c]].literal, sibling);
    }
    const std::span<const Node> used(sources.data(), n.num_children);
    const Op o = n.kind == Kind::kAnyOp ? v.any_op : n.op;
    const DType result = ir::has_flag(o, ir::kComparison) ? DType::kBool : sibling;
    values[i] = (folded >> i & 1) != 0 ? fold_elementwise(context, o, result, used, ir::NoArg{})
                                       : context.make(o, used);
    if (!values[i]) return {};
  }
  const Node root = values[nodes.size() - 1];
  return root ? root : context.number(nodes.back().literal, g.dtype(context.root));
}

}  // namespace anneal::rewrite
