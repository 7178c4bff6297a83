// SPDX-License-Identifier: MIT
#include "ir/kernel.h"

#include <algorithm>
#include <iterator>

#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"

namespace anneal::ir {

size_t first_bound_source(const Graph& graph, Node n) {
  switch (graph.op(n)) {
    case Op::Accumulate: return 1;
    case Op::ScanStore:
    case Op::SortStore: return 3;
    case Op::ScatterStore: return 4;
    default: return graph.sources(n).size();
  }
}

std::vector<Node> variables_of(const Graph& graph, Node kernel) {
  std::vector<Node> vars;
  for (const Node n : postorder(graph, std::span(&kernel, 1), true))
    if (graph.op(n) == Op::Var) vars.push_back(n);
  std::sort(vars.begin(), vars.end(),
            [&](Node a, Node b) { return graph.arg_as<VarArg>(a).name < graph.arg_as<VarArg>(b).name; });
  return vars;
}

RangeSet united(const RangeSet& a, const RangeSet& b) {
  RangeSet out;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}
RangeSet without(const RangeSet& a, const RangeSet& b) {
  RangeSet out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}
bool includes(const RangeSet& a, const RangeSet& b) {
  return std::includes(a.begin(), a.end(), b.begin(), b.end());
}
bool contains(const RangeSet& a, uint32_t range) { return std::binary_search(a.begin(), a.end(), range); }

Kernel::Kernel(const Graph& graph, std::span<const Node> roots) : graph_(graph) {
  for (Node root : roots) {
    if (graph.op(root) != Op::Sink) {
      statements_.push_back(root);
      continue;
    }
    const std::span<const Node> sources = graph.sources(root);
    statements_.insert(statements_.end(), sources.begin(), sources.end());
  }
  order_ = postorder(graph, statements_);
  for (size_t i = 0; i < order_.size(); ++i) {
    place_.set(order_[i], static_cast<uint32_t>(i) + 1);
    if (graph.op(order_[i]) == Op::Range) ranges_.push_back(order_[i]);
  }
  std::sort(ranges_.begin(), ranges_.end(), [&](Node a, Node b) {
    const int64_t id_a = graph.arg_as<RangeArg>(a).id, id_b = graph.arg_as<RangeArg>(b).id;
    return id_a != id_b ? id_a < id_b : graph.key(a) < graph.key(b);
  });
  for (size_t i = 0; i < ranges_.size(); ++i) position_.set(ranges_[i], static_cast<uint32_t>(i) + 1);
  find_free(graph);
  check(graph);
}

RangeSet Kernel::bound(Node n) const {
  RangeSet out;
  for (Node r : bound_ranges(graph_, n)) out.push_back(range_position(r));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void Kernel::find_free(const Graph& graph) {
  free_.resize(order_.size());
  for (size_t i = 0; i < order_.size(); ++i) {
    const Node n = order_[i];
    if (graph.op(n) == Op::Range) {
      free_[i] = {range_position(n)};
      continue;
    }
    const size_t first_bound = first_bound_source(graph, n);
    for (size_t k = 0; k < first_bound; ++k) {
      const RangeSet& more = free(graph.source(n, k));
      if (!includes(free_[i], more)) free_[i] = united(free_[i], more);
    }
    if (first_bound < graph.sources(n).size()) free_[i] = without(free_[i], bound(n));
  }
}

void Kernel::check(const Graph& graph) {
  const auto report = [&](Node n, const std::string& what) {
    if (error_.empty())
      error_ = std::string(op_text(graph.op(n))) + " " + what + "\n  " + node_text(graph, n);
  };
  const auto id_of = [&](Node r) { return graph.arg_as<RangeArg>(r).id; };
  for (size_t i = 1; i < ranges_.size(); ++i)
    if (id_of(ranges_[i]) == id_of(ranges_[i - 1]))
      report(ranges_[i], "has the id of another range of the kernel");
  std::vector<Node> extents;
  for (Node r : ranges_) extents.push_back(graph.source(r, 0));
  for (Node e : postorder(graph, extents))
    if (!legal_in_extent(graph, e))
      report(e, "is part of the extent of a range, which depends on variables alone");
  for (Node n : order_)
    if (const std::span<const Node> bound_here = bound_ranges(graph, n); bound(n).size() != bound_here.size())
      report(n, "binds a range twice");
  for (Node s : statements_)
    for (uint32_t r : free(s))
      if (graph.arg_as<RangeArg>(ranges_[r]).kind == AxisKind::kReduce)
        report(s, "reaches range " + std::to_string(id_of(ranges_[r])) +
                      ", of kind reduce, which no accumulate in between binds");
}

}  // namespace anneal::ir
