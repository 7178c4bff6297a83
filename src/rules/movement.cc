// SPDX-License-Identifier: MIT
// Movement: chains become one op, ops that change nothing go, and a value that is the same everywhere is
// moved by saying its shape. Amounts and extents may be symbolic where a rule does not need to know them.
#include <algorithm>

#include "ir/dims.h"
#include "rules/rules.h"

namespace anneal::rules {
namespace {

using namespace rewrite;  // NOLINT: the surface rules are written in
using ir::Dim;
using ir::PadArg;
using ir::PermArg;
using ir::Shape;
using ir::SliceArg;

std::vector<Dim> shape_of(const MatchContext& c, Node n) {
  const Shape s = c.graph.shape(n);
  return {s.begin(), s.end()};
}
bool same_shape(const MatchContext& c, Node a, Node b) { return c.graph.shape_id(a) == c.graph.shape_id(b); }
bool is_full(const MatchContext& c, Node n) {
  return c.op(n) == Op::Expand && c.graph.rank(c.source(n, 0)) == 0;
}
Node inner(const MatchContext& c) { return c.source(c.root, 0); }

// -- Ops that change nothing --

bool changes_nothing(MatchContext& c) {
  const ir::Arg& arg = c.graph.arg(c.root);
  const Shape shape = c.graph.shape(c.root);
  if (!same_shape(c, c.root, inner(c))) return false;
  if (const auto* perm = std::get_if<PermArg>(&arg))
    return std::is_sorted(perm->perm.begin(), perm->perm.end());
  if (const auto* slice = std::get_if<SliceArg>(&arg)) {
    for (size_t i = 0; i < shape.size(); ++i)
      if (!slice->start[i].is(0) || (slice->step[i] != 1 && !shape[i].is(1))) return false;
    return true;
  }
  const auto* flip = std::get_if<ir::AxesArg>(&arg);
  for (size_t i = 0; flip != nullptr && i < shape.size(); ++i)
    if ((flip->axes >> i & 1) != 0 && !shape[i].is(1)) return false;
  return true;
}
bool pads_nothing(MatchContext& c) {
  const auto& pad = c.graph.arg_as<PadArg>(c.root);
  const Shape from = c.graph.shape(c.x());
  for (size_t i = 0; i < pad.low.size(); ++i)
    if (!pad.low[i].is(0) || !pad.high[i].is(0) || (pad.interior[i] != 0 && !from[i].is(1) && !from[i].is(0)))
      return false;
  return same_shape(c, c.root, c.x());
}

// -- Two of a kind --

Node reshape_twice(MatchContext& c) { return c.build().reshape(c.x(), c.graph.shape(c.root)); }
Node expand_twice(MatchContext& c) { return c.build().expand(c.x(), c.graph.shape(c.root)); }

Node permute_twice(MatchContext& c) {
  const auto &outer = c.graph.arg_as<PermArg>(c.root).perm, &first = c.graph.arg_as<PermArg>(inner(c)).perm;
  std::vector<uint8_t> both;
  for (uint8_t axis : outer) both.push_back(first[axis]);
  return c.build().permute(c.x(), both);
}

Node flip_twice(MatchContext& c) {
  return c.build().flip(
      c.x(), c.graph.arg_as<ir::AxesArg>(c.root).axes ^ c.graph.arg_as<ir::AxesArg>(inner(c)).axes);
}

Node slice_twice(MatchContext& c) {
  const SliceArg outer = c.graph.arg_as<SliceArg>(c.root), first = c.graph.arg_as<SliceArg>(inner(c));
  SliceArg both = first;
  for (size_t i = 0; i < both.start.size(); ++i) {
    both.start[i] =
        ir::dim_add(c.graph, first.start[i], ir::dim_mul(c.graph, outer.start[i], Dim(first.step[i])));
    if (__builtin_mul_overflow(first.step[i], outer.step[i], &both.step[i])) return {};
  }
  return c.build().slice(c.x(), std::move(both), c.graph.shape(c.root));
}

Node pad_twice(MatchContext& c) {
  const PadArg outer = c.graph.arg_as<PadArg>(c.root), first = c.graph.arg_as<PadArg>(inner(c));
  PadArg both = first;
  for (size_t i = 0; i < both.low.size(); ++i) {
    // Interior elements of the outer pad would fall between those of the inner one.
    if (outer.interior[i] != 0) return {};
    both.low[i] = ir::dim_add(c.graph, outer.low[i], first.low[i]);
    both.high[i] = ir::dim_add(c.graph, first.high[i], outer.high[i]);
  }
  return c.build().pad(c.x(), c.y(), std::move(both));
}

Node concat_flat(MatchContext& c) {
  const auto axis = c.graph.arg_as<ir::AxisArg>(c.root).axis;
  const auto joins = [&](Node n) {
    return c.op(n) == Op::Concat && c.graph.arg_as<ir::AxisArg>(n).axis == axis;
  };
  std::vector<Node> parts;
  bool changed = false;
  for (Node part : c.graph.sources(c.root)) {
    if (joins(part)) {
      const std::span<const Node> more = c.graph.sources(part);
      parts.insert(parts.end(), more.begin(), more.end());
      changed = true;
    } else if (c.graph.shape(part)[static_cast<size_t>(axis)].is(0)) {
      changed = true;  // an empty part
    } else {
      parts.push_back(part);
    }
  }
  if (parts.empty()) parts.push_back(c.source(c.root, 0));
  return changed || parts.size() == 1 ? c.build().concat(parts, axis) : Node{};
}

// -- Slices of what was put together --

struct Run {
  int64_t begin, end;  // a slice's elements along one axis: [begin, end) of the source
};
bool static_run(const SliceArg& slice, const Dim& extent, size_t i, Run* out) {
  if (!slice.start[i].is_const() || !extent.is_const() || extent.value == 0) return false;
  *out = {slice.start[i].value, slice.start[i].value + (extent.value - 1) * slice.step[i] + 1};
  return true;
}

// slice(pad(x)) is a pad of a slice, where either may vanish; all fill when the slice misses x.
Node slice_of_pad(MatchContext& c) {
  const SliceArg slice = c.graph.arg_as<SliceArg>(c.root);
  PadArg pad = c.graph.arg_as<PadArg>(inner(c));
  const std::vector<Dim> to = shape_of(c, c.root), from = shape_of(c, c.x());
  SliceArg kept{std::vector<Dim>(to.size()), slice.step};
  std::vector<Dim> kept_shape(to.size());
  for (size_t i = 0; i < to.size(); ++i) {
    Run run;
    if (pad.interior[i] != 0 || !pad.low[i].is_const() || !from[i].is_const() ||
        !static_run(slice, to[i], i, &run))
      return {};
    const int64_t low = pad.low[i].value, high = low + from[i].value;
    const int64_t begin = std::max(run.begin, low), end = std::min(run.end, high);
    if (begin >= end) return c.build().expand(c.y(), to);
    // A stride that leaves the data and comes back would need its phase.
    if (slice.step[i] != 1 && (begin != run.begin || end != run.end)) return {};
    kept.start[i] = Dim(begin - low);
    kept_shape[i] = slice.step[i] == 1 ? Dim(end - begin) : to[i];
    pad.low[i] = Dim(begin - run.begin);
    pad.high[i] = Dim(run.end - end);
  }
  const Node data = c.build().slice(c.x(), std::move(kept), kept_shape);
  return c.build().pad(data, c.y(), std::move(pad));
}

Node slice_of_concat(MatchContext& c) {
  SliceArg slice = c.graph.arg_as<SliceArg>(c.root);
  const auto axis = static_cast<size_t>(c.graph.arg_as<ir::AxisArg>(inner(c)).axis);
  Run run;
  if (!static_run(slice, c.graph.shape(c.root)[axis], axis, &run)) return {};
  int64_t begin = 0;
  for (Node part : c.graph.sources(inner(c))) {
    const Dim extent = c.graph.shape(part)[axis];
    if (!extent.is_const()) return {};
    const int64_t end = begin + extent.value;
    if (run.begin >= begin && run.end <= end) {
      slice.start[axis] = Dim(run.begin - begin);
      return c.build().slice(part, std::move(slice), c.graph.shape(c.root));
    }
    begin = end;
  }
  return {};
}

// Repeated axes are only shortened; the others are sliced before the repetition.
Node slice_of_expand(MatchContext& c) {
  SliceArg slice = c.graph.arg_as<SliceArg>(c.root);
  const std::vector<Dim> from = shape_of(c, c.x()), wide = shape_of(c, inner(c)), to = shape_of(c, c.root);
  if (from.size() != to.size()) return {};
  std::vector<Dim> kept = to;
  for (size_t i = 0; i < to.size(); ++i) {
    if (from[i] == wide[i]) continue;
    slice.start[i] = Dim(0);
    slice.step[i] = 1;
    kept[i] = Dim(1);
  }
  return c.build().expand(c.build().slice(c.x(), std::move(slice), kept), to);
}

// -- Values that are the same everywhere --

bool x_is_scalar(MatchContext& c) { return c.graph.rank(c.x()) == 0; }
Node full_of_x(MatchContext& c) {
  return c.graph.rank(c.root) == 0 ? c.x() : c.build().expand(c.x(), c.graph.shape(c.root));
}

Node concat_of_full(MatchContext& c) {
  const Node first = c.source(c.root, 0);
  for (Node part : c.graph.sources(c.root))
    if (!is_full(c, part) || c.source(part, 0) != c.source(first, 0)) return {};
  return c.build().expand(c.source(first, 0), c.graph.shape(c.root));
}

Node iota_of_one(MatchContext& c) {
  const auto axis = static_cast<size_t>(c.graph.arg_as<ir::AxisArg>(c.root).axis);
  return c.graph.shape(c.root)[axis].is(1) ? c.number(0, c.graph.dtype(c.root)) : Node{};
}

// The order of the axes that have more than one element stays.
Node permute_of_unit_axes(MatchContext& c) {
  const Shape from = c.graph.shape(c.x());
  int last = -1;
  for (uint8_t axis : c.graph.arg_as<PermArg>(c.root).perm) {
    if (from[axis].is(1)) continue;
    if (axis < last) return {};
    last = axis;
  }
  return c.build().reshape(c.x(), c.graph.shape(c.root));
}

// f(expand(s), x) = f(s, x) for a scalar s: a scalar source of an elementwise op stands for every position.
Node scalar_sources(MatchContext& c) {
  const std::span<const Node> sources = c.graph.sources(c.root);
  std::vector<Node> direct;
  bool changed = false;
  for (Node s : sources) {
    changed = changed || is_full(c, s);
    direct.push_back(is_full(c, s) ? c.source(s, 0) : s);
  }
  if (!changed) return {};
  return c.same_op(direct);
}

// f(expand(x), expand(y), s) = expand(f(x, y, s)): fewer elements are computed.
Node compute_before_expand(MatchContext& c) {
  std::vector<Node> small;
  Node first;
  for (Node s : c.graph.sources(c.root)) {
    if (c.graph.rank(s) == 0) {
      small.push_back(s);
      continue;
    }
    if (c.op(s) != Op::Expand) return {};
    small.push_back(c.source(s, 0));
    if (!first) first = small.back();
    if (!same_shape(c, first, small.back())) return {};
  }
  return c.build().expand(c.same_op(small), c.graph.shape(c.root));
}

}  // namespace

std::vector<Rule> movement_rules() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  const auto moved = [](Op op, const Pattern& a) { return unary(op, a); };
  const auto twice = [&](Op op) { return moved(op, moved(op, letters().x)); };
  const Guard nothing{"same shape, no amounts", changes_nothing}, scalar{"x is a scalar", x_is_scalar};
  const Pattern pad = binary(Op::Pad, x, y);
  return {
      {"reshape-nothing", "reshape(x) = x to the same shape", moved(Op::Reshape, x), x, nothing},
      {"expand-nothing", "expand(x) = x to the same shape", moved(Op::Expand, x), x, nothing},
      {"permute-nothing", "permute(x) = x in order", moved(Op::Permute, x), x, nothing},
      {"slice-nothing", "slice(x) = x of everything", moved(Op::Slice, x), x, nothing},
      {"flip-nothing", "flip(x) = x of axes with one element", moved(Op::Flip, x), x, nothing},
      {"pad-nothing", "pad(x) = x by 0", pad, x, Guard{"all amounts are 0", pads_nothing}},

      {"reshape-reshape", "reshape(reshape(x)) = reshape(x)", twice(Op::Reshape), reshape_twice},
      {"expand-expand", "expand(expand(x)) = expand(x)", twice(Op::Expand), expand_twice},
      {"permute-permute", "permute(permute(x)) = permute(x)", twice(Op::Permute), permute_twice},
      {"flip-flip", "flip(flip(x)) = flip(x), or x", twice(Op::Flip), flip_twice},
      {"slice-slice", "slice(slice(x)) = slice(x)", twice(Op::Slice), slice_twice},
      {"pad-pad", "pad(pad(x, y), y) = pad(x, y)", binary(Op::Pad, pad, y), pad_twice},
      {"concat-flat", "concat of concats is one, empty parts go, concat(x) = x", any_sources(Op::Concat),
       concat_flat},

      {"slice-pad", "slice(pad(x)) = pad(slice(x)), where either may vanish", moved(Op::Slice, pad),
       slice_of_pad},
      {"slice-concat", "slice(concat(.., x, ..)) = slice(x) when it lies within x",
       moved(Op::Slice, any_sources(Op::Concat)), slice_of_concat},
      {"slice-expand", "slice(expand(x)) = expand(slice(x))", moved(Op::Slice, moved(Op::Expand, x)),
       slice_of_expand},

      {"reshape-scalar", "reshape(x) = expand(x) for a scalar x", moved(Op::Reshape, x), full_of_x, scalar},
      {"move-full", "m(expand(x)) = expand(x) for a scalar x, m a reshape, expand, permute, slice or flip",
       f(ir::kMovement, moved(Op::Expand, x)), full_of_x, scalar},
      {"pad-full", "pad(expand(x), x) = expand(x) for a scalar x", binary(Op::Pad, moved(Op::Expand, x), x),
       full_of_x, scalar},
      {"concat-full", "concat(expand(x), expand(x)) = expand(x) for a scalar x", any_sources(Op::Concat),
       concat_of_full},
      {"iota-one", "iota of one element is 0", any_sources(Op::Iota), iota_of_one},
      {"permute-unit-axes", "permute(x) = reshape(x) when only axes of one element move",
       moved(Op::Permute, x), permute_of_unit_axes},
      {"scalar-source", "f(expand(x), y) = f(x, y) for a scalar x", any_op(ir::kElementwise, {}),
       scalar_sources, tensors_only},
      {"compute-before-expand", "f(expand(x), expand(y)) = expand(f(x, y))", any_op(ir::kElementwise, {}),
       compute_before_expand, tensors_only},
      {"stop-gradient-twice", "stop_gradient(stop_gradient(x)) = stop_gradient(x)", twice(Op::StopGradient),
       unary(Op::StopGradient, x)},
  };
}

}  // namespace anneal::rules
