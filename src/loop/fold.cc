// SPDX-License-Identifier: MIT
// See fold_splitter.h.
#include <algorithm>

#include "ir/walk.h"
#include "loop/fold_splitter.h"

namespace anneal::loop::splitting {

namespace {
constexpr int64_t kFewRows = 8;      // fewer would go through the columns too often
constexpr int64_t kHalvedRows = 64;  // as many are two blocks, where a mask may rule out columns of one
constexpr const char* kDoesNotFit = "a block of rows does not fit on the chip";
}  // namespace

FoldSplit Splitter::run() {
  if (!kernel_.error().empty() || !find_rows() || !choose_block_range()) return std::move(out_);
  places_.emplace_back();
  choose_made();
  make_phases();
  find_loads();
  give_slots();
  if (!choose_rows()) {
    out_ = {};
    if (!choose_sweeps()) return std::move(out_);
  }
  make_grid();
  find_columns();
  if (swept_) write_starts();
  const size_t before = out_.phases.size();
  for (const Phase& phase : phases_)
    if (!write(phase)) return std::move(out_);
  for (const Sweep& sweep : sweeps_) write_sweep(sweep, before);
  return std::move(out_);
}

bool Splitter::fail(const char* reason) {
  out_ = {};
  out_.reason = reason;
  return false;
}

bool Splitter::is_inner(Node n) const {
  const RangeSet& free = kernel_.free(n);
  return graph_.op(n) == Op::Accumulate &&
         std::any_of(free.begin(), free.end(), [&](uint32_t r) { return is_reduce(r); });
}

// The rows are what the inner accumulates depend on outside of all accumulates.
bool Splitter::find_rows() {
  const size_t count = kernel_.order().size();
  users_.resize(count);
  needs_.assign(count, false);
  sums_.assign(count, false);
  for (Node n : kernel_.order()) {
    const bool inner = is_inner(n), sum = graph_.op(n) == Op::Accumulate;
    for (Node s : graph_.sources(n)) {
      if (graph_.op(n) == Op::Range) break;  // an extent
      std::vector<Node>& users = users_[at(s)];
      if (users.empty() || users.back() != n) users.push_back(n);
      needs_[at(n)] = needs_[at(n)] || needs_[at(s)];
      sums_[at(n)] = sums_[at(n)] || sums_[at(s)];
    }
    if (inner) {
      if (sums_[at(graph_.source(n, 0))]) return fail("an inner sum needs another");
      inner_.push_back(n);
      for (uint32_t r : kernel_.free(n))
        if (!is_reduce(r)) rows_ = ir::united(rows_, {r});
    }
    needs_[at(n)] = needs_[at(n)] || inner;
    sums_[at(n)] = sums_[at(n)] || sum;
  }
  if (inner_.empty()) return fail("no sum lies in the loops of another");
  return check_statements();
}

bool Splitter::check_statements() {
  ir::SideTable<uint8_t> written;
  for (Node s : kernel_.statements()) {
    if (graph_.op(s) != Op::Store) return fail("a statement is no plain store");
    if (!ir::includes(kernel_.free(s), rows_)) return fail("a statement is not of all rows");
    if (written.get(graph_.source(s, 0)) != 0) return fail("two statements write one slot");
    written.set(graph_.source(s, 0), 1);
  }
  for (Node n : kernel_.order())
    if (graph_.op(n) == Op::Load && written.get(graph_.source(n, 0)) != 0)
      return fail("a slot is read and written");
  return true;
}

// Rows that something inside is the same for: a block of them shares it. The longest, of these the last.
bool Splitter::choose_block_range() {
  int64_t longest = 0;
  const std::vector<Node> inside = ir::postorder(graph_, inner_);
  for (uint32_t r : rows_) {
    const bool shares = std::any_of(inside.begin(), inside.end(), [&](Node n) {
      return graph_.op(n) == Op::Load && !ir::contains(kernel_.free(n), r);
    });
    const int64_t length = most(kernel_.ranges()[r]);
    if (!shares || length < longest) continue;
    longest = length;
    block_ = r;
  }
  return longest > 0 || fail("no rows share what they are made of");
}

Level Splitter::level(Node n) const {
  bool pairs = false;
  for (uint32_t r : kernel_.free(n)) {
    if (ir::contains(rows_, r)) continue;
    if (!is_reduce(r)) return Level::kColumn;
    pairs = true;
  }
  return pairs ? Level::kPair : Level::kRow;
}

// -- What is made once for a block --

void Splitter::mark(Node n, Level level) {
  if (places_[0].get(n) != 0) return;
  made_.push_back({n, level, kNowhere, 0, kNowhere, false});
  places_[0].set(n, static_cast<uint32_t>(made_.size()));
}

Node Splitter::top_of(Node n) const {
  for (;;) {
    const std::vector<Node>& users = users_[at(n)];
    if (users.size() != 1) return n;
    const Node user = users[0];
    // A transcendental function goes faster in loops of its own than behind a tile of a contraction.
    if (!ir::has_flag(graph_.op(user), ir::kElementwise) ||
        ir::has_flag(graph_.op(user), ir::kTranscendental) || kernel_.free(user) != kernel_.free(n))
      return n;
    for (Node s : graph_.sources(user))
      if (s != n && sums_[at(s)]) return n;
    n = user;
  }
}

void Splitter::choose_made() {
  for (Node n : inner_) mark(top_of(n), Level::kPair);
  for (Node n : kernel_.order()) {
    if (!needs_[at(n)] || is_inner(n)) continue;
    if (ir::has_flag(graph_.op(n), ir::kTranscendental) && level(n) == Level::kPair &&
        users_[at(n)].size() > 1)
      mark(n, Level::kPair);
    if (graph_.op(n) != Op::Accumulate) continue;
    if (level(n) == Level::kRow) {
      mark(n, Level::kRow);
      continue;
    }
    std::vector<Node> stack = {graph_.source(n, 0)};
    while (!stack.empty()) {
      const Node m = stack.back();
      stack.pop_back();
      if (!needs_[at(m)] || graph_.op(m) == Op::Accumulate) continue;
      if (level(m) == Level::kPair) mark(m, Level::kPair);
      if (level(m) == Level::kColumn)
        for (Node s : graph_.sources(m)) stack.push_back(s);
    }
  }
}

// In an order in which each comes after what it needs; rows share a phase while nothing lies between.
void Splitter::make_phases() {
  const auto phase_of = [&](Level level) -> Phase& {
    if (level != Level::kRow || phases_.empty() || phases_.back().level != level)
      phases_.push_back({level, {}, {}, {}, 0});
    return phases_.back();
  };
  for (Node n : kernel_.order()) {
    if (const uint32_t found = places_[0].get(n); found != 0) {
      FoldValue& made = made_[found - 1];
      phase_of(made.level).made.push_back(found - 1);
      made.phase = made.last_use = phases_.size() - 1;
    }
    if (ir::has_flag(graph_.op(n), ir::kStatement))
      phase_of(kernel_.free(n) == rows_ ? Level::kRow : Level::kColumn).statements.push_back(n);
  }
}

bool Splitter::is_loaded(Node n, const Phase& phase) const {
  const uint32_t found = place(n, phase);
  return found != 0 && std::find(phase.made.begin(), phase.made.end(), found - 1) == phase.made.end();
}

void Splitter::find_loads() {
  for (size_t p = 0; p < phases_.size(); ++p) {
    Phase& phase = phases_[p];
    std::vector<Node> roots = phase.statements;
    for (size_t m : phase.made) roots.push_back(made_[m].node);
    ir::descend(roots, [&](Node n) -> std::span<const Node> {
      if (is_loaded(n, phase)) {
        phase.loads.push_back(place(n, phase) - 1);
        made_[phase.loads.back()].last_use = p;
        return {};
      }
      if (graph_.op(n) == Op::Range) return {};
      return graph_.sources(n);
    });
    std::sort(phase.loads.begin(), phase.loads.end());
  }
}

// -- Local memory --

std::vector<Node> Splitter::pair_ranges(Node n) const {
  std::vector<Node> out;
  for (uint32_t r : kernel_.free(n))
    if (is_reduce(r)) out.push_back(kernel_.ranges()[r]);
  return out;
}

// FoldValue element by element from one that nobody needs afterwards: in its place. Else where one lay that
// has had its last use.
size_t Splitter::slot_for(const FoldValue& made, const Phase& phase, size_t number) {
  const std::vector<Node> ranges = pair_ranges(made.node);
  const DType dtype = graph_.dtype(made.node);
  const auto fits = [&](const LocalSlot& s) { return s.dtype == dtype && s.ranges == ranges; };
  if (made.level == Level::kPair) {
    for (size_t m : phase.loads)
      if (made_[m].slot != kNowhere && made_[m].last_use == number && fits(slots_[made_[m].slot]))
        return made_[m].slot;
    for (size_t s = 0; s < slots_.size(); ++s)
      if (fits(slots_[s]) && made_[slots_[s].occupant].last_use < number) return s;
  }
  slots_.push_back({dtype, ranges, 0, false});
  return slots_.size() - 1;
}

void Splitter::give_slots() {
  for (size_t p = 0; p < phases_.size(); ++p)
    for (size_t m : phases_[p].made) {
      if (made_[m].is_gathered) continue;                                     // has one
      if (made_[m].last_use == p && made_[m].level == Level::kRow) continue;  // needed here alone
      made_[m].slot = slot_for(made_[m], phases_[p], p);
      slots_[made_[m].slot].occupant = m;
    }
}

bool Splitter::compares_with_columns() const {
  return std::any_of(kernel_.order().begin(), kernel_.order().end(), [&](Node n) {
    const RangeSet& free = kernel_.free(n);
    return (graph_.op(n) == Op::Le || graph_.op(n) == Op::Lt) && ir::contains(free, block_) &&
           !ir::includes(rows_, free);
  });
}

// As many rows as fit.
bool Splitter::choose_rows() {
  double bytes = 0;
  for (const LocalSlot& s : slots_) {
    double size = dtype_size(s.dtype);
    for (Node r : s.ranges) size *= static_cast<double>(most(r));
    bytes += size;
  }
  const Node range = kernel_.ranges()[block_];
  const double onchip = static_cast<double>(options_.onchip_bytes);
  const int64_t all = most(range);
  int64_t rows = std::min(all >= kHalvedRows && compares_with_columns() ? (all + 1) / 2 : all, kMostRows);
  if (bytes * static_cast<double>(rows) > onchip) rows = static_cast<int64_t>(onchip / bytes);
  if (rows < std::min(all, kFewRows)) return fail(kDoesNotFit);
  rows_of_block_ = even(rows);
  return true;
}

// A divisor of all where there is one not much smaller: the same number in every block.
int64_t Splitter::even(int64_t rows) {
  const Node range = kernel_.ranges()[block_];
  if (graph_.is_const(extent(range)))
    for (int64_t r = rows; r > rows / 2; --r)
      if (most(range) % r == 0) return r;
  return std::max<int64_t>(1, rows);
}

}  // namespace anneal::loop::splitting

namespace anneal::loop {

FoldSplit split_fold(ir::Graph& graph, std::span<const Node> statements, const FoldOptions& options) {
  return splitting::Splitter(graph, statements, options).run();
}

}  // namespace anneal::loop
