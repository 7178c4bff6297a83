// SPDX-License-Identifier: MIT
#include "loop/contraction.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <utility>

#include "ir/builder.h"
#include "ir/dims.h"
#include "ir/kernel.h"
#include "ir/walk.h"
#include "loop/stride.h"
#include "rules/simplify.h"

namespace anneal::loop {

using ir::Builder;
using ir::Dim;
using ir::Op;
using ir::RangeSet;

namespace {

constexpr int64_t kFirstId = 32;  // of the new ranges: kernels number theirs from 0 and from 64

// The product that an accumulate sums, or null. In one type, f32 or f64, throughout: a product that is
// rounded to a narrower type before it joins the sum is no business of a skeleton, which rounds once for
// both.
Node product_of(const ir::Graph& graph, Node accumulate) {
  const Node body = graph.source(accumulate, 0);
  const DType t = graph.dtype(accumulate);
  const bool fits = (t == f32 || t == f64) && graph.op(body) == Op::Mul && graph.dtype(body) == t &&
                    graph.arg_as<ir::ReduceArg>(accumulate).op == ir::ReduceOp::kAdd;
  return fits ? body : Node{};
}

Dim extent_of(const ir::Graph& graph, Node range) {
  const Node e = graph.source(range, 0);
  return graph.is_const(e) ? Dim(graph.const_value(e).as_int(DType::kIndex)) : Dim(e);
}

class ContractionFinder {
 public:
  ContractionFinder(ir::Graph& graph, Node kernel)
      : graph_(graph), build_{graph}, whole_{kernel}, kernel_(graph, whole_) {}

  std::optional<Contraction> run() {
    if (!kernel_.error().empty() || !find_product() || !sort_ranges()) return {};
    return make();
  }

 private:
  // The accumulate and the statements that use it.
  bool find_product() {
    for (Node n : kernel_.order()) {
      if (graph_.op(n) != Op::Accumulate) continue;
      const Node body = product_of(graph_, n);
      if (!body || !is_contraction(n, body)) continue;
      if (product_) return false;
      product_ = n;
      a_ = graph_.source(body, 0);
      b_ = graph_.source(body, 1);
    }
    if (!product_) return false;
    for (Node s : kernel_.statements()) {
      const Node roots[] = {s};
      const std::vector<Node> reached = ir::postorder(graph_, roots);
      const bool uses = std::find(reached.begin(), reached.end(), product_) != reached.end();
      // Another accumulate in the epilogue would run for every element.
      const bool folds_more = std::any_of(reached.begin(), reached.end(), [&](Node n) {
        return graph_.op(n) == Op::Accumulate && n != product_;
      });
      if (uses && (graph_.op(s) != Op::Store || folds_more)) return false;
      (uses ? statements_ : others_).push_back(s);
    }
    return !statements_.empty();
  }

  bool is_contraction(Node n, Node body) const {
    const RangeSet &a = kernel_.free(graph_.source(body, 0)), &b = kernel_.free(graph_.source(body, 1));
    const RangeSet k = kernel_.bound(n);
    const RangeSet only_a = ir::without(a, b), only_b = ir::without(b, a);
    return ir::includes(a, k) && ir::includes(b, k) && (!only_a.empty() || !only_b.empty());
  }

  bool sort_ranges() {
    const RangeSet &a = kernel_.free(a_), &b = kernel_.free(b_), loops = kernel_.free(product_);
    k_ = kernel_.bound(product_);
    const RangeSet shared = ir::without(ir::without(a, ir::without(a, b)), k_);
    batch_ = shared;
    m_ = ir::without(a, b);
    n_ = ir::without(b, a);
    for (Node s : statements_)
      if (kernel_.free(s) != loops) return false;
    if (prefers_m()) {
      std::swap(m_, n_);
      std::swap(a_, b_);
    }
    return true;
  }

  // The side of n is that whose last axis is contiguous in the first result.
  bool prefers_m() {
    if (m_.empty() || n_.empty()) return n_.empty();
    const auto near = [&](const RangeSet& side) {
      const auto s = stride(graph_, graph_.source(statements_[0], 1), kernel_.ranges()[side.back()]);
      return s == 1;
    };
    return near(m_) && !near(n_);
  }

  // -- One range for each side --

  Node join(const RangeSet& side, int64_t id, ir::AxisKind kind) {
    if (side.empty()) return {};
    Dim extent{1};
    for (uint32_t r : side) extent = ir::dim_mul(graph_, extent, extent_of(graph_, kernel_.ranges()[r]));
    const Node range = build_.range(extent, kFirstId + id, kind);
    Node rest = range;
    for (size_t i = side.size(); i-- > 0;) {
      const Node old = kernel_.ranges()[side[i]];
      const Node own = graph_.source(old, 0);
      now_[old] = i == 0 ? rest : build_.floormod(rest, own);
      if (i != 0) rest = build_.floordiv(rest, own);
    }
    return range;
  }

  // The nodes over the new ranges, sources first; `sum` binds k.
  void rewrite(std::span<const Node> nodes, Node sum) {
    for (Node n : nodes) {
      if (now_.get(n)) continue;
      std::vector<Node> sources;
      for (Node s : graph_.sources(n)) sources.push_back(now_.get(s));
      if (n == sum) sources = {sources[0], k_range_};
      now_[n] =
          has_flag(graph_.op(n), ir::kLeaf)
              ? n
              : graph_.intern({graph_.op(n), graph_.dtype(n), graph_.shape_id(n), sources, &graph_.arg(n)});
    }
  }

  std::optional<Contraction> make() {
    now_ = {};
    Contraction out;
    out.batch = join(batch_, 0, ir::AxisKind::kLoop);
    out.m = join(m_, 1, ir::AxisKind::kLoop);
    out.n = join(n_, 2, ir::AxisKind::kLoop);
    out.k = join(k_, 3, ir::AxisKind::kReduce);
    k_range_ = out.k;
    rewrite(ir::postorder(graph_, statements_), product_);
    const std::vector<Candidate> candidates = sums();
    std::vector<Node> parts{now_.get(product_)};
    for (Node s : statements_) parts.push_back(now_.get(s));
    for (const Candidate& c : candidates) parts.insert(parts.end(), {now_.get(c.statement), now_.get(c.sum)});
    // Simplified together, so that the product stays one node; then the factors are read off again.
    parts = rules::simplify(graph_, parts, {.pass = "contraction"});
    out.product = parts[0];
    out.statements.assign(parts.begin() + 1, parts.begin() + 1 + static_cast<int64_t>(statements_.size()));
    if (graph_.op(out.product) != Op::Accumulate) return {};
    const Node body = product_of(graph_, out.product);
    if (!body || graph_.sources(out.product).size() != 2) return {};
    out.a = graph_.source(body, 0);
    out.b = graph_.source(body, 1);
    if (reaches(out.a, out.n) || reaches(out.b, out.m)) std::swap(out.a, out.b);
    if (reaches(out.a, out.n) || reaches(out.b, out.m)) return {};
    out.others = others_;
    for (size_t i = 0; i < candidates.size(); ++i)
      take_sum(candidates[i].statement, parts[parts.size() - 2 * (candidates.size() - i)],
               parts[parts.size() - 2 * (candidates.size() - i) + 1], out);
    return out;
  }

  // -- Sums beside the product --

  struct Candidate {
    Node statement, sum;
  };

  // Other statements that may be a sum of a factor: with as many elements, over ranges like k's. Their nodes
  // over the new ranges go to now_.
  std::vector<Candidate> sums() {
    std::vector<Candidate> found;
    if (!batch_.empty()) return found;
    for (Node s : others_) {
      if (graph_.op(s) != Op::Store) continue;
      const Node root[] = {s};
      const std::vector<Node> reached = ir::postorder(graph_, root);
      Node sum;
      size_t folds = 0;
      for (Node n : reached)
        if (graph_.op(n) == Op::Accumulate) ++folds, sum = n;
      if (folds != 1 || graph_.arg_as<ir::ReduceArg>(sum).op != ir::ReduceOp::kAdd) continue;
      const RangeSet& loops = kernel_.free(s);
      for (const RangeSet& side : {n_, m_})
        if (kernel_.free(sum) == loops && alike(loops, side) && alike(kernel_.bound(sum), k_)) {
          std::vector<std::pair<uint32_t, uint32_t>> pairs;
          for (size_t i = 0; i < side.size(); ++i) pairs.emplace_back(loops[i], side[i]);
          for (size_t i = 0; i < k_.size(); ++i) pairs.emplace_back(kernel_.bound(sum)[i], k_[i]);
          if (!rename(pairs)) break;
          rewrite(reached, sum);
          found.push_back({s, sum});
          break;
        }
    }
    return found;
  }

  bool alike(const RangeSet& a, const RangeSet& b) const {
    return !a.empty() && std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](uint32_t x, uint32_t y) {
      return graph_.source(kernel_.ranges()[x], 0) == graph_.source(kernel_.ranges()[y], 0);
    });
  }

  // Gives ranges the places of others, unless they have places of their own.
  bool rename(std::span<const std::pair<uint32_t, uint32_t>> pairs) {
    const auto place = [&](uint32_t r) {
      const Node range = kernel_.ranges()[r];
      return now_.get(range);
    };
    for (const auto& [from, to] : pairs)
      if (place(from) && place(from) != place(to)) return false;
    for (const auto& [from, to] : pairs) now_[kernel_.ranges()[from]] = place(to);
    return true;
  }

  // What became of a candidate: a sum of a factor, or a statement like any other.
  void take_sum(Node old, Node statement, Node sum, Contraction& out) const {
    if (graph_.op(statement) != Op::Store || graph_.op(sum) != Op::Accumulate) return;
    const std::span<const Node> sources = graph_.sources(sum);
    const bool of_b = sources[0] == out.b;
    if ((!of_b && sources[0] != out.a) || sources.size() != 2 || sources[1] != out.k) return;
    if (graph_.dtype(sum) != graph_.dtype(out.product)) return;
    if (std::any_of(out.sums.begin(), out.sums.end(), [&](const FactorSum& s) { return s.of_b == of_b; }))
      return;
    out.sums.push_back({statement, sum, of_b});
    std::erase(out.others, old);
  }

  bool reaches(Node from, Node range) const {
    if (!range) return false;
    const Node roots[] = {from};
    const std::vector<Node> all = ir::postorder(graph_, roots);
    return std::find(all.begin(), all.end(), range) != all.end();
  }

  ir::Graph& graph_;
  const Builder build_;
  const std::array<Node, 1> whole_;
  const ir::Kernel kernel_;
  Node product_, a_, b_, k_range_;
  std::vector<Node> statements_, others_;
  RangeSet batch_, m_, n_, k_;
  ir::SideTable<Node> now_;
};

}  // namespace

std::optional<Contraction> find_contraction(ir::Graph& graph, Node kernel) {
  return ContractionFinder(graph, kernel).run();
}

}  // namespace anneal::loop
