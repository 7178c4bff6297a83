// SPDX-License-Identifier: MIT
#include "schedule/value_graph.h"

#include <algorithm>
#include <bit>

#include "ir/builder.h"
#include "ir/dims.h"
#include "ir/side_table.h"
#include "ir/walk.h"
#include "schedule/indexer.h"
#include "schedule/updates.h"

namespace anneal::schedule {

using ir::AxisMask;
using ir::Builder;
using ir::Op;

namespace {

constexpr uint32_t kNoValue = ~0u;
constexpr int64_t kFirstColumn = 32;  // of range ids: those below are rows

bool is_see_through(Op op) {
  return has_flag(op, ir::kMovement) || op == Op::StopGradient || op == Op::Alias ||
         op == Op::CustomGradient || op == Op::Sink;
}

// Made where they are used, always: nothing is saved by storing them.
bool is_free(const ir::Graph& graph, Node n) {
  const Op op = graph.op(n);
  return op == Op::Const || op == Op::Var || op == Op::Iota;
}

ValueKind kind_of(Op op) {
  switch (op) {
    case Op::Param:
    case Op::Buffer: return ValueKind::kLeaf;
    case Op::Reduce:
    case Op::ArgReduce: return ValueKind::kReduce;
    case Op::Scan:
    case Op::ArgSort:
    case Op::Scatter: return ValueKind::kOrdered;
    default: return ValueKind::kMap;
  }
}

AxisMask reduced_axes(const ir::Graph& graph, Node n) {
  if (graph.op(n) == Op::Reduce) return graph.arg_as<ir::ReduceArg>(n).axes;
  return AxisMask{1} << graph.arg_as<ir::ScanArg>(n).axis;
}

// The values and, for each, the expression of one element at the indices of its space.
class Reader {
 public:
  Reader(ir::Graph& graph, const std::vector<Value>& values, const std::vector<uint32_t>& value_of)
      : graph_(graph),
        values_(values),
        value_of_(value_of),
        slots_(values.size()),
        indexer_(graph, [this](Node n) { return slot(n); }) {}

  void read(Value& v) {
    const Builder b{graph_};
    if (v.kind == ValueKind::kContract) v.kind = ValueKind::kReduce;  // until it is found to be one again
    v.product = {};
    v.left = v.right = v.rows = 0;
    v.terms = {};
    v.made_again.clear();
    const bool reduces = v.kind == ValueKind::kReduce;
    const Node over = reduces ? graph_.source(v.node, 0) : v.node;
    const ir::Shape shape = graph_.shape(over);
    v.space.assign(shape.begin(), shape.end());
    at_.clear();
    for (size_t i = 0; i < shape.size(); ++i)
      at_.push_back(shape[i].is(1) ? b.index(0) : b.range(shape[i], static_cast<int64_t>(i)));
    if (reduces) {
      v.reduced = reduced_axes(graph_, v.node);
      Node whole;
      if (!read_factors(v, over)) {
        whole = indexer_.value(over, at_);
        v.rows = all_axes(v.space) & ~v.reduced;
        collect(v, whole);
        if (adds_floats(v)) v.terms[0] = renumbered(v, whole);
      }
      if (has_fold_) read_made_again(v, over);
    } else if (v.kind == ValueKind::kOrdered) {
      for (Node s : graph_.sources(v.node)) read_whole(v, s);
    } else {
      collect(v, indexer_.value(v.node, at_, {}, true));
    }
  }

 private:
  Node slot(Node n) {
    const uint32_t v = value_of_[n.id];
    if (v == kNoValue || values_[v].inlined) return {};
    Node& slot = slots_[v];
    if (!slot) {
      const Dim size[1] = {ir::dim_product(graph_, graph_.shape(n))};
      slot = Builder{graph_}.param(v, graph_.dtype(n), size);
    }
    return slot;
  }

  // Calls visit for all that a node reaches, sources first. A table of marks for each of the many small walks
  // would cost more than they do.
  template <typename Visit>
  void walk(Node root, const Visit& visit) {
    ++walks_;
    std::vector<std::pair<Node, size_t>> stack{{root, 0}};
    seen_.set(root, walks_);
    while (!stack.empty()) {
      auto& [n, next] = stack.back();
      const std::span<const Node> sources = graph_.sources(n);
      if (next == sources.size()) {
        visit(n);
        stack.pop_back();
        continue;
      }
      const Node s = sources[next++];
      if (seen_.get(s) == walks_) continue;
      seen_.set(s, walks_);
      stack.emplace_back(s, 0);
    }
  }

  // The reads of a source at the positions of its own shape: of ops that run as they are.
  void read_whole(Value& v, Node source) {
    const Builder b{graph_};
    std::vector<Node> at;
    const ir::Shape shape = graph_.shape(source);
    for (size_t i = 0; i < shape.size(); ++i)
      at.push_back(shape[i].is(1) ? b.index(0) : b.range(shape[i], static_cast<int64_t>(i)));
    const size_t before = v.reads.size();
    collect(v, indexer_.value(source, at));
    for (size_t i = before; i < v.reads.size(); ++i) v.reads[i].in_step = false;
  }

  // A sum of products is a contraction when both factors miss some axes of the space.
  bool read_factors(Value& v, Node over) {
    if (!adds(v)) return false;
    Node product = over;
    while (is_see_through(graph_.op(product)) || graph_.op(product) == Op::Cast)
      product = graph_.source(product, 0);
    if (graph_.op(product) != Op::Mul) return false;
    // An indexer of its own: elsewhere the product may be read from memory.
    Indexer through(graph_, [&](Node n) { return n == product ? Node{} : slot(n); });
    const Node whole = through.value(over, at_);
    Node factors = whole;
    while (graph_.op(factors) == Op::Cast) factors = graph_.source(factors, 0);
    if (graph_.op(factors) != Op::Mul) return false;
    const AxisMask all = all_axes(v.space);
    const AxisMask reduced = v.reduced & all;
    v.left = axes_in(graph_.source(factors, 0));
    v.right = axes_in(graph_.source(factors, 1));
    const bool shares = (v.left & v.right & reduced) == reduced && reduced != 0;
    if (!shares || (v.left | v.right) != all || v.left == all || v.right == all) return false;
    v.kind = ValueKind::kContract;
    v.product = product;
    collect(v, whole);
    if (adds_floats(v))
      for (size_t side : {0, 1}) v.terms[side] = renumbered(v, graph_.source(factors, side));
    // The rows are those of the factor with sums in it.
    const bool left = has_sum(graph_.source(factors, 0)), right = has_sum(graph_.source(factors, 1));
    v.rows = left == right ? 0 : (left ? v.left : v.right) & ~v.reduced;
    return true;
  }

  bool has_sum(Node n) {
    bool found = false;
    walk(n, [&](Node m) { found = found || graph_.op(m) == Op::Accumulate; });
    return found;
  }

  // Rows are numbered in their order, whatever stands between them, so that equal rows have equal ranges.
  void read_made_again(Value& v, Node over) {
    const Builder b{graph_};
    std::vector<Node> at;
    int64_t row = 0;
    for (size_t i = 0; i < v.space.size(); ++i) {
      const bool is_row = (v.rows >> i & 1) != 0, is_reduced = (v.reduced >> i & 1) != 0;
      if (v.space[i].is(1))
        at.push_back(b.index(0));
      else if (is_reduced)
        at.push_back(indexer_.reduce_range(v.space[i], at));
      else
        at.push_back(b.range(v.space[i], is_row ? row++ : kFirstColumn + static_cast<int64_t>(i)));
    }
    Indexer through(graph_, [&](Node n) { return n == v.product ? Node{} : slot(n); });
    walk(through.value(over, at), [&](Node n) {
      if (graph_.op(n) == Op::Accumulate) v.made_again.push_back(n);
    });
  }

  bool adds(const Value& v) const {
    return graph_.op(v.node) == Op::Reduce && graph_.arg_as<ir::ReduceArg>(v.node).op == ir::ReduceOp::kAdd;
  }
  bool adds_floats(const Value& v) const { return adds(v) && is_float(graph_.dtype(v.node)); }

  // An expression with its axes of the space numbered in order, reduced ones apart; null when it is large.
  Node renumbered(const Value& v, Node expression) {
    constexpr size_t kMostNodes = 64;
    const Builder b{graph_};
    const AxisMask axes = axes_in(expression);
    std::vector<std::pair<Node, Node>> now;
    const auto now_of = [&](Node n) {
      return std::find_if(now.begin(), now.end(), [&](const auto& p) { return p.first == n; })->second;
    };
    std::vector<Node> sources;
    walk(expression, [&](Node n) {
      if (now.size() >= kMostNodes) return;
      sources.clear();
      for (Node s : graph_.sources(n)) sources.push_back(now_of(s));
      Node made = n;
      if (const auto at = std::find(at_.begin(), at_.end(), n);
          at != at_.end() && graph_.op(n) == Op::Range) {
        const auto axis = static_cast<size_t>(at - at_.begin());
        const AxisMask same = (v.reduced >> axis & 1) != 0 ? v.reduced : ~v.reduced;
        const AxisMask before = axes & same & ((AxisMask{1} << axis) - 1);
        made = b.range(v.space[axis], std::popcount(before) + (same == v.reduced ? ir::kMaxRank : 0));
      } else if (!sources.empty() && !std::equal(sources.begin(), sources.end(), graph_.sources(n).begin())) {
        made = graph_.intern({graph_.op(n), graph_.dtype(n), graph_.shape_id(n), sources, &graph_.arg(n)});
      }
      now.emplace_back(n, made);
    });
    return now.size() < kMostNodes ? now_of(expression) : Node{};
  }

  AxisMask axes_in(Node n) {
    AxisMask axes = 0;
    walk(n, [&](Node m) {
      if (graph_.op(m) != Op::Range) return;
      for (size_t i = 0; i < at_.size(); ++i)
        if (m == at_[i]) axes |= AxisMask{1} << i;
    });
    return axes;
  }

  void collect(Value& v, Node expression) {
    std::vector<Node> loads;
    has_fold_ = false;
    walk(expression, [&](Node n) {
      has_fold_ = has_fold_ || graph_.op(n) == Op::Accumulate;
      if (has_flag(graph_.op(n), ir::kElementwise) && is_float(graph_.dtype(n)))
        v.work += op_work(graph_.op(n));
      if (graph_.op(n) == Op::Load) loads.push_back(n);
    });
    for (Node n : loads) {
      Read read;
      read.producer = static_cast<uint32_t>(graph_.arg_as<ir::ParamArg>(graph_.source(n, 0)).index);
      const Node index = graph_.source(n, 1);
      read.axes = axes_in(index);
      std::vector<Node> coordinates;
      std::vector<Dim> extents;
      for (size_t i = 0; i < at_.size(); ++i) {
        if ((read.axes >> i & 1) == 0) continue;
        coordinates.push_back(at_[i]);
        extents.push_back(v.space[i]);
      }
      read.in_step =
          graph_.sources(n).size() == 2 && indexer_.digits().position(coordinates, extents) == index;
      const bool known = std::any_of(v.reads.begin(), v.reads.end(), [&](const Read& r) {
        return r.producer == read.producer && r.axes == read.axes && r.in_step && read.in_step;
      });
      if (!known) v.reads.push_back(read);
    }
  }

  ir::Graph& graph_;
  const std::vector<Value>& values_;
  const std::vector<uint32_t>& value_of_;
  std::vector<Node> slots_;  // by value
  Indexer indexer_;
  std::vector<Node> at_;
  bool has_fold_ = false;         // the expression collected last has sums in it
  ir::SideTable<uint32_t> seen_;  // the number of the last walk that came by
  uint32_t walks_ = 0;
};

double size_of(ir::Graph& graph, std::span<const Dim> dims) {
  double size = 1;
  for (const Dim& d : dims) size *= static_cast<double>(ir::dim_max(graph, d));
  return size;
}

}  // namespace

AxisMask all_axes(std::span<const Dim> space) {
  AxisMask all = 0;
  for (size_t i = 0; i < space.size(); ++i)
    if (!space[i].is(1)) all |= AxisMask{1} << i;
  return all;
}

double op_work(Op op) {
  switch (op) {
    case Op::Cast:
    case Op::Bitcast:
    case Op::Neg: return 0.25;
    case Op::Div:
    case Op::Recip:
    case Op::Sqrt: return 4;
    case Op::Threefry: return 40;
    default: return has_flag(op, ir::kTranscendental) ? 8 : 1;
  }
}

ValueGraph::ValueGraph(ir::Graph& graph, std::span<const Node> roots, std::span<const int32_t> replaced)
    : graph_(graph) {
  of_.assign(graph.id_limit(), kNoValue);
  // Another shape of a value lies in the memory of that value; any other result is a value of its own.
  std::vector<Node> results;
  std::vector<bool> is_result(graph.id_limit(), false);
  for (Node root : roots) {
    while (graph.op(root) == Op::Reshape ||
           (is_see_through(graph.op(root)) && !has_flag(graph.op(root), ir::kMovement)))
      root = graph.source(root, 0);
    results.push_back(root);
    is_result[root.id] = true;
  }
  const std::vector<Node> order = ir::postorder(graph, results);
  const std::vector<bool> updates = update_nodes(graph, order, results, replaced);
  for (Node n : order) {
    if ((is_see_through(graph.op(n)) || is_free(graph, n)) && !is_result[n.id]) continue;
    of_[n.id] = static_cast<uint32_t>(values_.size());
    Value& v = values_.emplace_back();
    v.node = n;
    v.kind = kind_of(graph.op(n));
    v.update = updates[n.id];
  }
  for (Node result : results) {
    roots_.push_back(value_of(result));
    values_[roots_.back()].root = true;
  }
  for (size_t i = 0; i < replaced.size(); ++i)
    if (replaced[i] >= 0) {
      Value& v = values_[roots_[i]];
      v.next = true;
      v.stays = scatters_into(graph, v.node, replaced[i]);
    }
  read_all();
}

void ValueGraph::read_all() {
  Reader reader(graph_, values_, of_);
  for (Value& v : values_) {
    v.users.clear();
    // Read before, and nothing that it reads has been inlined since.
    const bool known = !v.reads.empty() && std::none_of(v.reads.begin(), v.reads.end(), [&](const Read& r) {
      return values_[r.producer].inlined;
    });
    if (known && !v.inlined) continue;
    v.reads.clear();
    v.work = 0;
    v.elements = size_of(graph_, graph_.shape(v.node));
    if (v.kind == ValueKind::kLeaf || v.inlined) continue;
    reader.read(v);
    v.positions = size_of(graph_, v.space);
  }
  // From the end, so that what nobody needs reads nothing.
  for (uint32_t i = static_cast<uint32_t>(values_.size()); i-- > 0;) {
    Value& v = values_[i];
    if (!v.root && v.users.empty()) v.reads.clear();
    for (const Read& r : v.reads) {
      std::vector<uint32_t>& users = values_[r.producer].users;
      if (users.empty() || users.back() != i) users.push_back(i);
    }
  }
  for (Value& v : values_) std::reverse(v.users.begin(), v.users.end());
}

ValueGraph ValueGraph::inlining(const std::vector<bool>& inlined) const {
  ValueGraph copy = *this;
  for (size_t v = 0; v < copy.values_.size(); ++v) copy.values_[v].inlined = inlined[v];
  copy.read_all();
  return copy;
}

}  // namespace anneal::schedule
