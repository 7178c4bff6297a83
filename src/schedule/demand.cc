// SPDX-License-Identifier: MIT
#include "schedule/demand.h"

#include <algorithm>

#include "ir/builder.h"
#include "ir/dims.h"
#include "ir/walk.h"

namespace anneal::schedule {

using ir::Dim;
using ir::Node;
using ir::Op;
using ir::Tri;

namespace {

// Of each axis the first position and how many; `asked` is false while no user was seen.
struct Box {
  bool asked = false;
  std::vector<Dim> first, count;
};

class Narrower {
 public:
  explicit Narrower(ir::Graph& graph) : graph_(graph), build_{graph} {}

  std::vector<Node> run(std::span<const Node> roots) {
    const std::vector<Node> order = ir::postorder(graph_, roots);
    if (std::none_of(order.begin(), order.end(), [&](Node n) { return graph_.op(n) == Op::Slice; }))
      return {roots.begin(), roots.end()};
    boxes_.resize(order.size());
    for (size_t i = 0; i < order.size(); ++i) place_.set(order[i], static_cast<uint32_t>(i));
    for (const Node r : roots) ask(r, whole(r));
    for (size_t i = order.size(); i-- > 0;) settle(order[i]);
    const ir::OriginScope origin(graph_);
    for (const Node n : order) now_[n] = made(n);
    std::vector<Node> out;
    for (const Node r : roots) out.push_back(now_.get(r));
    return out;
  }

 private:
  Box& box(Node n) { return boxes_[place_.get(n)]; }
  Box whole(Node n) const {
    const ir::Shape shape = graph_.shape(n);
    return {true, std::vector<Dim>(shape.size(), Dim(0)), {shape.begin(), shape.end()}};
  }
  bool same(Dim a, Dim b) const { return ir::dim_equal(graph_, a, b) == Tri::kTrue; }
  bool is_whole(Node n, const Box& b, size_t axis) const {
    return b.first[axis].is(0) && same(b.count[axis], graph_.shape(n)[axis]);
  }
  bool is_whole(Node n, const Box& b) const {
    for (size_t i = 0; i < b.first.size(); ++i)
      if (!is_whole(n, b, i)) return false;
    return true;
  }
  // Numbers alone, so that boxes can be joined and cut.
  static bool is_const(Dim a, Dim b) { return a.is_const() && b.is_const(); }

  void ask(Node n, const Box& wanted) {
    Box& own = box(n);
    if (!own.asked) {
      own = wanted;
      return;
    }
    for (size_t i = 0; i < own.first.size(); ++i) {
      if (same(own.first[i], wanted.first[i]) && same(own.count[i], wanted.count[i])) continue;
      if (!is_const(own.first[i], own.count[i]) || !is_const(wanted.first[i], wanted.count[i])) {
        own.first[i] = Dim(0);
        own.count[i] = graph_.shape(n)[i];
        continue;
      }
      const int64_t first = std::min(own.first[i].value, wanted.first[i].value);
      const int64_t end =
          std::max(own.first[i].value + own.count[i].value, wanted.first[i].value + wanted.count[i].value);
      own.first[i] = Dim(first);
      own.count[i] = Dim(end - first);
    }
  }

  // All users have asked. What it will be made for, and what that takes of its sources.
  void settle(Node n) {
    Box& own = box(n);
    double all = 1, part = 1;
    for (size_t i = 0; i < own.first.size(); ++i) {
      all *= static_cast<double>(ir::dim_max(graph_, graph_.shape(n)[i]));
      part *= static_cast<double>(ir::dim_max(graph_, own.count[i]));
    }
    if (ir::has_flag(graph_.op(n), ir::kLeaf) || part == 0 || 2 * part > all || !hands_on(n)) own = whole(n);
    const std::vector<Box> wanted = needs(n, own);
    for (size_t i = 0; i < wanted.size(); ++i) ask(graph_.source(n, i), wanted[i]);
  }

  // Whether it can be made for a part of itself. May widen its box.
  bool hands_on(Node n) {
    Box& own = box(n);
    switch (graph_.op(n)) {
      case Op::Reduce:
      case Op::Expand:
      case Op::Permute:
      case Op::Flip: return true;
      case Op::Slice: {
        const auto& arg = graph_.arg_as<ir::SliceArg>(n);
        return std::all_of(arg.step.begin(), arg.step.end(), [](int64_t s) { return s == 1; });
      }
      case Op::Pad: {
        const auto& arg = graph_.arg_as<ir::PadArg>(n);
        for (size_t i = 0; i < own.first.size(); ++i)
          if (!is_whole(n, own, i) &&
              (arg.interior[i] != 0 || !is_const(arg.low[i], arg.high[i]) ||
               !is_const(own.first[i], own.count[i]) || !graph_.shape(graph_.source(n, 0))[i].is_const() ||
               cut(n, own, i).second == 0))
            return false;
        return true;
      }
      case Op::Reshape: return widen_reshape(n, own);
      default: return ir::has_flag(graph_.op(n), ir::kElementwise);
    }
  }

  // Of a pad: the part of the source's axis that the box shows, as first and count.
  std::pair<int64_t, int64_t> cut(Node n, const Box& own, size_t axis) const {
    const int64_t low = graph_.arg_as<ir::PadArg>(n).low[axis].value;
    const int64_t extent = graph_.shape(graph_.source(n, 0))[axis].value;
    const int64_t first = std::clamp<int64_t>(own.first[axis].value - low, 0, extent);
    const int64_t end = std::clamp<int64_t>(own.first[axis].value + own.count[axis].value - low, 0, extent);
    return {first, end - first};
  }

  static std::vector<size_t> wide(ir::Shape shape) {
    std::vector<size_t> out;
    for (size_t i = 0; i < shape.size(); ++i)
      if (!shape[i].is(1)) out.push_back(i);
    return out;
  }
  // Axes that a reshape leaves as they are, but for those of extent 1: pairs of an axis of the source and of
  // the result, from the front and from the back.
  std::vector<std::pair<size_t, size_t>> kept_axes(Node n) const {
    const ir::Shape from = graph_.shape(graph_.source(n, 0)), to = graph_.shape(n);
    const std::vector<size_t> a = wide(from), b = wide(to);
    std::vector<std::pair<size_t, size_t>> out;
    size_t front = 0;
    while (front < a.size() && front < b.size() && same(from[a[front]], to[b[front]])) {
      out.emplace_back(a[front], b[front]);
      ++front;
    }
    for (size_t back = 1; back + front <= a.size() && back + front <= b.size(); ++back) {
      const size_t i = a[a.size() - back], j = b[b.size() - back];
      if (!same(from[i], to[j])) break;
      out.emplace_back(i, j);
    }
    return out;
  }
  bool widen_reshape(Node n, Box& own) {
    std::vector<bool> kept(own.first.size(), false);
    for (const auto& [from, to] : kept_axes(n)) kept[to] = true;
    for (size_t i = 0; i < own.first.size(); ++i)
      if (!kept[i] && !graph_.shape(n)[i].is(1)) {
        own.first[i] = Dim(0);
        own.count[i] = graph_.shape(n)[i];
      }
    return true;
  }

  std::vector<Box> needs(Node n, const Box& own) {
    std::vector<Box> out;
    for (const Node s : graph_.sources(n)) out.push_back(whole(s));
    if (out.empty() || is_whole(n, own)) {
      if (graph_.op(n) == Op::Slice) slice_needs(n, own, out[0]);
      return out;
    }
    Box& first = out[0];
    switch (graph_.op(n)) {
      case Op::Slice: slice_needs(n, own, first); break;
      case Op::Expand:
        for (size_t i = 0; i < first.first.size(); ++i)
          if (same(graph_.shape(graph_.source(n, 0))[i], graph_.shape(n)[i])) copy(own, i, first, i);
        break;
      case Op::Reduce:
        for (size_t i = 0; i < first.first.size(); ++i)
          if ((graph_.arg_as<ir::ReduceArg>(n).axes >> i & 1) == 0) copy(own, i, first, i);
        break;
      case Op::Permute:
        for (size_t i = 0; i < first.first.size(); ++i)
          copy(own, i, first, graph_.arg_as<ir::PermArg>(n).perm[i]);
        break;
      case Op::Flip:
        first = own;
        for (size_t i = 0; i < first.first.size(); ++i)
          if ((graph_.arg_as<ir::AxesArg>(n).axes >> i & 1) != 0)
            first.first[i] =
                ir::dim_sub(graph_, ir::dim_sub(graph_, graph_.shape(n)[i], own.first[i]), own.count[i]);
        break;
      case Op::Pad:
        for (size_t i = 0; i < first.first.size(); ++i)
          if (!is_whole(n, own, i)) {
            const auto [from, count] = cut(n, own, i);
            first.first[i] = Dim(from);
            first.count[i] = Dim(count);
          }
        break;
      case Op::Reshape:
        for (const auto& [from, to] : kept_axes(n)) copy(own, to, first, from);
        break;
      default:
        for (Box& b : out)
          if (!b.first.empty()) b = own;  // a scalar stays one
    }
    return out;
  }
  static void copy(const Box& from, size_t i, Box& to, size_t j) {
    to.first[j] = from.first[i];
    to.count[j] = from.count[i];
  }
  void slice_needs(Node n, const Box& own, Box& out) {
    const auto& arg = graph_.arg_as<ir::SliceArg>(n);
    for (size_t i = 0; i < own.first.size(); ++i) {
      if (arg.step[i] != 1) continue;  // all of that axis
      out.first[i] = ir::dim_add(graph_, arg.start[i], own.first[i]);
      out.count[i] = own.count[i];
    }
  }

  // The source, as far as it is made, cut to what is wanted of it.
  Node part(Node s, const Box& wanted) {
    const Box& there = box(s);
    ir::SliceArg arg;
    for (size_t i = 0; i < wanted.first.size(); ++i) {
      arg.start.push_back(ir::dim_sub(graph_, wanted.first[i], there.first[i]));
      arg.step.push_back(1);
    }
    return build_.slice(now_.get(s), arg, wanted.count);
  }

  Node made(Node n) {
    const Box own = box(n);
    if (graph_.sources(n).empty()) return n;
    const std::vector<Box> wanted = needs(n, own);
    std::vector<Node> sources;
    bool changed = !is_whole(n, own);
    for (size_t i = 0; i < wanted.size(); ++i) {
      const Node s = graph_.source(n, i);
      changed = changed || now_.get(s) != s;
      sources.push_back(s);
    }
    if (!changed) return n;
    graph_.set_origin(graph_.origin(n));
    for (size_t i = 0; i < wanted.size(); ++i) sources[i] = part(sources[i], wanted[i]);
    switch (graph_.op(n)) {
      case Op::Slice: return cut_slice(n, own, wanted[0], sources[0]);
      case Op::Expand: return build_.expand(sources[0], own.count);
      case Op::Reshape: return build_.reshape(sources[0], own.count);
      case Op::Pad: {
        ir::PadArg arg = graph_.arg_as<ir::PadArg>(n);
        for (size_t i = 0; i < own.first.size(); ++i) {
          if (is_whole(n, own, i)) continue;
          const int64_t low = std::max<int64_t>(arg.low[i].value - own.first[i].value, 0);
          arg.low[i] = Dim(low);
          arg.high[i] = Dim(own.count[i].value - low - wanted[0].count[i].value);
        }
        return build_.pad(sources[0], sources[1], std::move(arg));
      }
      default: {
        const ir::ShapeId shape = is_whole(n, own) ? graph_.shape_id(n) : graph_.intern_shape(own.count);
        return graph_.intern({graph_.op(n), graph_.dtype(n), shape, sources, &graph_.arg(n)});
      }
    }
  }

  // With steps, of the whole source still.
  Node cut_slice(Node n, const Box& own, const Box& wanted, Node source) {
    ir::SliceArg arg = graph_.arg_as<ir::SliceArg>(n);
    for (size_t i = 0; i < own.first.size(); ++i)
      arg.start[i] = arg.step[i] == 1 ? Dim(0) : ir::dim_sub(graph_, arg.start[i], wanted.first[i]);
    return build_.slice(source, std::move(arg), own.count);
  }

  ir::Graph& graph_;
  const ir::Builder build_;
  ir::SideTable<uint32_t> place_;
  std::vector<Box> boxes_;  // by place
  ir::SideTable<Node> now_;
};

}  // namespace

std::vector<Node> narrow_to_demand(ir::Graph& graph, std::span<const Node> roots) {
  return Narrower(graph).run(roots);
}

}  // namespace anneal::schedule
