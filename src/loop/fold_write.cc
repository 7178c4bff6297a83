// SPDX-License-Identifier: MIT
// See fold_splitter.h.
#include <algorithm>

#include "loop/fold_splitter.h"

namespace anneal::loop::splitting {

// -- The phases as kernels --

void Splitter::make_grid() {
  int64_t slots = 0;
  for (Node n : kernel_.order())
    if (graph_.op(n) == Op::Param) slots = std::max(slots, graph_.arg_as<ir::ParamArg>(n).index + 1);
  for (const LocalSlot& s : slots_) {
    int64_t size = rows_of_block_;
    for (Node r : s.ranges) size *= slot_extent(r);
    const ir::Dim shape[] = {ir::Dim(size)};
    out_.locals.push_back(build_.param(slots++, s.dtype, shape));
  }
  RangeSet axes = ir::without(rows_, {block_});
  axes.push_back(block_);  // innermost: neighbouring items share what the blocks share
  for (uint32_t r : axes) {
    const Node range = kernel_.ranges()[r];
    const int64_t chunk = r == block_ ? rows_of_block_ : 1;
    const std::string name = "item:" + std::to_string(graph_.arg_as<ir::RangeArg>(range).id);
    out_.grid.push_back({range, chunk});
    const int64_t last = std::max<int64_t>(0, most(range) - 1) / chunk * chunk;
    out_.item_vars.push_back(build_.var(name, 0, last, chunk));
  }
  // The rows of a block, fewer in the last one where they do not come out even.
  const Node range = kernel_.ranges()[block_], first = out_.item_vars.back();
  const bool even = graph_.is_const(extent(range)) && most(range) % rows_of_block_ == 0;
  const Node whole = build_.index(rows_of_block_);
  const Node rows = even ? whole : build_.make(Op::Min, {whole, build_.sub(extent(range), first)});
  block_index_ = build_.range(graph_.is_const(rows) ? ir::Dim(rows_of_block_) : ir::Dim(rows),
                              graph_.arg_as<ir::RangeArg>(range).id);
}

int64_t Splitter::next_id() const {
  int64_t next = 0;
  for (Node r : kernel_.ranges()) next = std::max(next, graph_.arg_as<ir::RangeArg>(r).id + 1);
  return next;
}

Node Splitter::local_index(const LocalSlot& slot) const {
  Node index = block_index_;
  for (Node r : slot.ranges) {
    if (r == swept_) {
      index = build_.add(build_.mul(index, build_.index(block_columns_)), column_index_);
      continue;
    }
    const Node now{now_.get(r)};
    index = build_.add(build_.mul(index, extent(r)), now ? now : r);
  }
  return index;
}

Node Splitter::rewrite(Node root, const Phase& phase) {
  std::vector<Node> stack = {root}, sources;
  while (!stack.empty()) {
    const Node n = stack.back();
    const bool loads = is_loaded(n, phase), is_leaf = ir::has_flag(graph_.op(n), ir::kLeaf);
    const size_t before = stack.size();
    if (!loads && !is_leaf && now_.get(n) == 0)
      for (Node s : graph_.sources(n))
        if (now_.get(s) == 0) stack.push_back(s);
    if (stack.size() != before) continue;
    stack.pop_back();
    if (now_.get(n) != 0) continue;
    if (loads) {
      const size_t m = place(n, phase) - 1;
      const Node value = build_.load(local(m), local_index(slots_[made_[m].slot]));
      set(n, build_.cast(value, graph_.dtype(n)));
    } else if (is_leaf) {
      set(n, n);
    } else {
      sources.clear();
      const size_t bound = ir::first_bound_source(graph_, n);
      for (size_t i = 0; i < graph_.sources(n).size(); ++i) {
        const Node s = graph_.source(n, i);
        const bool moved = i >= bound && bound_now_.get(s) != 0;
        sources.push_back(Node{moved ? bound_now_.get(s) : now_.get(s)});
      }
      const ir::Arg arg = graph_.arg(n);
      set(n, graph_.intern({graph_.op(n), graph_.dtype(n), graph_.shape_id(n), sources, &arg}));
    }
  }
  return Node{now_.get(root)};
}

// A range of a phase in the place of one of the kernel; it runs over the columns that matter.
Node Splitter::bind(Node range, int64_t id, ir::AxisKind kind) {
  if (range == swept_) {
    column_index_ = build_.range(ir::Dim(size_), id, kind);
    set(range, build_.add(at_, column_index_));
    return column_index_;
  }
  const Columns* columns = columns_of(range);
  const Node made = build_.range(ir::Dim(columns == nullptr ? extent(range) : columns->count), id, kind);
  set(range, columns == nullptr ? made : build_.add(columns->from, made));
  return made;
}

bool Splitter::write(const Phase& phase) {
  now_ = {};
  const auto bind_sums = [&](Node r) {
    bound_now_.set(r, bind(r, graph_.arg_as<ir::RangeArg>(r).id, ir::AxisKind::kReduce).id);
  };
  for (const Columns& c : columns_) bind_sums(c.range);
  if (swept_) bind_sums(swept_);
  for (size_t a = 0; a < out_.grid.size(); ++a) set(out_.grid[a].range, out_.item_vars[a]);
  set(out_.grid.back().range, build_.add(out_.item_vars.back(), block_index_));
  int64_t id = next_id();
  std::vector<Node> statements;
  for (size_t m : phase.made) {
    if (phase.level == Level::kPair)
      for (Node r : pair_ranges(made_[m].node)) bind(r, id++, ir::AxisKind::kLoop);
    const Node value = made_[m].is_gathered ? gather(made_[m], phase) : rewrite(made_[m].node, phase);
    if (made_[m].slot == kNowhere) continue;
    statements.push_back(build_.store(local(m), local_index(slots_[made_[m].slot]), value));
  }
  for (Node s : phase.statements) statements.push_back(rewrite(s, phase));
  out_.phases.push_back(build_.sink(statements));
  const ir::Kernel made(graph_, statements);
  return made.error().empty() || fail("a phase would bind a range twice");
}

}  // namespace anneal::loop::splitting
