// SPDX-License-Identifier: MIT
// Parts of an axis: slices, rolls and splits. Bounds are Dim arithmetic throughout, so that a symbolic axis
// takes what a known one does; where a bound can lie on either side of the extent, the lesser or the greater
// is an expression as well. Tested by movement_test.cc and symbolic_test.cc.
#include <algorithm>

#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"
#include "tensor/extents.h"

namespace anneal {

using ir::Dim;
using ir::Node;
using ir::Tri;

namespace {

ir::SliceArg whole_slice(size_t rank) {
  return {std::vector<Dim>(rank, Dim(0)), std::vector<int64_t>(rank, 1)};
}

}  // namespace

Tensor narrow(In x, int axis, const Extent& start, const Extent& length) {
  const Call call("narrow", {&x});
  const Node n = call.node(x);
  std::vector<Dim> shape = call.shape(n);
  const auto a = static_cast<size_t>(call.axis(axis, shape.size()));
  ir::SliceArg arg = whole_slice(shape.size());
  arg.start[a] = to_dim(start);
  const Dim end = ir::dim_add(call.g, arg.start[a], to_dim(length));
  if (ir::dim_max(call.g, to_dim(length)) < 0)
    call.fail(ErrorCode::kArgument, "the length " + length.str() + " is negative");
  if (ir::dim_max(call.g, arg.start[a]) < 0 || ir::dim_less_equal(call.g, end, shape[a]) == Tri::kFalse)
    call.fail(ErrorCode::kArgument, "elements " + start.str() + " to " + ir::dim_text(call.g, end) +
                                        " of axis " + std::to_string(a) + ", which has " +
                                        ir::dim_text(call.g, shape[a]));
  shape[a] = to_dim(length);
  return wrap(call.b.slice(n, arg, shape));
}

// -- Slices --

namespace {

// Every step-th element from `start`, of the axis or of its reverse.
struct AxisSlice {
  Dim start, count;
  int64_t step = 1;
  bool reversed = false;
};

// Python's rules: bounds clamp, negative ones count from the end.
AxisSlice resolve_slice(const Call& call, const Index& index, Dim extent) {
  // Beyond every extent, and far enough from the ends of 64 bits to count with.
  constexpr int64_t kFar = int64_t{1} << 62;
  ir::Graph& g = call.g;
  // A step beyond the extent takes one element, however long it is.
  const int64_t longest = std::max<int64_t>(1, ir::dim_max(g, extent));
  const auto clamped = [&](const Bound& bound, Dim open, Dim low, Dim high) {
    if (!bound.value) return open;
    const int64_t v = std::clamp(*bound.value, -kFar, kFar);
    return lesser(call, greater(call, v < 0 ? ir::dim_add(g, extent, Dim(v)) : Dim(v), low), high);
  };
  const auto taken = [&](Dim span, int64_t step) {  // ceil(span / step)
    const Dim last = ir::dim_sub(g, greater(call, span, Dim(0)), Dim(1));
    return ir::dim_add(g, ir::dim_floordiv(g, last, Dim(step)), Dim(1));
  };
  if (index.step > 0) {
    const Dim first = clamped(index.start, Dim(0), Dim(0), extent),
              stop = clamped(index.stop, extent, Dim(0), extent);
    const int64_t step = std::min(index.step, longest);
    return {first, taken(ir::dim_sub(g, stop, first), step), step, false};
  }
  const int64_t step = std::min(-std::max(index.step, -INT64_MAX), longest);
  const Dim end = ir::dim_sub(g, extent, Dim(1)), first = clamped(index.start, end, Dim(-1), end),
            stop = clamped(index.stop, Dim(-1), Dim(-1), end);
  return {ir::dim_sub(g, end, first), taken(ir::dim_sub(g, first, stop), step), step, true};
}

Dim select_position(const Call& call, int64_t at, Dim extent, size_t axis) {
  const Dim position = at < 0 ? ir::dim_add(call.g, extent, Dim(at)) : Dim(at);
  if (ir::dim_max(call.g, position) < 0 ||
      ir::dim_less_equal(call.g, extent, position) == Tri::kTrue)  // what may fit is checked at run time
    call.fail(ErrorCode::kArgument, "position " + std::to_string(at) + " is out of range for axis " +
                                        std::to_string(axis) + " of " + ir::dim_text(call.g, extent));
  return position;
}

// A strided slice that may be empty has no adjoint as a pad: nothing would say how far apart its elements
// lie. Filled up to whole steps, the axis parts into [count, step], and the first column is wanted.
Node every_nth(const Call& call, Node n, size_t axis, const AxisSlice& s) {
  std::vector<Dim> shape = call.shape(n);
  const Dim rest = ir::dim_sub(call.g, shape[axis], s.start);
  ir::SliceArg tail = whole_slice(shape.size());
  tail.start[axis] = s.start;
  shape[axis] = rest;
  n = call.b.slice(n, tail, shape);
  // The slice may also end before the axis does.
  const Dim whole = ir::dim_mul(call.g, s.count, Dim(s.step)), held = lesser(call, rest, whole);
  shape[axis] = held;
  n = call.b.slice(n, whole_slice(shape.size()), shape);
  ir::PadArg fill{std::vector<Dim>(shape.size(), Dim(0)), std::vector<Dim>(shape.size(), Dim(0)),
                  std::vector<int64_t>(shape.size(), 0)};
  fill.high[axis] = ir::dim_sub(call.g, whole, held);
  n = call.b.pad(n, call.b.constant_int(0, call.g.dtype(n)), fill);
  const auto at = static_cast<std::ptrdiff_t>(axis);
  shape[axis] = s.count;
  std::vector<Dim> parted = shape;
  parted.insert(parted.begin() + at + 1, Dim(s.step));
  n = call.b.reshape(n, parted);
  parted[axis + 1] = Dim(1);
  return call.b.reshape(call.b.slice(n, whole_slice(parted.size()), parted), shape);
}

}  // namespace

Tensor slice(In x, const std::vector<Index>& indices) {
  const Call call("slice", {&x});
  Node n = call.node(x);
  std::vector<Dim> shape = call.shape(n), kept;
  if (indices.size() > shape.size())
    call.fail(ErrorCode::kArgument, std::to_string(indices.size()) + " indices for a tensor of rank " +
                                        std::to_string(shape.size()));
  ir::SliceArg arg = whole_slice(shape.size());
  ir::AxisMask reversed = 0, dropped = 0;
  std::vector<std::pair<size_t, AxisSlice>> apart;  // axes that one slice cannot take along
  for (size_t i = 0; i < indices.size(); ++i) {
    const Index& index = indices[i];
    const bool whole = !index.select && !index.start.value && !index.stop.value && index.step == 1;
    if (whole) continue;
    if (index.step == 0) call.fail(ErrorCode::kArgument, "the step of axis " + std::to_string(i) + " is 0");
    if (index.select) {
      arg.start[i] = select_position(call, *index.start.value, shape[i], i);
      shape[i] = Dim(1);
      dropped |= 1u << i;
      continue;
    }
    const AxisSlice s = resolve_slice(call, index, shape[i]);
    if (s.reversed && !s.count.is(0)) reversed |= 1u << i;
    if (s.step != 1 && !s.count.is_const() && ir::dim_min(call.g, s.count) < 1) {
      apart.emplace_back(i, s);
      continue;
    }
    shape[i] = s.count;
    if (s.count.is(0)) continue;
    arg.start[i] = s.start;
    arg.step[i] = s.count.is(1) ? 1 : s.step;  // no second element: any step is as good
  }
  n = call.b.slice(call.b.flip(n, reversed), arg, shape);
  for (const auto& [axis, s] : apart) n = every_nth(call, n, axis, s);
  shape = call.shape(n);
  for (size_t i = 0; i < shape.size(); ++i)
    if ((dropped >> i & 1) == 0) kept.push_back(shape[i]);
  return wrap(call.b.reshape(n, kept));
}

Tensor select(In x, int axis, int64_t position) {
  const Call call("select", {&x});
  const Tensor t = wrap(call.node(x));
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  std::vector<Index> indices(static_cast<size_t>(a), Index(_));
  indices.emplace_back(position);
  return slice(t, indices);
}

// -- Rolls --

Tensor roll(In x, const std::vector<int64_t>& shifts, const Axes& axes) {
  const Call call("roll", {&x});
  Tensor t = wrap(call.node(x));
  if (axes.empty()) {
    if (shifts.size() != 1) call.fail(ErrorCode::kArgument, "several shifts need their axes");
    return reshape(roll(flatten(t), shifts, 0), t.sizes());
  }
  if (shifts.size() != axes.size()) call.fail(ErrorCode::kArgument, "as many shifts as axes are needed");
  for (size_t i = 0; i < axes.size(); ++i) {
    const int a = call.axis(axes[i], static_cast<size_t>(t.rank()));
    const Dim extent = to_dim(t.size(a));
    if (extent.is(0)) continue;
    // The shift in whole elements to the right, as it is where the extent is known to hold it.
    const int64_t shift = extent.is_const() ? shifts[i] % extent.value : shifts[i];
    Dim by = shift < 0 ? ir::dim_add(call.g, extent, Dim(shift)) : Dim(shift);
    if (ir::dim_min(call.g, by) < 0 || ir::dim_less_equal(call.g, by, extent) != Tri::kTrue)
      by = Dim(call.b.floormod(call.b.index(shift), extent.expr));
    if (by.is(0)) continue;
    const Extent back = to_extent(by), front = t.size(a) - back;
    t = cat({narrow(t, a, front, back), narrow(t, a, 0, front)}, a);
  }
  return t;
}

// -- Splits --

std::vector<Tensor> split(In x, const Sizes& sizes, int axis) {
  const Call call("split", {&x});
  Tensor t = wrap(call.node(x));
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  Dim total(0);
  for (const Extent& s : sizes) {
    if (ir::dim_max(call.g, to_dim(s)) < 0)
      call.fail(ErrorCode::kArgument, "a size of " + s.str() + ": it cannot be negative");
    total = ir::dim_add(call.g, total, to_dim(s));
  }
  std::vector<Dim> shape = call.shape(node_of(t));
  Dim& extent = shape[static_cast<size_t>(a)];
  const Tri same = ir::dim_equal(call.g, total, extent);
  if (same == Tri::kFalse)
    call.fail(ErrorCode::kShape, "the sizes add up to " + ir::dim_text(call.g, total) + ", axis " +
                                     std::to_string(a) + " has " + ir::dim_text(call.g, extent));
  if (same == Tri::kUnknown) {  // the reshape compares them when values are bound
    extent = total;
    t = wrap(call.b.reshape(node_of(t), shape));
  }
  std::vector<Tensor> out;
  Extent start = 0;
  for (const Extent& s : sizes) {
    out.push_back(narrow(t, a, start, s));
    start = start + s;
  }
  return out;
}

namespace {

// ceil(a / b), when it is one number for all bindings.
std::optional<int64_t> count_of_parts(const Call& call, Dim extent, Dim size) {
  const auto exact = ir::dim_exact_div(call.g, extent, size);
  if (exact && exact->is_const()) return exact->value;
  const Dim last = ir::dim_sub(call.g, extent, Dim(1));
  const Dim count = ir::dim_add(call.g, ir::dim_floordiv(call.g, last, size), Dim(1));
  const int64_t least = ir::dim_min(call.g, count);
  return least == ir::dim_max(call.g, count) ? std::optional(least) : std::nullopt;
}

}  // namespace

std::vector<Tensor> detail::split_every(In x, const Extent& size, int axis) {
  const Call call("split", {&x});
  const Tensor t = wrap(call.node(x));
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  if (ir::dim_max(call.g, to_dim(size)) < 1)
    call.fail(ErrorCode::kArgument, "a size of " + size.str() + ": it must be positive");
  const Extent extent = t.size(a);
  const std::optional<int64_t> count = count_of_parts(call, to_dim(extent), to_dim(size));
  if (!count)
    call.fail(ErrorCode::kArgument, "axis " + std::to_string(a) + " of " + extent.str() +
                                        " has no fixed number of parts of " + size.str() +
                                        "; give their sizes, or unflatten the axis");
  Sizes sizes(static_cast<size_t>(std::max<int64_t>(1, *count)), size);
  sizes.back() = extent - size * (static_cast<int64_t>(sizes.size()) - 1);
  return split(t, sizes, a);
}

std::vector<Tensor> unbind(In x, int axis) {
  const Call call("unbind", {&x});
  const Tensor t = wrap(call.node(x));
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  const Extent extent = t.size(a);
  if (!extent.is_const())
    call.fail(ErrorCode::kShape, "axis " + std::to_string(a) + " of " + t.type() + " has extent " +
                                     extent.str() + ": how many tensors there are must be known");
  std::vector<Tensor> out;
  for (int64_t i = 0; i < extent.value(); ++i) out.push_back(select(t, a, i));
  return out;
}

std::vector<Tensor> chunk(In x, int64_t chunks, int axis) {
  const Call call("chunk", {&x});
  const Tensor t = wrap(call.node(x));
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  if (chunks < 1) call.fail(ErrorCode::kArgument, std::to_string(chunks) + " chunks: at least one is needed");
  const Extent extent = t.size(a);
  if (const auto part = whole_quotient(call, to_dim(extent), chunks))
    return split(t, Sizes(static_cast<size_t>(chunks), to_extent(*part)), a);
  if (!extent.is_const())
    call.fail(ErrorCode::kArgument, "axis " + std::to_string(a) + " of " + extent.str() +
                                        " does not divide by " + std::to_string(chunks) +
                                        " at every binding; a dimension that is a multiple of " +
                                        std::to_string(chunks) + " does, or give the sizes to split()");
  const int64_t whole = extent.value();
  return split(t, whole / chunks + (whole % chunks != 0 ? 1 : 0), a);
}

}  // namespace anneal
