// SPDX-License-Identifier: MIT
#include "loop/nests.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "ir/bounds.h"
#include "ir/builder.h"
#include "ir/substitute.h"
#include "ir/walk.h"
#include "loop/stride.h"
#include "rules/simplify.h"

namespace anneal::loop {

using ir::Op;
using ir::RangeSet;

namespace {

constexpr int64_t kMinVectorExtent = 4;
constexpr int64_t kUsualExtent = 4096;  // assumed of a symbolic one that may be larger
constexpr int64_t kMaxChunk = 1 << 16;
constexpr int64_t kMinVectorSteps = 4;  // of an item: fewer would share lines of the cache between items
constexpr int32_t kScatterVectors = 4;  // at a time
constexpr double kFoldWeight = 16;      // an access in an accumulate against one outside

bool is_reduce(const ir::Graph& graph, Node range) {
  return graph.arg_as<ir::RangeArg>(range).kind == ir::AxisKind::kReduce;
}

int64_t power_of_two(double at_least) {
  int64_t p = 1;
  while (p < kMaxChunk && static_cast<double>(p) < at_least) p *= 2;
  return p;
}

}  // namespace

Nests::Nests(ir::Graph& graph, const ir::Kernel& kernel, const LowerOptions& options)
    : graph_(graph), kernel_(kernel), options_(options) {
  ir::BoundsOf bounds(graph);
  for (Node r : kernel.ranges()) greatest_.push_back(std::max<int64_t>(0, bounds(graph.source(r, 0)).max));
  for (Node n : kernel.order()) {
    if (graph.op(n) != Op::Accumulate) continue;
    bool is_outer = true;
    for (uint32_t r : kernel.free(n)) is_outer = is_outer && !is_reduce(graph, kernel.ranges()[r]);
    if (is_outer) accumulates_.push_back(n);
  }
  make_groups();
  for (Group& group : groups_) {
    choose_vector(group);
    choose_order(group);
  }
  choose_grid();
}

// -- Groups --

void Nests::make_groups() {
  // Slots that several statements write, one of them on top of what is there.
  ir::SideTable<uint8_t> writers, scatters;
  for (Node s : kernel_.statements()) {
    const Node slot = graph_.source(s, 0);
    writers.set(slot, static_cast<uint8_t>(std::min(2, writers.get(slot) + 1)));
    if (graph_.op(s) == Op::ScatterStore) scatters.set(slot, 1);
  }
  for (Node s : kernel_.statements()) {
    const Node slot = graph_.source(s, 0);
    const bool is_ordered = writers.get(slot) > 1 && scatters.get(slot) != 0;
    const auto fits = [&](const Group& g) {
      return !g.is_ordered && graph_.op(g.statements[0]) == Op::Store &&
             kernel_.free(g.statements[0]) == kernel_.free(s);
    };
    auto at = groups_.end();
    if (graph_.op(s) == Op::Store && !is_ordered) at = std::find_if(groups_.begin(), groups_.end(), fits);
    if (at != groups_.end())
      at->statements.push_back(s);
    else
      groups_.push_back({{s}, {}, {}, is_ordered});
  }
}

// -- Vectors and order --

int32_t Nests::lanes_at_most(uint32_t range, int32_t most) const {
  const auto extent = static_cast<uint64_t>(std::min<int64_t>(greatest_[range], most));
  return std::min(most, static_cast<int32_t>(std::bit_ceil(extent)));
}

int32_t Nests::lanes(uint32_t range) const { return lanes_at_most(range, options_.lanes); }

// The loop of what a scatter binds runs once for each step: where it goes to is found once for several
// vectors.
int32_t Nests::lanes(const Group& group) const {
  const bool scatters = graph_.op(group.statements[0]) == Op::ScatterStore;
  return lanes_at_most(*group.vector, scatters ? kScatterVectors * options_.lanes : options_.lanes);
}

bool Nests::can_be_vector(uint32_t range) const {
  return options_.lanes > 1 && greatest_[range] >= kMinVectorExtent;
}

// Contiguous along the range, or the same element throughout.
bool Nests::is_smooth(Node site, uint32_t range) const {
  const auto by = stride_of_simplified(graph_, graph_.source(site, 1), kernel_.ranges()[range]);
  return by && (*by == 0 || *by == 1);
}

void Nests::find_accesses(const Group& group, std::vector<Access>& out) const {
  std::vector<Node> roots;
  for (Node s : group.statements) {
    roots.push_back(s);
    out.push_back({s, {}});
  }
  for (Node n : ir::postorder(graph_, roots)) {
    if (graph_.op(n) == Op::Load) {
      bool is_folded = false;
      for (uint32_t r : kernel_.free(n)) is_folded = is_folded || is_reduce(graph_, kernel_.ranges()[r]);
      if (!is_folded) out.push_back({n, {}});
    }
    if (graph_.op(n) != Op::Accumulate) continue;
    const RangeSet bound = kernel_.bound(n);
    const Node body = graph_.source(n, 0);
    for (Node inner : ir::postorder(graph_, std::span(&body, 1)))
      if (graph_.op(inner) == Op::Load && ir::without(bound, kernel_.free(inner)).size() < bound.size())
        out.push_back({inner, n});
  }
}

std::optional<uint32_t> Nests::vector_of(Node accumulate) const {
  std::vector<Node> loads;
  const Node body = graph_.source(accumulate, 0);
  const RangeSet bound = kernel_.bound(accumulate);
  for (Node n : ir::postorder(graph_, std::span(&body, 1)))
    if (graph_.op(n) == Op::Load && ir::without(bound, kernel_.free(n)).size() < bound.size())
      loads.push_back(n);
  std::optional<uint32_t> best;
  size_t most = 0;
  for (Node range : ir::bound_ranges(graph_, accumulate)) {
    const uint32_t r = kernel_.range_position(range);
    if (!can_be_vector(r)) continue;
    const auto smooth = static_cast<size_t>(
        std::count_if(loads.begin(), loads.end(), [&](Node load) { return is_smooth(load, r); }));
    // Where most loads would be gathered, one element after the other is as good.
    if (2 * smooth < loads.size() || smooth < most) continue;
    best = r;
    most = smooth;
  }
  return best;
}

void Nests::choose_vector(Group& group) const {
  if (graph_.op(group.statements[0]) == Op::SortStore) return;
  std::vector<Access> accesses;
  find_accesses(group, accesses);
  struct Own {  // how an accumulate does by itself
    Node accumulate;
    std::optional<uint32_t> range;
  };
  std::vector<Own> owns;
  for (const Access& a : accesses)
    if (a.accumulate && (owns.empty() || owns.back().accumulate != a.accumulate))
      owns.push_back({a.accumulate, vector_of(a.accumulate)});
  const auto score = [&](std::optional<uint32_t> range) {
    double sum = 0;
    for (const Access& a : accesses) {
      std::optional<uint32_t> along = range;
      if (a.accumulate && !(range && ir::contains(kernel_.free(a.accumulate), *range)))
        along = std::find_if(owns.begin(), owns.end(), [&](const Own& o) {
                  return o.accumulate == a.accumulate;
                })->range;
      if (along && is_smooth(a.site, *along)) sum += a.accumulate ? kFoldWeight : 1;
    }
    return sum;
  };
  const auto stores_contiguously = [&](uint32_t r) {
    const auto by = stride_of_simplified(graph_, graph_.source(group.statements[0], 1), kernel_.ranges()[r]);
    return by && *by == 1;
  };
  double best = score({});
  for (uint32_t r : kernel_.free(group.statements[0])) {
    if (!can_be_vector(r)) continue;
    const double s = score(r);
    const bool ties = group.vector && s == best;
    const bool wins_tie = ties && (stores_contiguously(r) > stores_contiguously(*group.vector) ||
                                   (stores_contiguously(r) == stores_contiguously(*group.vector) &&
                                    greatest_[r] >= greatest_[*group.vector]));
    if (s <= best && !wins_tie) continue;
    group.vector = r;
    best = s;
  }
}

// Ranges that accumulates depend on come first, so that those are made once; then large strides, and the
// vector.
void Nests::choose_order(Group& group) const {
  const RangeSet& loops = kernel_.free(group.statements[0]);
  struct Place {
    int64_t accumulates, vector, stride;
    uint32_t range;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;
  const std::vector<Node> reached = ir::postorder(graph_, group.statements);
  for (uint32_t r : loops) {
    Place place{0, group.vector == r, 0, r};
    for (Node n : reached)
      if (graph_.op(n) == Op::Accumulate && ir::contains(kernel_.free(n), r) &&
          !ir::includes(kernel_.free(n), loops))
        --place.accumulates;
    const auto by = stride_of_simplified(graph_, graph_.source(group.statements[0], 1), kernel_.ranges()[r]);
    place.stride = !by || *by == INT64_MIN ? INT64_MIN : -std::abs(*by);  // unknown: symbolic, so large
    places.push_back(place);
  }
  std::sort(places.begin(), places.end());
  for (const Place& p : places) group.order.push_back(p.range);
}

// -- The grid --

// Whether statements that write one slot in order never meet in it at different values of the range.
bool Nests::separates(uint32_t range) {
  const Node r = kernel_.ranges()[range];
  const Node zero = ir::Builder{graph_}.index(0);
  ir::BoundsOf bounds(graph_);
  struct Form {  // index == stride * range + rest
    Node slot;
    int64_t stride;
    ir::Bounds rest;
  };
  std::vector<Form> forms;
  for (const Group& group : groups_) {
    if (!group.is_ordered) continue;
    const Node index = graph_.source(group.statements[0], 1);
    const auto by = stride_of_simplified(graph_, index, r);
    const auto rest = ir::substitute(graph_, std::span(&index, 1), {{{r, zero}}, {}});
    if (!by || *by <= 0 || !rest) return false;
    forms.push_back(
        {graph_.source(group.statements[0], 0), *by, bounds(rules::simplify(graph_, (*rest)[0]))});
  }
  for (const Form& f : forms) {
    bool is_block = true, is_residue = true;
    int64_t modulus = 0;
    for (const Form& g : forms) {
      if (g.slot != f.slot) continue;
      if (g.stride != f.stride) return false;
      is_block = is_block && g.rest.min >= 0 && g.rest.max < f.stride;
      const int64_t own = g.rest.is_const() ? 0 : g.rest.modulus;
      const int64_t at = g.rest.is_const() ? g.rest.min : g.rest.remainder;
      const int64_t f_at = f.rest.is_const() ? f.rest.min : f.rest.remainder;
      modulus = std::gcd(modulus, std::gcd(own, at - f_at));
    }
    int64_t width = 0;
    is_residue =
        !__builtin_mul_overflow(f.stride, greatest_[range], &width) && (modulus == 0 || width <= modulus);
    if (!is_block && !is_residue) return false;
  }
  return true;
}

// Loop ranges of all statements on which all accumulates depend: what splits by them is made once.
std::vector<uint32_t> Nests::grid_candidates() {
  const Group* longest = nullptr;
  for (const Group& g : groups_)
    if (longest == nullptr || g.order.size() > longest->order.size()) longest = &g;
  std::vector<uint32_t> out;
  if (longest == nullptr) return out;
  for (uint32_t r : longest->order) {
    bool splits = true;
    for (Node s : kernel_.statements()) splits = splits && ir::contains(kernel_.free(s), r);
    for (Node a : accumulates_) splits = splits && ir::contains(kernel_.free(a), r);
    if (splits && separates(r)) out.push_back(r);
  }
  return out;
}

// Operations for one value of each of the ranges.
double Nests::work(const std::vector<uint32_t>& fixed) const {
  double sum = 0;
  for (Node n : kernel_.order()) {
    if (ir::has_flag(graph_.op(n), ir::kLeaf)) continue;
    double times = ir::has_flag(graph_.op(n), ir::kTranscendental) ? 8 : 1;
    RangeSet ranges = kernel_.free(n);
    if (ir::has_flag(graph_.op(n), ir::kStatement)) ranges = ir::united(ranges, kernel_.bound(n));
    for (uint32_t r : ranges)
      if (std::find(fixed.begin(), fixed.end(), r) == fixed.end())
        times *= static_cast<double>(graph_.is_const(graph_.source(kernel_.ranges()[r], 0))
                                         ? greatest_[r]
                                         : std::min(greatest_[r], kUsualExtent));
    sum += times;
  }
  return std::max(sum, 1.0);
}

void Nests::choose_grid() {
  std::vector<uint32_t> split = grid_candidates();
  while (!split.empty()) {
    const uint32_t r = split.back();
    bool is_vector = false;
    for (const Group& g : groups_) is_vector = is_vector || g.vector == r;
    int64_t chunk = power_of_two(static_cast<double>(options_.item_work) / work(split));
    if (is_vector) chunk = std::max(chunk, kMinVectorSteps * options_.lanes);
    if (chunk >= greatest_[r]) {  // not worth cutting
      split.pop_back();
      continue;
    }
    for (uint32_t s : split) grid_.push_back({kernel_.ranges()[s], s == r ? chunk : 1});
    break;
  }
  for (Group& group : groups_)
    std::erase_if(group.order, [&](uint32_t r) {
      return std::any_of(grid_.begin(), grid_.end(),
                         [&](const GridAxis& a) { return a.chunk == 1 && a.range == kernel_.ranges()[r]; });
    });
}

}  // namespace anneal::loop
