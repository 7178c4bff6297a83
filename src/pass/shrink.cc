// SPDX-License-Identifier: MIT
#include "pass/shrink.h"

#include <algorithm>
#include <set>

#include "ir/builder.h"
#include "ir/substitute.h"
#include "ir/walk.h"

namespace anneal::pass {
namespace {

using ir::Node;
using ir::Op;

// Smaller in this order: fewer nodes, then fewer elements.
struct Size {
  size_t nodes = 0;
  int64_t elements = 0;
  auto operator<=>(const Size&) const = default;
};

class Shrinker {
 public:
  Shrinker(ir::Graph& graph, const StillFails& fails, int64_t max_tried)
      : g_(graph), b_{graph}, fails_(fails), max_tried_(max_tried) {}

  ShrinkResult run(std::span<const Node> roots) {
    result_.roots.assign(roots.begin(), roots.end());
    size_ = size_of(result_.roots);
    while (result_.tried < max_tried_ && (drop_results() || simplify_nodes() || shorten_extents())) {
    }
    return std::move(result_);
  }

 private:
  Size size_of(std::span<const Node> roots) const {
    Size size;
    for (Node n : ir::postorder(g_, roots)) {
      ++size.nodes;
      size.elements += std::max<int64_t>(0, g_.static_size(g_.shape_id(n)));
    }
    size.nodes += roots.size();
    return size;
  }

  // Takes the candidate when it is smaller and still fails.
  bool take(std::vector<Node> candidate) {
    if (result_.tried >= max_tried_) return false;
    const Size size = size_of(candidate);
    if (size >= size_) return false;
    ++result_.tried;
    if (!fails_(candidate)) return false;
    ++result_.taken;
    result_.roots = std::move(candidate);
    size_ = size;
    return true;
  }

  // One result alone, or one less; the sources of a result as results.
  bool drop_results() {
    const std::vector<Node> roots = result_.roots;
    if (roots.size() > 1)
      for (Node r : roots)
        if (take({r})) return true;
    for (size_t i = 0; i < roots.size(); ++i) {
      std::vector<Node> fewer = roots;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      if (!fewer.empty() && take(fewer)) return true;
      for (Node s : g_.sources(roots[i])) {
        fewer = roots;
        fewer[i] = s;
        if (take(fewer)) return true;
      }
    }
    return false;
  }

  bool replace(Node from, Node to) {
    const auto candidate = ir::substitute(g_, result_.roots, {.nodes = {{from, to}}, .extents = {}});
    return candidate && take(*candidate);
  }

  // From the results down: the largest cuts come first.
  bool simplify_nodes() {
    bool any = false;
    std::vector<Node> order = ir::postorder(g_, result_.roots);
    for (size_t i = order.size(); i-- > 0;) {
      const Node n = order[i];
      if (ir::has_flag(g_.op(n), ir::kLeaf) && g_.op(n) != Op::Iota) continue;
      if (!simplify_node(n)) continue;
      any = true;
      order = ir::postorder(g_, result_.roots);
      i = std::min(i, order.size());
    }
    return any;
  }

  bool simplify_node(Node n) {
    for (Node s : g_.sources(n))
      if (g_.dtype(s) == g_.dtype(n) && (g_.shape_id(s) == g_.shape_id(n)) && replace(n, s)) return true;
    if (g_.dtype(n) == DType::kVoid) return false;
    if (g_.dtype(n) != DType::kIndex && replace(n, b_.param(next_param(), g_.dtype(n), g_.shape(n))))
      return true;
    for (int64_t value : {0, 1}) {
      const Node c = b_.constant_int(value, g_.dtype(n));
      if (replace(n, c) || replace(n, b_.full(g_.shape(n), c))) return true;
    }
    return false;
  }

  int64_t next_param() const {
    int64_t next = 0;
    for (Node n : ir::postorder(g_, result_.roots))
      if (const auto* p = std::get_if<ir::ParamArg>(&g_.arg(n))) next = std::max(next, p->index + 1);
    return next;
  }

  bool shorten_extents() {
    std::set<int64_t> extents;
    for (Node n : ir::postorder(g_, result_.roots))
      for (const ir::Dim& d : g_.shape(n))
        if (d.is_const() && d.value > 1) extents.insert(d.value);
    for (auto it = extents.rbegin(); it != extents.rend(); ++it)
      for (int64_t shorter : {int64_t{1}, int64_t{2}, *it / 2, *it - 1}) {
        if (shorter >= *it) continue;
        const auto candidate = ir::substitute(g_, result_.roots, {.nodes = {}, .extents = {{*it, shorter}}});
        if (candidate && take(*candidate)) return true;
      }
    return false;
  }

  ir::Graph& g_;
  const ir::Builder b_;
  const StillFails& fails_;
  const int64_t max_tried_;
  ShrinkResult result_;
  Size size_;
};

}  // namespace

ShrinkResult shrink(ir::Graph& graph, std::span<const Node> roots, const StillFails& still_fails,
                    int64_t max_tried) {
  return Shrinker(graph, still_fails, max_tried).run(roots);
}

}  // namespace anneal::pass
