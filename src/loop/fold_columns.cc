// SPDX-License-Identifier: MIT
// See fold_splitter.h.
#include <algorithm>

#include "ir/substitute.h"
#include "loop/finite.h"
#include "loop/fold_splitter.h"
#include "rules/simplify.h"

namespace anneal::loop::splitting {

// -- The columns that a mask leaves --

// Of rows that are the same throughout the block.
Node Splitter::at_item(Node n) const {
  ir::Substitution change;
  for (size_t a = 0; a + 1 < out_.grid.size(); ++a)
    change.nodes.emplace_back(out_.grid[a].range, out_.item_vars[a]);
  const auto made = ir::substitute(graph_, std::span(&n, 1), change);
  return made ? made->front() : Node{};
}

const Columns* Splitter::columns_of(Node range) const {
  for (const Columns& c : columns_)
    if (c.range == range) return &c;
  return nullptr;
}

void Splitter::find_columns() {
  const Node range = out_.grid.back().range, first = out_.item_vars.back();
  const Node behind = build_.make(Op::Min, {build_.add(first, build_.index(rows_of_block_)), extent(range)});
  const RowBlock block{range, first, build_.sub(behind, build_.index(1)), rows_};
  std::vector<Node> columns, probes;
  for (const FoldValue& made : made_)
    for (Node r : pair_ranges(made.node))
      if (std::find(columns.begin(), columns.end(), r) == columns.end()) columns.push_back(r);
  for (Node r : columns)
    if (const auto live = live_range(graph_, kernel_, r, block)) limit(r, *live, probes);
  if (probes.empty()) return;
  const ir::Dim one[] = {ir::Dim(1)};
  const auto params = [&](Node n) { return graph_.arg_as<ir::ParamArg>(n).index; };
  out_.probe = build_.param(params(out_.locals.back()) + 1, f32, one);
  out_.locals.push_back(out_.probe);
  Node sum = probes[0];
  for (size_t i = 1; i < probes.size(); ++i) sum = build_.add(sum, probes[i]);
  const Node statement[] = {build_.store(out_.probe, build_.index(0), sum)};
  out_.phases.push_back(build_.sink(statement));
}

// At least one column is run where there is any: what is wrong with a whole row shows there.
bool Splitter::limit(Node range, const LiveRange& live, std::vector<Node>& probes) {
  const Node zero = build_.index(0), one = build_.index(1), all = extent(range);
  const auto make = [&](Op op, Node a, Node b) { return build_.make(op, {a, b}); };
  Node from = live.from ? at_item(live.from) : zero, to = live.to ? at_item(live.to) : all;
  if (!from || !to) return false;
  from = make(Op::Max, zero, make(Op::Min, from, build_.sub(all, one)));
  to = make(Op::Min, all, make(Op::Max, to, build_.add(from, one)));
  const Node roots[] = {from, build_.sub(to, from)};
  const std::vector<Node> simple = rules::simplify(graph_, roots, {.pass = "fold"});
  from = simple[0];
  const Node count = simple[1];
  if (bounds_(count).min >= most(range)) return false;
  if (!probe(range, live, from, build_.add(from, count), probes)) return false;
  const std::string id = std::to_string(graph_.arg_as<ir::RangeArg>(range).id);
  Columns& columns = columns_.emplace_back(Columns{range, from, count});
  const int64_t least = bounds_(all).min >= 1 ? 1 : 0;
  columns.count = build_.var("count:" + id, least, most(range));
  out_.limits.push_back({columns.count, count, all});
  if (graph_.is_const(from)) return true;
  columns.from = build_.var("from:" + id, 0, std::max<int64_t>(0, most(range) - 1));
  out_.limits.push_back({columns.from, from, zero});
  return true;
}

// One of the probe with this extent that is not among those taken.
Node Splitter::probe_range(Node count, const std::vector<Node>& taken) {
  for (Node r : probe_ranges_)
    if (extent(r) == count && std::find(taken.begin(), taken.end(), r) == taken.end()) return r;
  const int64_t id = next_id() + static_cast<int64_t>(probe_ranges_.size());
  probe_ranges_.push_back(build_.range(ir::Dim(count), id, ir::AxisKind::kReduce));
  return probe_ranges_.back();
}

// Sums that are 0 when nothing outside of [from, to) keeps a zero from being one. False where that would have
// to look at as much as there are pairs.
bool Splitter::probe(Node range, const LiveRange& live, Node from, Node to, std::vector<Node>& probes) {
  const uint32_t at = kernel_.range_position(range);
  const std::optional<std::vector<Met>> met =
      what_zeros_meet(graph_, kernel_, range, out_.grid.back().range, live);
  if (!met) return false;
  std::vector<Node> made;
  for (const auto& [node, harm] : *met) {
    const RangeSet& free = kernel_.free(node);
    const bool moves = ir::contains(free, at);
    if (moves && ir::contains(free, block_)) return false;
    for (const bool before : {true, false}) {
      if (before ? !moves || graph_.is_const(from) : false) continue;
      ir::Substitution change;
      std::vector<Node> ranges;
      const auto run_over = [&](Node r, Node first, Node count) {
        ranges.push_back(probe_range(count, ranges));
        change.nodes.emplace_back(r, build_.add(first, ranges.back()));
      };
      for (uint32_t r : free) {
        const Node old = kernel_.ranges()[r];
        if (r == at)
          before ? run_over(old, build_.index(0), from) : run_over(old, to, build_.sub(extent(old), to));
        else if (r == block_)
          run_over(old, out_.item_vars.back(), graph_.source(block_index_, 0));
        else if (!ir::contains(rows_, r))
          run_over(old, build_.index(0), extent(old));
      }
      const auto term = ir::substitute(graph_, std::span(&harm, 1), change);
      if (!term) return false;
      const Node here = at_item(term->front());
      if (!here) return false;
      made.push_back(ranges.empty() ? here : build_.accumulate(here, ir::ReduceOp::kAdd, ranges));
    }
  }
  probes.insert(probes.end(), made.begin(), made.end());
  return true;
}

}  // namespace anneal::loop::splitting
