// SPDX-License-Identifier: MIT
// Shapes and movement: all of it is index arithmetic over reshape, expand, permute, pad, slice, flip and
// concat. Parts of an axis are in slice.cc, padding in pad.cc.
#include <algorithm>
#include <numeric>

#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"
#include "tensor/extents.h"

namespace anneal {

using ir::Dim;
using ir::Node;

namespace {

// The extent that the others leave of so many elements, or nothing where there is none at any binding. Where
// only the binding tells whether it is whole, it is the floor, and the reshape is checked when it runs.
std::optional<Dim> rest_of(const Call& call, Dim total, Dim known) {
  if (known.is(0)) return std::nullopt;
  const Dim rest = ir::dim_floordiv(call.g, total, known);
  const Dim whole = ir::dim_mul(call.g, rest, known);
  if (ir::dim_equal(call.g, total, whole) == ir::Tri::kFalse) return std::nullopt;
  if (!known.is_const() || total.is_const()) return rest;
  ir::BoundsOf bounds(call.g);
  const ir::Bounds& b = bounds(total);
  return b.remainder % std::gcd(b.modulus, known.value) == 0 ? std::optional(rest) : std::nullopt;
}

// Replaces one -1 by what the element count leaves for it.
std::vector<Dim> resolve(const Call& call, Node n, const Sizes& sizes) {
  std::vector<Dim> out;
  std::optional<size_t> open;
  Dim known(1);
  for (const Extent& e : sizes) {
    if (e.is_const() && e.value() == -1) {
      if (open) call.fail(ErrorCode::kShape, "only one extent can be -1");
      open = out.size();
      out.push_back(Dim(1));
      continue;
    }
    if (e.is_const() && e.value() < 0)
      call.fail(ErrorCode::kShape,
                "negative extent " + std::to_string(e.value()) + " on axis " + std::to_string(out.size()));
    out.push_back(to_dim(e));
    known = ir::dim_mul(call.g, known, out.back());
  }
  const Dim total = ir::dim_product(call.g, call.g.shape(n));
  if (open) {
    const std::optional<Dim> rest = rest_of(call, total, known);
    if (!rest)
      call.fail(ErrorCode::kShape, ir::dim_text(call.g, total) + " elements do not divide by " +
                                       ir::dim_text(call.g, known) + ", the product of the other extents");
    out[*open] = *rest;
  } else if (ir::dim_equal(call.g, total, known) == ir::Tri::kFalse) {
    call.fail(ErrorCode::kShape, ir::shape_text(call.g, call.g.shape(n)) + " has " +
                                     ir::dim_text(call.g, total) + " elements, " +
                                     ir::shape_text(call.g, out) + " has " + ir::dim_text(call.g, known));
  }
  return out;
}

}  // namespace

// -- Shapes --

Tensor reshape(In x, const Sizes& sizes) {
  const Call call("reshape", {&x});
  const Node n = call.node(x);
  return wrap(call.b.reshape(n, resolve(call, n, sizes)));
}

Tensor view(In x, const Sizes& sizes) {
  const Call call("view", {&x});
  return reshape(x, sizes);
}

Tensor flatten(In x, int first, int last) {
  const Call call("flatten", {&x});
  const Node n = call.node(x);
  const std::vector<Dim> shape = call.shape(n);
  if (shape.empty()) return wrap(call.b.reshape(n, std::vector<Dim>{Dim(1)}));
  const auto from = static_cast<size_t>(call.axis(first, shape.size())),
             to = static_cast<size_t>(call.axis(last, shape.size()));
  if (from > to) call.fail(ErrorCode::kArgument, "the first axis lies behind the last");
  std::vector<Dim> out(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(from));
  out.push_back(ir::dim_product(call.g, std::span(shape).subspan(from, to - from + 1)));
  out.insert(out.end(), shape.begin() + static_cast<std::ptrdiff_t>(to) + 1, shape.end());
  return wrap(call.b.reshape(n, out));
}

Tensor unflatten(In x, int axis, const Sizes& sizes) {
  Call call("unflatten", {&x});
  call.stands_for("reshape");
  const Tensor t = wrap(call.node(x));
  const auto a = static_cast<size_t>(call.axis(axis, static_cast<size_t>(t.rank())));
  Sizes out = t.sizes(), inner = sizes;
  Extent known = 1;
  for (const Extent& e : inner)
    if (!(e.is_const() && e.value() == -1)) known = known * e;
  for (Extent& e : inner)
    if (e.is_const() && e.value() == -1) {
      const bool divides = !known.is_const() || (known.value() != 0 &&
                                                 (!out[a].is_const() || out[a].value() % known.value() == 0));
      if (!divides)
        call.fail(ErrorCode::kShape, "axis " + std::to_string(axis) + " of " + t.type() + " has extent " +
                                         out[a].str() + ", which " + known.str() + " does not divide");
      e = out[a] / known;
    }
  out.erase(out.begin() + static_cast<std::ptrdiff_t>(a));
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(a), inner.begin(), inner.end());
  return reshape(t, out);
}

Tensor unsqueeze(In x, int axis) {
  const Call call("unsqueeze", {&x});
  const Node n = call.node(x);
  std::vector<Dim> shape = call.shape(n);
  const auto rank = static_cast<int>(shape.size()) + 1;
  if (axis < -rank || axis >= rank)
    call.fail(ErrorCode::kArgument, "axis " + std::to_string(axis) + " is out of range: the result of rank " +
                                        std::to_string(rank) + " has axes " + std::to_string(-rank) + " to " +
                                        std::to_string(rank - 1));
  shape.insert(shape.begin() + call.axis(axis, shape.size() + 1), Dim(1));
  return wrap(call.b.reshape(n, shape));
}

Tensor squeeze(In x, const Axes& axes) {
  const Call call("squeeze", {&x});
  const Node n = call.node(x);
  const std::vector<Dim> shape = call.shape(n);
  const ir::AxisMask mask = call.axes(axes, shape.size());
  std::vector<Dim> out;
  for (size_t i = 0; i < shape.size(); ++i)
    if ((mask >> i & 1) == 0 || !shape[i].is(1)) out.push_back(shape[i]);
  return wrap(call.b.reshape(n, out));
}

Tensor permute(In x, const std::vector<int>& axes) {
  const Call call("permute", {&x});
  const Node n = call.node(x);
  const auto rank = static_cast<size_t>(call.g.rank(n));
  if (axes.size() != rank)
    call.fail(ErrorCode::kArgument,
              std::to_string(axes.size()) + " axes for a tensor of rank " + std::to_string(rank));
  std::vector<uint8_t> perm;
  for (int a : axes) {
    const auto p = static_cast<uint8_t>(call.axis(a, rank));
    if (std::find(perm.begin(), perm.end(), p) != perm.end())
      call.fail(ErrorCode::kArgument, "axis " + std::to_string(a) + " is named twice");
    perm.push_back(p);
  }
  return wrap(call.b.permute(n, perm));
}

Tensor transpose(In x, int a, int b) {
  const Call call("transpose", {&x});
  const Node n = call.node(x);
  const auto rank = static_cast<size_t>(call.g.rank(n));
  std::vector<uint8_t> perm(rank);
  for (size_t i = 0; i < rank; ++i) perm[i] = static_cast<uint8_t>(i);
  const auto first = static_cast<size_t>(call.axis(a, rank)),
             second = static_cast<size_t>(call.axis(b, rank));
  std::swap(perm[first], perm[second]);
  return wrap(call.b.permute(n, perm));
}

Tensor movedim(In x, const std::vector<int>& from, const std::vector<int>& to) {
  const Call call("movedim", {&x});
  const Node n = call.node(x);
  const auto rank = static_cast<size_t>(call.g.rank(n));
  if (from.size() != to.size())
    call.fail(ErrorCode::kArgument, "as many axes must be moved as there are places");
  std::vector<int> perm(rank, -1);
  std::vector<bool> moved(rank, false);
  for (size_t i = 0; i < from.size(); ++i) {
    const auto source = static_cast<size_t>(call.axis(from[i], rank)),
               place = static_cast<size_t>(call.axis(to[i], rank));
    if (perm[place] >= 0 || moved[source]) call.fail(ErrorCode::kArgument, "an axis is named twice");
    perm[place] = static_cast<int>(source);
    moved[source] = true;
  }
  size_t next = 0;
  for (int& p : perm) {
    if (p >= 0) continue;
    while (moved[next]) ++next;
    p = static_cast<int>(next++);
  }
  return permute(x, perm);
}

Tensor expand(In x, const Sizes& sizes) {
  const Call call("expand", {&x});
  const Node n = call.node(x);
  const std::vector<Dim> shape = call.shape(n);
  if (sizes.size() < shape.size())
    call.fail(ErrorCode::kShape,
              "to rank " + std::to_string(sizes.size()) + " from rank " + std::to_string(shape.size()));
  std::vector<Dim> out;
  const size_t added = sizes.size() - shape.size();
  for (size_t i = 0; i < sizes.size(); ++i) {
    const bool keep = sizes[i].is_const() && sizes[i].value() == -1;
    if (keep && i < added) call.fail(ErrorCode::kShape, "-1 stands for no extent on a new axis");
    out.push_back(keep ? shape[i - added] : to_dim(sizes[i]));
    if (i < added || out[i] == shape[i - added] || shape[i - added].is(1)) continue;
    if (ir::dim_equal(call.g, out[i], shape[i - added]) == ir::Tri::kFalse)
      call.fail(ErrorCode::kShape, ir::shape_text(call.g, shape) + " does not expand: axis " +
                                       std::to_string(i) + " has " + ir::dim_text(call.g, shape[i - added]) +
                                       ", neither 1 nor " + ir::dim_text(call.g, out[i]));
  }
  return wrap(call.b.expand(call.broadcast(n, out), out));
}

Tensor broadcast_to(In x, const Sizes& sizes) {
  const Call call("broadcast_to", {&x});
  return expand(x, sizes);
}

Tensor flip(In x, const Axes& axes) {
  const Call call("flip", {&x});
  const Node n = call.node(x);
  return wrap(call.b.flip(n, call.axes(axes, static_cast<size_t>(call.g.rank(n)))));
}

Tensor expand_as(In x, In other) {
  const Call call("expand_as", {&x, &other});
  return expand(x, wrap(call.node(other)).sizes());
}

Tensor rot90(In x, int64_t turns, int a, int b) {
  const Call call("rot90", {&x});
  Tensor t = wrap(call.node(x));
  const auto rank = static_cast<size_t>(t.rank());
  const int from = call.axis(a, rank), to = call.axis(b, rank);
  if (from == to) call.fail(ErrorCode::kArgument, "axis " + std::to_string(from) + " is named twice");
  for (int64_t left = ((turns % 4) + 4) % 4; left > 0; --left) t = flip(transpose(t, from, to), from);
  return t;
}

// -- Joining and parting --

Tensor cat(const std::vector<Tensor>& parts, int axis, Loc loc) {
  const Call call("cat", parts, loc);
  if (parts.empty()) call.fail(ErrorCode::kArgument, "needs at least one tensor");
  DType t = DType::kVoid;
  for (const Tensor& p : parts) {
    if (!p.defined()) call.fail(ErrorCode::kArgument, "one of the tensors is empty");
    t = t == DType::kVoid ? call.g.dtype(node_of(p)) : promote(t, call.g.dtype(node_of(p)));
  }
  const ir::Shape first = call.g.shape(node_of(parts[0]));
  const int a = call.axis(axis, first.size());
  std::vector<Node> nodes;
  for (size_t i = 0; i < parts.size(); ++i) {
    const ir::Shape shape = call.g.shape(node_of(parts[i]));
    bool fits = shape.size() == first.size();
    for (size_t d = 0; fits && d < shape.size(); ++d)
      fits = d == static_cast<size_t>(a) || ir::dim_equal(call.g, shape[d], first[d]) != ir::Tri::kFalse;
    if (!fits)
      call.fail(ErrorCode::kShape, "tensor " + std::to_string(i) + " has shape " +
                                       ir::shape_text(call.g, shape) + ", which differs from " +
                                       ir::shape_text(call.g, first) + " off axis " + std::to_string(a));
    nodes.push_back(call.b.cast(node_of(parts[i]), t));
  }
  return wrap(call.b.concat(nodes, a));
}

Tensor stack(const std::vector<Tensor>& parts, int axis, Loc loc) {
  const Call call("stack", parts, loc);
  if (parts.empty()) call.fail(ErrorCode::kArgument, "needs at least one tensor");
  const std::vector<Dim> first = call.shape(node_of(parts[0]));
  const int a = call.axis(axis, first.size() + 1);
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::vector<Dim> shape = call.shape(node_of(parts[i]));
    const auto may_equal = [&](Dim m, Dim n) { return ir::dim_equal(call.g, m, n) != ir::Tri::kFalse; };
    if (!std::equal(shape.begin(), shape.end(), first.begin(), first.end(), may_equal))
      call.fail(ErrorCode::kShape, "tensor " + std::to_string(i) + " has shape " +
                                       ir::shape_text(call.g, shape) + ", not " +
                                       ir::shape_text(call.g, first));
  }
  std::vector<Tensor> wide;
  for (const Tensor& p : parts) wide.push_back(unsqueeze(p, a));
  return cat(wide, a, loc);
}

Tensor hstack(const std::vector<Tensor>& parts, Loc loc) {
  const Call call("hstack", parts, loc);
  if (parts.empty()) call.fail(ErrorCode::kArgument, "needs at least one tensor");
  std::vector<Tensor> rows;
  for (const Tensor& t : parts) rows.push_back(t.rank() == 0 ? unsqueeze(t, 0) : t);
  return cat(rows, rows[0].rank() == 1 ? 0 : 1, loc);
}

Tensor vstack(const std::vector<Tensor>& parts, Loc loc) {
  const Call call("vstack", parts, loc);
  if (parts.empty()) call.fail(ErrorCode::kArgument, "needs at least one tensor");
  std::vector<Tensor> rows;
  for (const Tensor& t : parts)
    rows.push_back(t.rank() == 0 ? reshape(t, {1, 1}) : t.rank() == 1 ? unsqueeze(t, 0) : t);
  return cat(rows, 0, loc);
}

// -- Repetition --

Tensor tile(In x, const std::vector<int64_t>& reps) {
  const Call call("tile", {&x});
  const Tensor t = wrap(call.node(x));
  const auto rank = static_cast<size_t>(t.rank());
  const size_t out_rank = std::max(rank, reps.size());
  Sizes split_shape, repeated, out;
  const Sizes from = t.sizes();
  for (size_t i = 0; i < out_rank; ++i) {
    const Extent extent = i + rank < out_rank ? Extent(1) : from[i + rank - out_rank];
    const int64_t times = i + reps.size() < out_rank ? 1 : reps[i + reps.size() - out_rank];
    if (times < 0) call.fail(ErrorCode::kArgument, "a repetition is negative");
    split_shape.push_back(1);
    split_shape.push_back(extent);
    repeated.push_back(times);
    repeated.push_back(extent);
    out.push_back(extent * times);
  }
  return reshape(expand(reshape(t, split_shape), repeated), out);
}

Tensor repeat_interleave(In x, int64_t repeats, int axis) {
  const Call call("repeat_interleave", {&x});
  const Tensor t = wrap(call.node(x));
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  if (repeats < 0) call.fail(ErrorCode::kArgument, "the repetition is negative");
  Sizes wide = t.sizes(), out = t.sizes();
  wide.insert(wide.begin() + a + 1, repeats);
  out[static_cast<size_t>(a)] = out[static_cast<size_t>(a)] * repeats;
  return reshape(expand(unsqueeze(t, a + 1), wide), out);
}

// -- Pixels --

namespace {

// x as [N, C, H, W], and a factor that is not too small.
Tensor image_of(const Call& call, const In& x, int64_t factor) {
  const Tensor t = wrap(call.node(x));
  if (t.rank() != 4) call.fail(ErrorCode::kShape, "takes [batch, channels, height, width], not " + t.type());
  if (factor < 1 || factor > int64_t{1} << 20)
    call.fail(ErrorCode::kArgument, "a factor of " + std::to_string(factor) + ": from 1 to 2^20 make sense");
  return t;
}

Extent divided(const Call& call, const Tensor& t, int axis, int64_t by) {
  const std::optional<Dim> part = whole_quotient(call, to_dim(t.size(axis)), by);
  if (!part)
    call.fail(ErrorCode::kShape, "axis " + std::to_string(axis) + " of " + t.size(axis).str() +
                                     " does not divide by " + std::to_string(by) +
                                     (t.size(axis).is_const() ? "" : " at every binding"));
  return to_extent(*part);
}

}  // namespace

Tensor pixel_shuffle(In x, int64_t factor) {
  const Call call("pixel_shuffle", {&x});
  const Tensor t = image_of(call, x, factor);
  const Extent channels = divided(call, t, 1, factor * factor), height = t.size(2), width = t.size(3);
  const Tensor parted = reshape(t, {t.size(0), channels, factor, factor, height, width});
  return reshape(permute(parted, {0, 1, 4, 2, 5, 3}), {t.size(0), channels, height * factor, width * factor});
}

Tensor pixel_unshuffle(In x, int64_t factor) {
  const Call call("pixel_unshuffle", {&x});
  const Tensor t = image_of(call, x, factor);
  const Extent channels = t.size(1), height = divided(call, t, 2, factor),
               width = divided(call, t, 3, factor);
  const Tensor parted = reshape(t, {t.size(0), channels, height, factor, width, factor});
  return reshape(permute(parted, {0, 1, 3, 5, 2, 4}),
                 {t.size(0), channels * (factor * factor), height, width});
}

}  // namespace anneal
