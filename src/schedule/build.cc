// SPDX-License-Identifier: MIT
#include "schedule/build.h"

#include <algorithm>

#include "ir/builder.h"
#include "ir/dims.h"
#include "ir/walk.h"
#include "loop/fold.h"
#include "rules/simplify.h"
#include "schedule/cost.h"
#include "schedule/fit.h"
#include "schedule/indexer.h"
#include "support/check.h"

namespace anneal::schedule {

using ir::AxisMask;
using ir::Builder;
using ir::Op;

namespace {

class KernelBuilder {
 public:
  KernelBuilder(const ValueGraph& values, const Scopes& scopes, uint32_t group, const device::Caps& caps)
      : values_(values),
        caps_(caps),
        graph_(values.graph()),
        build_{graph_},
        scopes_(scopes),
        id_(static_cast<int32_t>(group)),
        group_(scopes.groups[group]),
        indexer_(graph_, [this](Node n) { return input(n); }) {}

  Built run() {
    kernel_.kind = group_.kind;
    kernel_.members = group_.members;
    if (group_.kind == GroupKind::kOrdered)
      ordered(group_.members[0]);
    else if (group_.kind == GroupKind::kFold)
      fold();
    else
      in_step();
    const Node sink = build_.sink(statements_);
    kernel_.sink = rules::simplify(graph_, sink, {.pass = "kernel"});
    return {std::move(kernel_), check()};
  }

 private:
  // The slot of a value that is read from memory here; null for what this kernel computes.
  Node input(Node n) {
    const uint32_t v = values_.value_of(n);
    if (v == ~0u || values_[v].inlined) return {};
    if (scopes_.group_of[v] == id_) return {};
    for (uint32_t m : group_.members)
      if (values_[m].product == n) return {};
    return slot(v, false);
  }

  Node slot(uint32_t v, bool written) {
    const auto found = std::find_if(kernel_.slots.begin(), kernel_.slots.end(),
                                    [&](const Slot& s) { return s.value == v && s.written == written; });
    const auto number = found - kernel_.slots.begin();
    if (found == kernel_.slots.end()) kernel_.slots.push_back({v, written});
    const Node n = values_[v].node;
    const Dim size[1] = {ir::dim_product(graph_, graph_.shape(n))};
    return build_.param(number, graph_.dtype(n), size);
  }

  std::vector<Node> loops(std::span<const Dim> space, int64_t first_id = 0) {
    std::vector<Node> at;
    for (size_t i = 0; i < space.size(); ++i)
      at.push_back(space[i].is(1) ? build_.index(0)
                                  : build_.range(space[i], first_id + static_cast<int64_t>(i)));
    return at;
  }

  // Of a sum beside a contraction, which has ranges of its own.
  std::vector<Node> loops_beside(std::span<const Dim> space) {
    std::vector<Node> at;
    for (const Dim& d : space)
      at.push_back(d.is(1) ? build_.index(0) : build_.range(d, ir::kMaxRank + ranges_beside_++));
    return at;
  }

  // A loop without values must not lose its range to simplification, so it is not made.
  static bool is_empty(ir::Shape shape) {
    return std::any_of(shape.begin(), shape.end(), [](const Dim& d) { return d.is(0); });
  }

  // -- Values at the positions of the group's space --

  void in_step() {
    const std::vector<Node> at = loops(group_.space);
    std::vector<Dim> row_space;
    std::vector<Node> row_at;
    for (size_t i = 0; i < at.size(); ++i) {
      if ((group_.reduced >> i & 1) != 0) continue;
      row_space.push_back(group_.space[i]);
      row_at.push_back(at[i]);
    }
    struct Made {
      uint32_t v;
      Node position, value;
    };
    std::vector<Made> made;
    for (uint32_t v : group_.members) {
      const Node n = values_[v].node;
      if (!scopes_.stored[v] || is_empty(graph_.shape(n))) continue;
      const Level level = level_of(values_, group_, v);
      std::vector<Node> there;
      if (level == Level::kBeside)
        there = loops_beside(graph_.shape(n));
      else if (group_.kind == GroupKind::kRow && level == Level::kRow)
        there = indexer_.digits().regroup(row_at, row_space, graph_.shape(n));
      else
        there = indexer_.digits().regroup(at, group_.space, graph_.shape(n));
      made.push_back(
          {v, indexer_.digits().position(there, graph_.shape(n)), indexer_.value(n, there, {}, true)});
    }
    for (const Made& m : made) statements_.push_back(build_.store(slot(m.v, true), m.position, m.value));
  }

  // -- Values of rows that make their pairs again --

  void fold() {
    const std::vector<Node> rows = loops(group_.space);
    std::vector<std::vector<Node>> places;  // of the members
    for (uint32_t v : group_.members) {
      const Value& value = values_[v];
      const ir::Shape shape = graph_.shape(value.node);
      places.push_back(value.folds() ? fold_place(value, rows) : place_behind(value, places));
      if (!scopes_.stored[v] || is_empty(shape)) continue;
      const Node made = indexer_.value(value.node, places.back(), {}, true);
      statements_.push_back(
          build_.store(slot(v, true), indexer_.digits().position(places.back(), shape), made));
    }
  }

  // Rows in the order of the kernel's, and columns.
  std::vector<Node> fold_place(const Value& value, const std::vector<Node>& rows) {
    const ir::Shape shape = graph_.shape(value.node);
    std::vector<Node> at, taken;
    size_t row = 0;
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i].is(1))
        at.push_back(build_.index(0));
      else if ((value.rows >> i & 1) != 0)
        at.push_back(rows[row++]);
      else
        at.push_back(column(shape[i], taken));
    }
    return at;
  }

  // Of a value behind a fold: where it reads one in step.
  std::vector<Node> place_behind(const Value& value, const std::vector<std::vector<Node>>& places) {
    for (const Read& r : value.reads) {
      const auto at = std::find(group_.members.begin(), group_.members.end(), r.producer);
      if (at == group_.members.end() || !r.in_step) continue;
      const Node from = values_[r.producer].node;
      const Dim size = ir::dim_product(graph_, graph_.shape(from));
      if (ir::dim_equal(graph_, size, ir::dim_product(graph_, value.space)) != ir::Tri::kTrue) continue;
      const auto number = static_cast<size_t>(at - group_.members.begin());
      return indexer_.digits().regroup(places[number], graph_.shape(from), graph_.shape(value.node));
    }
    ANNEAL_UNREACHABLE("a value behind a fold reads none");
  }

  // The first range behind the rows that has this extent and is not among those taken.
  Node column(Dim extent, std::vector<Node>& taken) {
    for (int64_t id = static_cast<int64_t>(group_.space.size());; ++id) {
      const auto k = static_cast<size_t>(id) - group_.space.size();
      if (k == columns_.size()) columns_.push_back(build_.range(extent, id));
      const Node range = columns_[k];
      if (graph_.source(range, 0) != indexer_.digits().number(extent) ||
          std::find(taken.begin(), taken.end(), range) != taken.end())
        continue;
      taken.push_back(range);
      return range;
    }
  }

  // -- Scan, argsort, scatter --

  void ordered(uint32_t v) {
    const Node n = values_[v].node, source = graph_.source(n, 0);
    const ir::Shape shape = graph_.shape(n);
    if (is_empty(shape)) return;
    const std::vector<Node> at = loops(shape);
    const Node position = indexer_.digits().position(at, shape);
    const Node value = indexer_.value(source, at);
    if (const auto* scan = std::get_if<ir::ScanArg>(&graph_.arg(n))) {
      const Node along = at[static_cast<size_t>(scan->axis)];
      const Node out = slot(v, true);
      statements_.push_back(graph_.op(along) != Op::Range
                                ? build_.store(out, position, value)
                                : build_.scan_store(out, position, value, along, scan->op, scan->reverse));
    } else if (const auto* sort = std::get_if<ir::SortArg>(&graph_.arg(n))) {
      const Node along = at[static_cast<size_t>(sort->axis)];
      const Node out = slot(v, true);
      statements_.push_back(graph_.op(along) != Op::Range
                                ? build_.store(out, position, build_.constant_int(0, DType::kI32))
                                : build_.sort_store(out, position, value, along, sort->descending));
    } else {
      scatter(v, position, value);
    }
  }

  // Elements with one destination differ in their position along the axis alone.
  void scatter(uint32_t v, Node position, Node base) {
    const Node n = values_[v].node, places = graph_.source(n, 1), update = graph_.source(n, 2);
    const auto& arg = graph_.arg_as<ir::ScatterArg>(n);
    const auto axis = static_cast<size_t>(arg.axis);
    const ir::Shape from = graph_.shape(update), to = graph_.shape(n);
    const Node out = slot(v, true);
    statements_.push_back(build_.store(out, position, base));
    if (is_empty(from)) return;
    // Along the other axes the two go in step, so that items can share them out.
    std::vector<Node> each = loops(from, ir::kMaxRank);
    const std::vector<Node> at = loops(to);
    for (size_t i = 0; i < each.size(); ++i)
      if (i != axis && from[i] == to[i]) each[i] = at[i];
    const Node place = build_.cast(indexer_.value(places, each), DType::kIndex);
    const Node value = indexer_.value(update, each);
    std::vector<Node> there = each;
    there[axis] = place;
    const Node inside = build_.make(
        Op::And, {build_.le(build_.index(0), place), build_.lt(place, indexer_.digits().number(to[axis]))});
    std::vector<Node> along;
    if (graph_.op(each[axis]) == Op::Range) along.push_back(each[axis]);
    statements_.push_back(
        build_.scatter_store(out, indexer_.digits().position(there, to), value, inside, along, arg.mode));
  }

  // -- Soundness --

  // An accumulate may depend on the rows' indices alone; a contraction's depends on all of its result's. What
  // makes pairs again must come apart into phases.
  std::string check() const {
    if (group_.kind == GroupKind::kFold) {
      if (kernel_.sink && graph_.sources(kernel_.sink).empty()) return {};
      return loop::split_fold(graph_, graph_.sources(kernel_.sink), {.onchip_bytes = caps_.onchip_bytes})
          .reason;
    }
    if (group_.kind != GroupKind::kRow) return {};
    const Node roots[] = {kernel_.sink};
    std::vector<Node> columns;
    for (size_t i = 0; i < group_.space.size(); ++i)
      if ((group_.reduced >> i & 1) != 0 && !group_.space[i].is(1))
        columns.push_back(build_.range(group_.space[i], static_cast<int64_t>(i)));
    ir::SideTable<uint8_t> varies;
    for (Node n : ir::postorder(graph_, roots)) {
      if (graph_.op(n) == Op::Range) {
        varies[n] = std::find(columns.begin(), columns.end(), n) != columns.end();
        continue;
      }
      const std::span<const Node> sources = graph_.sources(n);
      varies[n] = std::any_of(sources.begin(), sources.end(), [&](Node s) { return varies.get(s) != 0; });
      if (graph_.op(n) == Op::Accumulate && varies.get(n) != 0)
        return "a reduction would run anew for every element";
    }
    return {};
  }

  const ValueGraph& values_;
  const device::Caps& caps_;
  ir::Graph& graph_;
  const Builder build_;
  const Scopes& scopes_;
  const int32_t id_;
  const Group& group_;
  Indexer indexer_;
  Kernel kernel_;
  std::vector<Node> statements_;
  int64_t ranges_beside_ = 0;
  std::vector<Node> columns_;  // ranges of a fold that are not its rows
};

// "h.3.attn", and the API calls whose nodes are here, in the order of the program.
void describe(const ValueGraph& values, const Group& group, Kernel& kernel) {
  const ir::Graph& graph = values.graph();
  uint32_t main = group.members.back();
  for (uint32_t v : group.members)
    if (values[v].kind != ValueKind::kMap && values[main].kind != ValueKind::kContract) main = v;
  for (uint32_t v : group.members) {
    const ir::Origin& origin = graph.origin(values[v].node);
    kernel.forward = kernel.forward || origin.phase == ir::Phase::kForward;
    kernel.backward = kernel.backward || origin.phase == ir::Phase::kBackward;
    kernel.optimizer = kernel.optimizer || origin.phase == ir::Phase::kOptimizer || values[v].update;
    std::string op = graph.site(origin.site).call;
    if (op.empty()) op = op_text(graph.op(values[v].node));
    if (std::find(kernel.ops.begin(), kernel.ops.end(), op) == kernel.ops.end()) kernel.ops.push_back(op);
  }
  kernel.name = graph.module_path(graph.origin(values[main].node).path);
  kernel.name += kernel.name.empty() ? "" : ": ";
  for (size_t i = 0; i < kernel.ops.size(); ++i) kernel.name += (i == 0 ? "" : "+") + kernel.ops[i];
}

}  // namespace

Built build_kernel(const ValueGraph& values, const Scopes& scopes, uint32_t group, const device::Caps& caps) {
  Built built = KernelBuilder(values, scopes, group, caps).run();
  describe(values, scopes.groups[group], built.kernel);
  built.kernel.cost = group_cost(values, scopes.groups[group], caps);
  return built;
}

}  // namespace anneal::schedule
