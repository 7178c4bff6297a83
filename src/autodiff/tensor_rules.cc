// SPDX-License-Identifier: MIT
// Derivatives of movement, folds and data-dependent indexing.
#include "anneal/error.h"
#include "autodiff/adjoint.h"
#include "ir/dims.h"
#include "ir/text.h"

namespace anneal::autodiff {

using ir::Dim;
using ir::Node;
using ir::Op;
using ir::ReduceOp;
using ir::Shape;

namespace {

std::vector<Dim> copy(Shape shape) { return {shape.begin(), shape.end()}; }

// -- Scans --

// x moved by `by` positions along the axis (towards the end when positive), `fill` coming in. Padded first
// and cut after, so that it holds for a symbolic extent shorter than the move.
Node shifted(const Adjoint& a, Node x, int axis, int64_t by, Node fill) {
  const Shape shape = a.g.shape(x);
  const auto at = static_cast<size_t>(axis);
  const std::vector<Dim> zeros(shape.size(), Dim(0)), dims = copy(shape);
  ir::PadArg pad{zeros, zeros, std::vector<int64_t>(shape.size(), 0)};
  ir::SliceArg slice{zeros, std::vector<int64_t>(shape.size(), 1)};
  (by < 0 ? pad.high : pad.low)[at] = Dim(by < 0 ? -by : by);
  slice.start[at] = Dim(by < 0 ? -by : 0);
  return a.build.slice(a.build.pad(x, fill, pad), slice, dims);
}

// The products of everything before each element (after it, when reverse).
Node exclusive_product(const Adjoint& a, Node x, int axis, bool reverse) {
  if (ir::dim_max(a.g, a.g.shape(x)[static_cast<size_t>(axis)]) == 0) return x;
  return shifted(a, a.build.scan(x, ReduceOp::kMul, axis, reverse), axis, reverse ? -1 : 1, a.number(1, x));
}

// With y_j = x_0 * ... * x_j: dx_i = (x_0 ... x_{i-1}) * h_i, where h_i = u_i + x_{i+1} * h_{i+1}. The
// recurrence is solved by doubling: log2(n) elementwise steps, no division, so zeros are exact and every
// order of derivative is.
Node scan_product_adjoint(const Adjoint& a, Node x, Node up, int axis, bool reverse) {
  const int64_t extent = ir::dim_max(a.g, a.g.shape(x)[static_cast<size_t>(axis)]);
  if (extent == 0) return up;
  const int64_t towards = reverse ? 1 : -1;
  x = a.build.cast(x, promote(a.g.dtype(x), a.g.dtype(up)));
  Node factor = shifted(a, x, axis, towards, a.number(0, x)), sum = up;
  for (int64_t step = 1; step < extent; step *= 2) {
    sum = a.plus(sum, a.times(factor, shifted(a, sum, axis, towards * step, a.number(0, sum))));
    if (step * 2 < extent)
      factor = a.times(factor, shifted(a, factor, axis, towards * step, a.number(0, factor)));
  }
  return a.times(exclusive_product(a, x, axis, reverse), sum);
}

// The adjoint goes to the last element (in scan order) that set the running extreme.
Node scan_extreme_adjoint(const Adjoint& a, Node x, const ir::ScanArg& arg) {
  const Shape shape = a.g.shape(x);
  const Node position = a.build.iota(shape, arg.axis, DType::kI32);
  const Node reached = a.build.eq(x, a.node);
  const int64_t none = arg.reverse ? INT32_MAX : -1;
  const Node candidates = a.build.where(reached, position, a.build.constant_int(none, DType::kI32));
  const Node at =
      a.build.scan(candidates, arg.reverse ? ReduceOp::kMin : ReduceOp::kMax, arg.axis, arg.reverse);
  return a.build.scatter(a.zeros(shape, a.g.dtype(a.up)), at, a.up, arg.axis, ir::ScatterMode::kAdd);
}

}  // namespace

void scan_rule(Adjoint& a) {
  const ir::ScanArg arg = a.g.arg_as<ir::ScanArg>(a.node);
  const Node x = a.source(0);
  switch (arg.op) {
    case ReduceOp::kAdd: a.add(0, a.build.scan(a.up, ReduceOp::kAdd, arg.axis, !arg.reverse)); break;
    case ReduceOp::kMul: a.add(0, scan_product_adjoint(a, x, a.up, arg.axis, arg.reverse)); break;
    case ReduceOp::kMax:
    case ReduceOp::kMin: a.add(0, scan_extreme_adjoint(a, x, arg)); break;
  }
}

// -- Reductions --

namespace {

// u * the product of the other elements: the products before and after, along the folded axes joined into
// one.
Node product_adjoint(const Adjoint& a, Node x, const ir::ReduceArg& arg) {
  const Shape shape = a.g.shape(x);
  std::vector<uint8_t> perm, back(shape.size());
  for (size_t i = 0; i < shape.size(); ++i)
    if ((arg.axes >> i & 1) == 0) perm.push_back(static_cast<uint8_t>(i));
  std::vector<Dim> joined;
  for (uint8_t p : perm) joined.push_back(shape[p]);
  Dim folded(1);
  for (size_t i = 0; i < shape.size(); ++i)
    if ((arg.axes >> i & 1) != 0) {
      perm.push_back(static_cast<uint8_t>(i));
      folded = ir::dim_mul(a.g, folded, shape[i]);
    }
  joined.push_back(folded);
  for (size_t i = 0; i < perm.size(); ++i) back[perm[i]] = static_cast<uint8_t>(i);
  const Node moved = a.build.permute(x, perm);
  const std::vector<Dim> moved_shape = copy(a.g.shape(moved));
  const Node flat = a.build.reshape(moved, joined);
  const int axis = static_cast<int>(joined.size()) - 1;
  const Node others =
      a.times(exclusive_product(a, flat, axis, false), exclusive_product(a, flat, axis, true));
  return a.times(a.build.expand(a.up, shape), a.build.permute(a.build.reshape(others, moved_shape), back));
}

}  // namespace

void reduce_rule(Adjoint& a) {
  const ir::ReduceArg arg = a.g.arg_as<ir::ReduceArg>(a.node);
  const Node x = a.source(0);
  const Shape shape = a.g.shape(x);
  switch (arg.op) {
    case ReduceOp::kAdd: a.add(0, a.build.expand(a.up, shape)); break;
    case ReduceOp::kMul: a.add(0, product_adjoint(a, x, arg)); break;
    case ReduceOp::kMax:
    case ReduceOp::kMin: {
      if (a.g.static_size(a.g.shape_id(x)) == 0) {  // nobody to share with
        a.add(0, a.build.expand(a.up, shape));
        break;
      }
      const Node reached = a.build.eq(x, a.build.expand(a.node, shape));
      const Node ones = a.build.where(reached, a.number(1, a.up), a.number(0, a.up));
      const Node count = a.build.reduce(a.build.expand(ones, shape), ReduceOp::kAdd, arg.axes);
      const Node share = a.build.expand(a.over(a.up, count), shape);
      a.add(0, a.build.where(reached, share, a.number(0, a.up)));
      break;
    }
  }
}

// -- Movement --

void expand_rule(Adjoint& a) {
  const Shape from = a.g.shape(a.source(0)), to = a.g.shape(a.node);
  if (from.empty()) {
    a.add(0, a.sum_to_scalar(a.up));
    return;
  }
  ir::AxisMask repeated = 0;
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i].is(1) && !to[i].is(1)) repeated |= 1u << i;
  a.add(0, a.build.reduce(a.up, ReduceOp::kAdd, repeated));
}

void permute_rule(Adjoint& a) {
  const std::vector<uint8_t>& perm = a.g.arg_as<ir::PermArg>(a.node).perm;
  std::vector<uint8_t> back(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) back[perm[i]] = static_cast<uint8_t>(i);
  a.add(0, a.build.permute(a.up, back));
}

void pad_rule(Adjoint& a) {
  const ir::PadArg pad = a.g.arg_as<ir::PadArg>(a.node);
  const Node x = a.source(0);
  ir::SliceArg slice{pad.low, {}};
  for (int64_t interior : pad.interior) slice.step.push_back(interior + 1);
  if (a.wants(0)) a.add(0, a.build.slice(a.up, slice, a.g.shape(x)));
  if (a.wants(1)) {
    const Node yes = a.build.constant_int(1, DType::kBool), no = a.build.constant_int(0, DType::kBool);
    const Node inside = a.build.pad(a.build.full(a.g.shape(x), yes), no, pad);
    a.add(1, a.sum_to_scalar(a.build.where(inside, a.number(0, a.up), a.up)));
  }
}

void slice_rule(Adjoint& a) {
  const ir::SliceArg slice = a.g.arg_as<ir::SliceArg>(a.node);
  const Shape from = a.g.shape(a.source(0)), to = a.g.shape(a.node);
  ir::PadArg pad{slice.start, {}, {}};
  for (size_t i = 0; i < from.size(); ++i) {
    // What lies after the last element that was taken; nothing was taken from an empty result.
    Dim after = from[i];
    int64_t interior = slice.step[i] - 1;
    if (to[i].is(0)) {
      pad.low[i] = Dim(0);
      interior = 0;
    } else {
      const Dim span =
          ir::dim_add(a.g, ir::dim_mul(a.g, ir::dim_sub(a.g, to[i], Dim(1)), Dim(slice.step[i])), Dim(1));
      after = ir::dim_sub(a.g, ir::dim_sub(a.g, from[i], slice.start[i]), span);
    }
    pad.high.push_back(after);
    pad.interior.push_back(interior);
  }
  a.add(0, a.build.pad(a.up, a.number(0, a.up), pad));
}

void concat_rule(Adjoint& a) {
  const auto axis = static_cast<size_t>(a.g.arg_as<ir::AxisArg>(a.node).axis);
  const size_t rank = a.g.shape(a.node).size();
  Dim start(0);
  for (size_t i = 0; i < a.g.sources(a.node).size(); ++i) {
    const Shape part = a.g.shape(a.source(i));
    if (a.wants(i)) {
      ir::SliceArg slice{std::vector<Dim>(rank, Dim(0)), std::vector<int64_t>(rank, 1)};
      slice.start[axis] = start;
      a.add(i, a.build.slice(a.up, slice, part));
    }
    start = ir::dim_add(a.g, start, part[axis]);
  }
}

// -- Data-dependent indexing: gather and scatter are each other's adjoint --

void gather_rule(Adjoint& a) {
  if (!a.wants(0)) return;
  const int axis = a.g.arg_as<ir::AxisArg>(a.node).axis;
  const Node base = a.zeros(a.g.shape(a.source(0)), a.g.dtype(a.up));
  a.add(0, a.build.scatter(base, a.source(1), a.up, axis, ir::ScatterMode::kAdd));
}

void scatter_rule(Adjoint& a) {
  const ir::ScatterArg arg = a.g.arg_as<ir::ScatterArg>(a.node);
  const Node base = a.source(0), at = a.source(1), values = a.source(2);
  const bool set = arg.mode == ir::ScatterMode::kSet;
  if (a.wants(0)) {
    const Node nothing = a.zeros(a.g.shape(values), a.g.dtype(a.up));
    a.add(0, set ? a.build.scatter(a.up, at, nothing, arg.axis, ir::ScatterMode::kSet) : a.up);
  }
  if (!a.wants(2)) return;
  const Node taken = a.build.gather(a.up, at, arg.axis);
  if (!set) return a.add(2, taken);
  // Of several elements written to one position, only the last one is seen.
  const Node order = a.build.iota(a.g.shape(values), arg.axis, DType::kI32);
  const Node nobody = a.build.full(a.g.shape(base), a.build.constant_int(-1, DType::kI32));
  const Node winner = a.build.scatter(nobody, at, order, arg.axis, ir::ScatterMode::kSet);
  const Node won = a.build.eq(a.build.gather(winner, at, arg.axis), order);
  a.add(2, a.build.where(won, taken, a.number(0, a.up)));
}

void custom_rule(Adjoint& a) {
  const std::span<const Node> inputs = a.g.sources(a.node).subspan(1);
  const ir::CustomGradient& fn = a.g.custom_gradient(a.g.arg_as<ir::CustomArg>(a.node).serial);
  const std::vector<Node> gradients = fn(a.g, a.up, inputs);
  if (gradients.size() != inputs.size())
    raise(ErrorCode::kGradient, "custom_gradient: the function gave " + std::to_string(gradients.size()) +
                                    " gradients for " + std::to_string(inputs.size()) + " inputs");
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!gradients[i]) continue;
    if (a.g.shape_id(gradients[i]) != a.g.shape_id(inputs[i]))
      raise(ErrorCode::kShape, "custom_gradient: gradient " + std::to_string(i) + " is " +
                                   ir::type_text(a.g, gradients[i]) + " for an input " +
                                   ir::type_text(a.g, inputs[i]));
    a.add(i + 1, gradients[i]);
  }
}

}  // namespace anneal::autodiff
