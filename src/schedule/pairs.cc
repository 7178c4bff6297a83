// SPDX-License-Identifier: MIT
#include "schedule/pairs.h"

#include <algorithm>
#include <cmath>

#include "ir/dims.h"

namespace anneal::schedule {

using ir::AxisMask;
using ir::Op;

namespace {

constexpr int32_t kNoPart = -1;
constexpr double kFewColumns = 16;  // rows of fewer are not worth a block of their own
constexpr double kRowWork = 40;     // of one element a row: made again in each kernel
// A byte of pairs is worth this many of others: from the forward to the backward pass it takes memory that
// grows with the square of the rows, and drives what could be read again out of the caches.
constexpr double kWorth = 16;

double bytes_of(const ir::Graph& graph, const Value& v) {
  return v.elements * static_cast<double>(dtype_size(graph.dtype(v.node)));
}

class Chooser {
 public:
  Chooser(const ValueGraph& values, const device::Caps& caps, const std::vector<bool>& refused)
      : values_(values),
        graph_(values.graph()),
        caps_(caps),
        refused_(refused),
        row_part_(values.values().size(), kNoPart),
        above_(values.values().size(), kNoPart) {}

  Pairs run() {
    const size_t count = values_.values().size();
    Pairs out;
    out.inlined.assign(count, false);
    out.part.assign(count, kNoPart);
    for (uint32_t i = 0; i < count; ++i) visit(i);
    decide(out);
    for (uint32_t i = 0; i < count; ++i) {
      const int32_t p = part_of(i);
      if (p == kNoPart || !parts_[at(p)].reason.empty()) continue;
      out.part[i] = p;
      out.inlined[i] = true;
    }
    for (size_t p = 0; p < parts_.size(); ++p)
      if (joined_[p] == static_cast<int32_t>(p) && parts_[p].reason.empty())
        for (uint32_t u : parts_[p].uses) out.part[u] = static_cast<int32_t>(p);
    for (uint32_t i = static_cast<uint32_t>(count); i-- > 0;) inline_row(out, i);
    return out;
  }

 private:
  struct Part {
    std::string reason;  // why not; empty: it is inlined
    std::vector<uint32_t> products, uses;
    double elements = 0;
    bool is_cascade = false;  // a reduction of them is needed to make them, or beside them
  };

  static size_t at(int32_t i) { return static_cast<size_t>(i); }
  const Value& value(uint32_t v) const { return values_[v]; }

  // -- Parts: values of pairs that are connected. Sets with a way up to their first. --

  int32_t part_of(uint32_t v) { return above_[v] == kNoPart ? kNoPart : top_of(above_[v]); }
  int32_t top_of(int32_t part) {
    while (joined_[at(part)] != part) part = joined_[at(part)] = joined_[at(joined_[at(part)])];
    return part;
  }
  int32_t new_part() {
    joined_.push_back(static_cast<int32_t>(parts_.size()));
    parts_.emplace_back();
    return joined_.back();
  }
  void join(uint32_t v, int32_t part) {
    const int32_t own = part_of(v);
    if (own == kNoPart) {
      above_[v] = part;
      return;
    }
    if (own == part) return;
    const int32_t stays = std::min(own, part), goes = std::max(own, part);
    joined_[at(goes)] = stays;
    Part &to = parts_[at(stays)], &from = parts_[at(goes)];
    to.products.insert(to.products.end(), from.products.begin(), from.products.end());
    to.uses.insert(to.uses.end(), from.uses.begin(), from.uses.end());
    to.elements = std::max(to.elements, from.elements);
    to.is_cascade = to.is_cascade || from.is_cascade;
    if (to.reason.empty()) to.reason = from.reason;
  }
  void refuse(int32_t part, const char* reason) {
    std::string& text = parts_[at(part)].reason;
    if (text.empty()) text = reason;
  }

  void visit(uint32_t i) {
    const Value& v = value(i);
    if (v.kind == ValueKind::kLeaf || v.inlined || (v.users.empty() && !v.root)) return;
    for (const Read& r : v.reads)
      if (part_of(r.producer) != kNoPart) visit_read(i, r);
    visit_rows(i);
    if (v.kind != ValueKind::kContract || v.root) return;
    const double left = size_over(v, v.left), right = size_over(v, v.right);
    if (2 * v.elements < std::max(left, right)) return;
    above_[i] = new_part();
    parts_.back().products = {i};
    parts_.back().elements = v.elements;
  }

  bool is_use(int32_t part, uint32_t v) const {
    const std::vector<uint32_t>& uses = parts_[at(part)].uses;
    return std::find(uses.begin(), uses.end(), v) != uses.end();
  }

  // What is made of reductions of pairs, and whether it goes back into pairs.
  void visit_rows(uint32_t i) {
    const int32_t own = part_of(i);
    for (const Read& r : value(i).reads) {
      const int32_t from = row_part_[r.producer];
      if (from == kNoPart) continue;
      const int32_t top = top_of(from);
      if (own == top || is_use(top, i)) parts_[at(top)].is_cascade = true;
      if (own == kNoPart && value(i).kind == ValueKind::kMap &&
          value(i).elements == value(r.producer).elements)
        row_part_[i] = top;
    }
  }

  // One of pairs too, or a use of them: a product of pairs may be both.
  void visit_read(uint32_t i, const Read& r) {
    const Value& v = value(i);
    const int32_t p = part_of(r.producer);
    const double elements = parts_[at(p)].elements;
    const bool once = std::count_if(v.reads.begin(), v.reads.end(),
                                    [&](const Read& s) { return s.producer == r.producer; }) == 1;
    if (!once || size_over(v, r.axes) != elements) return refuse(p, "one is read at other positions");
    if (v.kind == ValueKind::kMap && v.elements == elements) {
      join(i, p);
      if (v.root) refuse(part_of(i), "one is a result");
      return;
    }
    const bool is_sum = v.kind == ValueKind::kContract;
    if (!is_sum && (v.kind != ValueKind::kReduce || graph_.op(v.node) != Op::Reduce))
      return refuse(p, "one is read by what is neither a reduction nor element by element");
    Part& part = parts_[at(p)];
    if (std::find(part.uses.begin(), part.uses.end(), i) == part.uses.end()) part.uses.push_back(i);
    if (!is_sum) row_part_[i] = p;
    if (!refused_.empty() && refused_[i]) refuse(p, "they do not come out as phases");
    if (v.elements > elements) refuse(p, "what becomes of them is larger than they are");
    if (size_over(v, v.reduced) < kFewColumns) refuse(p, "their rows are short");
  }

  double size_over(const Value& v, AxisMask axes) const {
    double size = 1;
    for (size_t a = 0; a < v.space.size(); ++a)
      if ((axes >> a & 1) != 0) size *= static_cast<double>(ir::dim_max(graph_, v.space[a]));
    return size;
  }

  // -- Whether it is worth it --

  void decide(Pairs& out) {
    std::vector<bool> used(values_.values().size(), false);  // by parts that are inlined
    for (size_t p = 0; p < parts_.size(); ++p) {
      if (joined_[p] != static_cast<int32_t>(p)) continue;
      Part& part = parts_[p];
      if (part.uses.empty()) continue;  // an ordinary product
      if (part.reason.empty() && !part.is_cascade) part.reason = "no reduction of them goes back into them";
      for (uint32_t s : part.products)
        if (part.reason.empty() && used[s]) part.reason = "they are made of others";
      std::string gain;
      if (part.reason.empty()) gain = weigh(part);
      for (uint32_t u : part.uses) used[u] = used[u] || part.reason.empty();
      std::sort(part.products.begin(), part.products.end());
      out.log.push_back({part.products.front(), part.uses.back(), part.reason.empty(),
                         part.reason.empty() ? gain : "pairs are stored: " + part.reason});
    }
    for (Part& part : parts_)
      if (part.uses.empty() && part.reason.empty()) part.reason = "not reduced";
  }

  // In memory, each product and each factor of a contraction is written once and read once. Otherwise the
  // forward pass makes the products once, and the backward pass once for its rows and once for its columns.
  std::string weigh(Part& part) {
    double saved = 0, again = 0, forward = 0, backward = 0;
    for (uint32_t u : part.uses) {
      if (value(u).kind != ValueKind::kContract) continue;
      const bool is_backward = graph_.origin(value(u).node).phase != ir::Phase::kForward;
      (is_backward ? backward : forward) += 1;
      saved += 2 * part.elements * 4;
    }
    for (uint32_t s : part.products) {
      saved += 2 * bytes_of(graph_, value(s));
      const bool is_backward = graph_.origin(value(s).node).phase != ir::Phase::kForward;
      const double times = (is_backward ? 0 : 1) + std::min(2.0, backward);
      again += 2 * value(s).positions * std::max(0.0, times - 1);
    }
    const double cost = again / caps_.contract_flops, gain = kWorth * saved / caps_.memory_bandwidth;
    const auto text = [](double x) { return std::to_string(static_cast<int64_t>(std::round(x))); };
    const std::string numbers = text(again / 1e6) + " Mflop again for " + text(saved / 1e6) + " MB";
    if (cost > gain) part.reason = numbers;
    return "pairs are made where they are used: " + numbers;
  }

  // Of one element a row, made of reductions of pairs and little else, and needed by pairs and their
  // reductions alone.
  void inline_row(Pairs& out, uint32_t i) {
    const Value& v = value(i);
    if (v.kind != ValueKind::kMap || v.root || out.inlined[i] || row_part_[i] == kNoPart || v.work > kRowWork)
      return;
    const int32_t part = top_of(row_part_[i]);
    const auto is_row = [&](const Read& r) {
      return row_part_[r.producer] != kNoPart || 2 * value(r.producer).elements <= v.elements;
    };
    if (!std::all_of(v.reads.begin(), v.reads.end(), is_row)) return;
    if (std::any_of(v.users.begin(), v.users.end(), [&](uint32_t u) { return out.part[u] != part; })) return;
    out.inlined[i] = true;
    out.part[i] = part;
  }

  const ValueGraph& values_;
  ir::Graph& graph_;
  const device::Caps& caps_;
  const std::vector<bool>& refused_;
  std::vector<int32_t> row_part_;  // of what is made of a reduction of pairs: their part
  std::vector<int32_t> above_,
      joined_;  // of a value: a part; of a part: one that it is joined with, or itself
  std::vector<Part> parts_;
};

}  // namespace

Pairs choose_pairs(const ValueGraph& values, const device::Caps& caps, const std::vector<bool>& refused) {
  return Chooser(values, caps, refused).run();
}

}  // namespace anneal::schedule
