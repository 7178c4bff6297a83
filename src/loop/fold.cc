// SPDX-License-Identifier: MIT
#include "loop/fold.h"

#include <algorithm>

#include "ir/bounds.h"
#include "ir/builder.h"
#include "ir/kernel.h"
#include "ir/substitute.h"
#include "ir/walk.h"
#include "loop/finite.h"
#include "rules/simplify.h"

namespace anneal::loop {

using ir::Op;
using ir::RangeSet;

namespace {

constexpr size_t kNowhere = SIZE_MAX;
constexpr int64_t kMostRows = 64;    // of a block: what its rows share is packed often enough then
constexpr int64_t kFewRows = 8;      // fewer would go through the columns too often
constexpr int64_t kHalvedRows = 64;  // as many are two blocks, where a mask may rule out columns of one

enum class Level : uint8_t {
  kRow,     // one value a row, or fewer
  kPair,    // one for each row and each value of ranges that accumulates bind
  kColumn,  // depends on loop ranges that are not of the rows
};

// A value that a phase makes and later ones load.
struct FoldValue {
  Node node;
  Level level = Level::kRow;
  size_t phase = kNowhere, last_use = 0;
  size_t slot = kNowhere;  // in slots_
};

struct Phase {
  Level level;
  std::vector<size_t> made;      // those that it makes
  std::vector<Node> statements;  // of the kernel
  std::vector<size_t> loads;     // made by others
};

// Columns that the phases run over: `count` of them from `from`.
struct Columns {
  Node range, from, count;
};

// A local slot, of one row.
struct LocalSlot {
  DType dtype;
  std::vector<Node> ranges;  // the pairs of one row, row-major; none for one value a row
  size_t occupant;           // its last one
};

class Splitter {
 public:
  Splitter(ir::Graph& graph, std::span<const Node> statements, const FoldOptions& options)
      : graph_(graph), build_{graph}, kernel_(graph, statements), options_(options), bounds_(graph) {}

  FoldSplit run() {
    if (!kernel_.error().empty() || !find_rows() || !choose_block_range()) return std::move(out_);
    choose_made();
    make_phases();
    find_loads();
    give_slots();
    if (!choose_rows()) return std::move(out_);
    make_grid();
    find_columns();
    for (const Phase& phase : phases_)
      if (!write(phase)) return std::move(out_);
    return std::move(out_);
  }

 private:
  bool fail(const char* reason) {
    out_ = {};
    out_.reason = reason;
    return false;
  }
  bool is_reduce(uint32_t r) const {
    return graph_.arg_as<ir::RangeArg>(kernel_.ranges()[r]).kind == ir::AxisKind::kReduce;
  }
  size_t at(Node n) const { return kernel_.position(n); }
  Node extent(Node range) const { return graph_.source(range, 0); }
  int64_t most(Node range) { return std::max<int64_t>(0, bounds_(extent(range)).max); }
  bool is_inner(Node n) const {
    const RangeSet& free = kernel_.free(n);
    return graph_.op(n) == Op::Accumulate &&
           std::any_of(free.begin(), free.end(), [&](uint32_t r) { return is_reduce(r); });
  }

  bool find_rows();
  bool check_statements();
  bool choose_block_range();
  Level level(Node n) const;
  void mark(Node n, Level level);
  Node top_of(Node inner) const;
  void choose_made();
  void make_phases();
  void find_loads();
  void give_slots();
  size_t slot_for(const FoldValue& made, const Phase& phase, size_t number);
  std::vector<Node> pair_ranges(Node n) const;
  bool compares_with_columns() const;
  bool choose_rows();
  void make_grid();
  void find_columns();
  bool limit(Node range, const LiveRange& live, std::vector<Node>& probes);
  bool probe(Node range, const LiveRange& live, Node from, Node to, std::vector<Node>& probes);
  Node probe_range(Node count, const std::vector<Node>& taken);
  Node at_item(Node n) const;
  int64_t next_id() const;
  const Columns* columns_of(Node range) const {
    for (const Columns& c : columns_)
      if (c.range == range) return &c;
    return nullptr;
  }
  Node bind(Node range, int64_t id, ir::AxisKind kind);
  bool write(const Phase& phase);
  void set(Node from, Node to) { now_.set(from, to.id); }
  Node rewrite(Node root, const Phase& phase);
  bool is_loaded(Node n, const Phase& phase) const;
  Node local_index(const LocalSlot& slot) const;
  Node local(size_t made) const { return out_.locals[made_[made].slot]; }

  ir::Graph& graph_;
  const ir::Builder build_;
  const ir::Kernel kernel_;
  const FoldOptions& options_;
  ir::BoundsOf bounds_;
  std::vector<Node> inner_;
  RangeSet rows_;
  uint32_t block_ = 0;                    // the range of the rows that items take blocks of
  std::vector<std::vector<Node>> users_;  // by position, each once
  std::vector<bool> needs_, sums_;        // by position: reaches an inner accumulate, any accumulate
  std::vector<FoldValue> made_;
  ir::SideTable<uint32_t> place_;  // 1 + position in made_
  std::vector<Phase> phases_;
  std::vector<LocalSlot> slots_;
  int64_t rows_of_block_ = 0;
  Node block_index_;  // the position in the block
  std::vector<Columns> columns_;
  std::vector<Node> probe_ranges_;
  ir::SideTable<uint32_t> now_;
  ir::SideTable<uint32_t> bound_now_;  // of ranges that accumulates bind
  FoldSplit out_;
};

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
  if (place_.get(n) != 0) return;
  made_.push_back({n, level});
  place_.set(n, static_cast<uint32_t>(made_.size()));
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
      phases_.push_back({level, {}, {}, {}});
    return phases_.back();
  };
  for (Node n : kernel_.order()) {
    if (const uint32_t place = place_.get(n); place != 0) {
      FoldValue& made = made_[place - 1];
      phase_of(made.level).made.push_back(place - 1);
      made.phase = made.last_use = phases_.size() - 1;
    }
    if (ir::has_flag(graph_.op(n), ir::kStatement))
      phase_of(kernel_.free(n) == rows_ ? Level::kRow : Level::kColumn).statements.push_back(n);
  }
}

bool Splitter::is_loaded(Node n, const Phase& phase) const {
  const uint32_t place = place_.get(n);
  return place != 0 && std::find(phase.made.begin(), phase.made.end(), place - 1) == phase.made.end();
}

void Splitter::find_loads() {
  for (size_t p = 0; p < phases_.size(); ++p) {
    Phase& phase = phases_[p];
    std::vector<Node> stack = phase.statements;
    for (size_t m : phase.made) stack.push_back(made_[m].node);
    ir::SideTable<uint8_t> seen;
    while (!stack.empty()) {
      const Node n = stack.back();
      stack.pop_back();
      if (seen.get(n) != 0) continue;
      seen.set(n, 1);
      if (is_loaded(n, phase)) {
        phase.loads.push_back(place_.get(n) - 1);
        made_[phase.loads.back()].last_use = p;
        continue;
      }
      if (graph_.op(n) != Op::Range)
        for (Node s : graph_.sources(n)) stack.push_back(s);
    }
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
  slots_.push_back({dtype, ranges, 0});
  return slots_.size() - 1;
}

void Splitter::give_slots() {
  for (size_t p = 0; p < phases_.size(); ++p)
    for (size_t m : phases_[p].made) {
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

// As many rows as fit, and a divisor of all where there is one: the same number in every block.
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
  if (rows < std::min(all, kFewRows)) return fail("a block of rows does not fit on the chip");
  if (graph_.is_const(extent(range)))
    for (int64_t r = rows; r > rows / 2; --r)
      if (all % r == 0) {
        rows = r;
        break;
      }
  rows_of_block_ = std::max<int64_t>(1, rows);
  return true;
}

// -- The phases as kernels --

void Splitter::make_grid() {
  int64_t slots = 0;
  for (Node n : kernel_.order())
    if (graph_.op(n) == Op::Param) slots = std::max(slots, graph_.arg_as<ir::ParamArg>(n).index + 1);
  for (const LocalSlot& s : slots_) {
    int64_t size = rows_of_block_;
    for (Node r : s.ranges) size *= most(r);
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

// -- The columns that a mask leaves --

// Of rows that are the same throughout the block.
Node Splitter::at_item(Node n) const {
  ir::Substitution change;
  for (size_t a = 0; a + 1 < out_.grid.size(); ++a)
    change.nodes.emplace_back(out_.grid[a].range, out_.item_vars[a]);
  const auto made = ir::substitute(graph_, std::span(&n, 1), change);
  return made ? made->front() : Node{};
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

Node Splitter::local_index(const LocalSlot& slot) const {
  Node index = block_index_;
  for (Node r : slot.ranges) {
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
      const size_t m = place_.get(n) - 1;
      set(n, build_.load(local(m), local_index(slots_[made_[m].slot])));
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
  const Columns* columns = columns_of(range);
  const Node made = build_.range(ir::Dim(columns == nullptr ? extent(range) : columns->count), id, kind);
  set(range, columns == nullptr ? made : build_.add(columns->from, made));
  return made;
}

bool Splitter::write(const Phase& phase) {
  now_ = {};
  for (const Columns& c : columns_)
    bound_now_.set(c.range, bind(c.range, graph_.arg_as<ir::RangeArg>(c.range).id, ir::AxisKind::kReduce).id);
  for (size_t a = 0; a < out_.grid.size(); ++a) set(out_.grid[a].range, out_.item_vars[a]);
  set(out_.grid.back().range, build_.add(out_.item_vars.back(), block_index_));
  int64_t id = next_id();
  std::vector<Node> statements;
  for (size_t m : phase.made) {
    if (phase.level == Level::kPair)
      for (Node r : pair_ranges(made_[m].node)) bind(r, id++, ir::AxisKind::kLoop);
    const Node value = rewrite(made_[m].node, phase);
    if (made_[m].slot == kNowhere) continue;
    statements.push_back(build_.store(local(m), local_index(slots_[made_[m].slot]), value));
  }
  for (Node s : phase.statements) statements.push_back(rewrite(s, phase));
  out_.phases.push_back(build_.sink(statements));
  const ir::Kernel made(graph_, statements);
  return made.error().empty() || fail("a phase would bind a range twice");
}

}  // namespace

FoldSplit split_fold(ir::Graph& graph, std::span<const Node> statements, const FoldOptions& options) {
  return Splitter(graph, statements, options).run();
}

}  // namespace anneal::loop
