// SPDX-License-Identifier: MIT
// Where whole rows do not fit on the chip, columns come in blocks: one sweep over them for all that the rows
// need at once, the next for what needs that. Attention is swept three times: for the maxima of its rows, for
// the sums of their exponentials, and for the result; what is made of pairs is made again by each. No sum
// needs a correction afterwards, so that forward and backward pass are one case. See fold_splitter.h.
#include <algorithm>

#include "ir/eval.h"
#include "loop/fold_splitter.h"

namespace anneal::loop::splitting {

namespace {
constexpr int64_t kFewColumns = 16;  // fewer are not worth a block
}  // namespace

bool Splitter::choose_sweeps() {
  std::vector<Node> pairs;
  for (const FoldValue& m : made_)
    if (m.level == Level::kPair) pairs.push_back(m.node);
  if (!choose_swept()) return false;
  made_.clear();
  slots_.clear();
  phases_.clear();
  places_.clear();
  places_.emplace_back();
  std::vector<uint32_t> stages(kernel_.order().size(), 0);
  if (!find_gathered(stages)) return false;
  const uint32_t last = *std::max_element(stages.begin(), stages.end());
  for (uint32_t s = 1; s <= last; ++s) make_sweep(s, stages, pairs);
  phases_.push_back({Level::kRow, {}, {}, {}, 0});
  for (Node s : kernel_.statements()) {
    if (kernel_.free(s) == rows_)
      phases_.back().statements.insert(phases_.back().statements.begin(), s);
    else
      phases_.push_back({Level::kColumn, {}, {s}, {}, 0});
  }
  std::erase_if(phases_, [](const Phase& p) { return p.made.empty() && p.statements.empty(); });
  find_loads();
  give_slots();
  return choose_block();
}

// The longest of the ranges of columns; all that is made of pairs must have it.
bool Splitter::choose_swept() {
  for (const FoldValue& m : made_)
    for (Node r : pair_ranges(m.node))
      if (!swept_ || most(r) > most(swept_)) swept_ = r;
  if (!swept_) return fail("nothing is made of pairs");
  for (const FoldValue& m : made_)
    if (m.level == Level::kPair && !ir::contains(kernel_.free(m.node), kernel_.range_position(swept_)))
      return fail("a block of rows does not fit on the chip");
  return true;
}

// What is reduced over the columns is gathered from block to block; its stage is the sweep that makes it, the
// first being 1.
bool Splitter::find_gathered(std::vector<uint32_t>& stages) {
  for (Node n : kernel_.order()) {
    uint32_t& stage = stages[at(n)];
    if (graph_.op(n) == Op::Range) continue;
    for (Node s : graph_.sources(n)) stage = std::max(stage, stages[at(s)]);
    if (graph_.op(n) != Op::Accumulate) continue;
    const std::span<const Node> bound = ir::bound_ranges(graph_, n);
    if (std::find(bound.begin(), bound.end(), swept_) == bound.end()) continue;
    const ir::ReduceOp op = graph_.arg_as<ir::ReduceArg>(n).op;
    const RangeSet beside = ir::without(kernel_.free(n), rows_);
    if (!combined(op, {}, {}) ||
        std::any_of(beside.begin(), beside.end(), [&](uint32_t r) { return is_reduce(r); }))
      return fail("a block of rows does not fit on the chip");
    ++stage;
    std::vector<Node> ranges;
    for (uint32_t r : beside) ranges.push_back(kernel_.ranges()[r]);
    const DType t = graph_.dtype(n);
    slots_.push_back({op == ir::ReduceOp::kAdd ? accumulation_dtype(t) : t, ranges, made_.size(), true});
    made_.push_back({n, ranges.empty() ? Level::kRow : Level::kColumn, kNowhere, 0, slots_.size() - 1, true});
    places_[0].set(n, static_cast<uint32_t>(made_.size()));
  }
  return true;
}

// Phases that make what is gathered at this stage, and the pairs that it needs.
void Splitter::make_sweep(uint32_t stage, const std::vector<uint32_t>& stages,
                          const std::vector<Node>& pairs) {
  std::vector<Node> stack;
  ir::SideTable<uint8_t> needed;
  places_.emplace_back();
  const size_t gathered = slots_.size();
  for (size_t m = 0; m < gathered; ++m) {
    places_.back().set(made_[m].node, static_cast<uint32_t>(m + 1));
    if (stages[at(made_[m].node)] == stage) stack.push_back(graph_.source(made_[m].node, 0));
  }
  while (!stack.empty()) {
    const Node n = stack.back();
    stack.pop_back();
    if (needed.get(n) != 0 || places_.back().get(n) != 0) continue;
    needed.set(n, 1);
    if (graph_.op(n) != Op::Range)
      for (Node s : graph_.sources(n)) stack.push_back(s);
  }
  const size_t first = phases_.size();
  const auto add = [&](size_t m) {
    const Level level = made_[m].level;
    if (level != Level::kRow || phases_.size() == first || phases_.back().level != level)
      phases_.push_back({level, {}, {}, {}, places_.size() - 1});
    phases_.back().made.push_back(m);
    made_[m].phase = made_[m].last_use = phases_.size() - 1;
  };
  for (Node n : kernel_.order()) {
    if (const uint32_t found = places_[0].get(n); found != 0) {
      if (stages[at(n)] == stage) add(found - 1);
    } else if (needed.get(n) != 0 && std::find(pairs.begin(), pairs.end(), n) != pairs.end()) {
      made_.push_back({n, Level::kPair, kNowhere, 0, kNowhere, false});
      places_.back().set(n, static_cast<uint32_t>(made_.size()));
      add(made_.size() - 1);
    }
  }
  sweeps_.push_back({first, phases_.size(), {}, {}, {}, {}});
}

// Many rows first: what all rows share is gone through once for each block of them.
bool Splitter::choose_block() {
  double of_row = 0, of_pair = 0;
  for (const LocalSlot& s : slots_) {
    double size = dtype_size(s.dtype);
    for (Node r : s.ranges) size *= r == swept_ ? 1 : static_cast<double>(most(r));
    (s.is_gathered ? of_row : of_pair) += size;
  }
  const double onchip = static_cast<double>(options_.onchip_bytes);
  const int64_t columns = std::max<int64_t>(1, most(swept_));
  for (int64_t rows = std::min(most(kernel_.ranges()[block_]), kMostRows); rows > 0; rows /= 2) {
    const double fit = (onchip / static_cast<double>(rows) - of_row) / of_pair;
    if (fit < static_cast<double>(std::min(columns, kFewColumns))) continue;
    block_columns_ = fit < static_cast<double>(columns) ? static_cast<int64_t>(fit) : columns;
    if (block_columns_ < columns && block_columns_ > kFewColumns)
      block_columns_ -= block_columns_ % kFewColumns;
    rows_of_block_ = even(rows);
    return true;
  }
  return fail("a block of rows does not fit on the chip");
}

// -- As kernels --

// Null where blocks cannot be joined, whatever the values.
Node Splitter::combined(ir::ReduceOp op, Node a, Node b) const {
  const auto make = [&](Op join) { return a ? build_.make(join, {a, b}) : swept_; };
  switch (op) {
    case ir::ReduceOp::kAdd: return make(Op::Add);
    case ir::ReduceOp::kMul: return make(Op::Mul);
    case ir::ReduceOp::kMax: return make(Op::Max);
    case ir::ReduceOp::kMin: return make(Op::Min);
    default: return {};
  }
}

Node Splitter::gather(const FoldValue& made, const Phase& phase) {
  const ir::ReduceOp op = graph_.arg_as<ir::ReduceArg>(made.node).op;
  const LocalSlot& slot = slots_[made.slot];
  const Node body = rewrite(graph_.source(made.node, 0), phase);
  std::vector<Node> ranges;
  for (Node r : ir::bound_ranges(graph_, made.node))
    ranges.push_back(Node{bound_now_.get(r) != 0 ? bound_now_.get(r) : rewrite(r, phase).id});
  const Node here = build_.accumulate(build_.cast(body, slot.dtype), op, ranges);
  return combined(op, build_.load(out_.locals[made.slot], local_index(slot)), here);
}

// What is gathered of no columns, and the variables of a block.
void Splitter::write_starts() {
  const std::string id = std::to_string(graph_.arg_as<ir::RangeArg>(swept_).id);
  at_ = build_.var("at:" + id, 0, std::max<int64_t>(0, most(swept_) - 1));
  size_ = build_.var("size:" + id, 1, block_columns_);
  now_ = {};
  std::vector<Node> statements;
  for (size_t s = 0; s < slots_.size(); ++s) {
    if (!slots_[s].is_gathered) continue;
    const ir::ReduceOp op = graph_.arg_as<ir::ReduceArg>(made_[slots_[s].occupant].node).op;
    const Node start = build_.constant(ir::fold_identity(op, slots_[s].dtype), slots_[s].dtype);
    statements.push_back(build_.store(out_.locals[s], local_index(slots_[s]), start));
  }
  out_.phases.push_back(build_.sink(statements));
}

void Splitter::write_sweep(Sweep sweep, size_t before) {
  const Columns* columns = columns_of(swept_);
  sweep.first += before;
  sweep.last += before;
  sweep.from = columns != nullptr ? columns->from : build_.index(0);
  sweep.count = columns != nullptr ? columns->count : extent(swept_);
  sweep.at = at_;
  sweep.size = size_;
  sweep.block = block_columns_;
  out_.sweeps.push_back(sweep);
}

}  // namespace anneal::loop::splitting
