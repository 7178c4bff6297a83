// SPDX-License-Identifier: MIT
#include "loop/simplify_statements.h"

#include <algorithm>

#include "anneal/error.h"
#include "ir/bounds.h"
#include "ir/builder.h"
#include "ir/kernel.h"
#include "ir/substitute.h"
#include "rules/simplify.h"

namespace anneal::loop {

using ir::Node;
using ir::Op;
using ir::RangeSet;

namespace {

// Rules take it that a loop index has a value: an address may lose a range that has one at most, and is then
// reached also where there is none. Keeps what depended on it in its place.
class Simplifier {
 public:
  Simplifier(ir::Graph& graph, std::span<const Node> statements)
      : graph_(graph), b_{graph}, before_(graph, statements), bounds_(graph) {}
  std::vector<Node> run();

 private:
  // The ranges that `from` has in the kernel as it was given, that `to` has not, and that may have no values.
  std::vector<Node> lost(Node from, Node to, const ir::Kernel& after);
  Node with_condition(Node load);
  std::vector<Node> without_shadows(const std::vector<Node>& statements);

  ir::Graph& graph_;
  const ir::Builder b_;
  const ir::Kernel before_;
  ir::BoundsOf bounds_;
  std::vector<std::pair<Node, Node>> conditions_;  // of loads: an extent that must not be 0
};

std::vector<Node> Simplifier::lost(Node from, Node to, const ir::Kernel& after) {
  std::vector<Node> out;
  for (uint32_t r : before_.free(from)) {
    const Node range = before_.ranges()[r];
    const bool is_kept = after.has(range) && ir::contains(after.free(to), after.range_position(range));
    if (!is_kept && bounds_(graph_.source(range, 0)).min < 1) out.push_back(range);
  }
  return out;
}

Node Simplifier::with_condition(Node load) {
  Node valid;
  for (const auto& [of, extent] : conditions_) {
    if (of != load) continue;
    const Node has_values = b_.lt(b_.index(0), extent);
    valid = valid ? b_.make(Op::And, {valid, has_values}) : has_values;
  }
  return valid;
}

std::vector<Node> Simplifier::run() {
  if (!before_.error().empty()) raise(ErrorCode::kVerify, "lower: " + before_.error());
  const size_t count = before_.statements().size();
  std::vector<Node> roots(before_.statements().begin(), before_.statements().end());
  for (Node n : before_.order())
    if (graph_.op(n) == Op::Load) roots.push_back(n);
  const std::vector<Node> simple = rules::simplify(graph_, roots, {.floats = {}, .pass = "lower"});
  const ir::Kernel after(graph_, std::span(simple).first(count));
  for (size_t i = count; i < roots.size(); ++i)
    if (graph_.op(simple[i]) == Op::Load && after.has(simple[i]))
      for (Node range : lost(roots[i], simple[i], after))
        conditions_.emplace_back(simple[i], graph_.source(range, 0));

  // Loads get conditions; statements reach what they have lost as 0 times the range, in their address.
  ir::SideTable<uint32_t> now;
  std::vector<Node> parts, out;
  for (Node n : after.order()) {
    parts.assign(graph_.sources(n).begin(), graph_.sources(n).end());
    if (!ir::has_flag(graph_.op(n), ir::kLeaf))
      for (Node& part : parts) part = Node{now.get(part)};
    if (const Node valid = graph_.op(n) == Op::Load ? with_condition(n) : Node{}) {
      if (parts.size() == 3)
        parts[2] = b_.make(Op::And, {parts[2], valid});
      else
        parts.push_back(valid);
    }
    const bool is_same =
        std::equal(parts.begin(), parts.end(), graph_.sources(n).begin(), graph_.sources(n).end());
    const ir::Arg arg = graph_.arg(n);
    now.set(n, is_same ? n.id : b_.make(graph_.op(n), parts, arg, graph_.dtype(n), graph_.shape_id(n)).id);
  }
  for (size_t i = 0; i < count; ++i) {
    const Node s{now.get(simple[i])};
    parts.assign(graph_.sources(s).begin(), graph_.sources(s).end());
    for (Node range : lost(roots[i], simple[i], after))
      parts[1] = b_.add(parts[1], b_.make(Op::Mul, {range, b_.index(0)}));
    const ir::Arg arg = graph_.arg(s);
    out.push_back(b_.make(graph_.op(s), parts, arg));
  }
  return without_shadows(out);
}

// Gives new ranges to accumulates inside the loops of others that bind the same ones.
std::vector<Node> Simplifier::without_shadows(const std::vector<Node>& statements) {
  const ir::Kernel kernel(graph_, statements);
  std::vector<RangeSet> around(kernel.order().size());  // what accumulates above bind
  for (size_t i = kernel.order().size(); i-- > 0;) {
    const Node n = kernel.order()[i];
    const RangeSet below =
        graph_.op(n) == Op::Accumulate ? ir::united(around[i], kernel.bound(n)) : around[i];
    if (ir::has_flag(graph_.op(n), ir::kLeaf)) continue;
    for (Node s : graph_.sources(n)) {
      RangeSet& of_source = around[kernel.position(s)];
      if (!ir::includes(of_source, below)) of_source = ir::united(of_source, below);
    }
  }
  int64_t next_id = 0;
  for (Node r : kernel.ranges()) next_id = std::max(next_id, graph_.arg_as<ir::RangeArg>(r).id + 1);
  ir::Substitution change;
  for (Node n : kernel.order()) {
    if (graph_.op(n) != Op::Accumulate) continue;
    const auto is_reduce = [&](uint32_t r) {
      return graph_.arg_as<ir::RangeArg>(kernel.ranges()[r]).kind == ir::AxisKind::kReduce;
    };
    const RangeSet& free = kernel.free(n);
    const RangeSet bound = kernel.bound(n), &outer = around[kernel.position(n)];
    // One that needs no range of an accumulate is made outside of them all.
    if (std::none_of(free.begin(), free.end(), is_reduce) || ir::without(bound, outer) == bound) continue;
    ir::Substitution own = change;
    for (Node r : ir::bound_ranges(graph_, n))
      own.nodes.emplace_back(r, b_.range(ir::Dim(graph_.source(r, 0)), next_id++, ir::AxisKind::kReduce));
    change.nodes.emplace_back(n, (*ir::substitute(graph_, std::span(&n, 1), own))[0]);
  }
  if (change.nodes.empty()) return statements;
  return *ir::substitute(graph_, statements, change);
}

}  // namespace

std::vector<Node> simplify_statements(ir::Graph& graph, std::span<const Node> statements) {
  return Simplifier(graph, statements).run();
}

}  // namespace anneal::loop
