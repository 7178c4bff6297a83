// SPDX-License-Identifier: MIT
// Products beyond matmul, and what is composed of them: tensordot, kron, cross, distances, linear maps.
// Extents may be symbolic. Tested by products_test.cc.
#include <algorithm>

#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"

namespace anneal {

using ir::Dim;
using ir::Node;

namespace {

// The sum over axes of a and b that are paired in order.
Tensor sum_over(const Call& call, const Tensor& a, const Tensor& b, const std::vector<int>& of_a,
                const std::vector<int>& of_b) {
  std::vector<int> order_a, order_b = of_b;
  std::vector<Dim> out;
  Dim rows(1), inner(1), columns(1);
  const std::vector<Dim> left = call.shape(node_of(a)), right = call.shape(node_of(b));
  const auto holds = [](const std::vector<int>& list, int axis) {
    return std::find(list.begin(), list.end(), axis) != list.end();
  };
  for (size_t i = 0; i < of_a.size(); ++i) {
    const Dim m = left[static_cast<size_t>(of_a[i])], n = right[static_cast<size_t>(of_b[i])];
    if (ir::dim_equal(call.g, m, n) == ir::Tri::kFalse)
      call.fail(ErrorCode::kShape, "axis " + std::to_string(of_a[i]) + " of the first operand has " +
                                       ir::dim_text(call.g, m) + " elements, axis " +
                                       std::to_string(of_b[i]) + " of the second " + ir::dim_text(call.g, n));
    inner = ir::dim_mul(call.g, inner, m);
  }
  for (int i = 0; i < a.rank(); ++i) {
    if (holds(of_a, i)) continue;
    order_a.push_back(i);
    out.push_back(left[static_cast<size_t>(i)]);
    rows = ir::dim_mul(call.g, rows, out.back());
  }
  order_a.insert(order_a.end(), of_a.begin(), of_a.end());
  for (int i = 0; i < b.rank(); ++i) {
    if (holds(of_b, i)) continue;
    order_b.push_back(i);
    out.push_back(right[static_cast<size_t>(i)]);
    columns = ir::dim_mul(call.g, columns, out.back());
  }
  Dim inner_b(1);
  for (int axis : of_b) inner_b = ir::dim_mul(call.g, inner_b, right[static_cast<size_t>(axis)]);
  const Tensor m = reshape(permute(a, order_a), {to_extent(rows), to_extent(inner)}),
               n = reshape(permute(b, order_b), {to_extent(inner_b), to_extent(columns)});
  return wrap(call.b.reshape(node_of(matmul(m, n)), out));
}

// As axis() checks them, each once.
std::vector<int> listed(const Call& call, const Axes& axes, const Tensor& t) {
  const auto rank = static_cast<size_t>(t.rank());
  std::vector<int> out;
  for (int a : axes) {
    out.push_back(call.axis(a, rank));
    if (std::count(out.begin(), out.end(), out.back()) > 1)
      call.fail(ErrorCode::kArgument, "axis " + std::to_string(a) + " is named twice");
  }
  return out;
}

}  // namespace

Tensor tensordot(In a, In b, int axes) {
  const Call call("tensordot", {&a, &b});
  const Tensor x = wrap(call.node(a)), y = wrap(call.node(b));
  if (axes < 0 || axes > x.rank() || axes > y.rank())
    call.fail(ErrorCode::kArgument,
              std::to_string(axes) + " axes of " + x.type() + " and " + y.type() + ": not so many");
  std::vector<int> of_a, of_b;
  for (int i = 0; i < axes; ++i) {
    of_a.push_back(x.rank() - axes + i);
    of_b.push_back(i);
  }
  return sum_over(call, x, y, of_a, of_b);
}

Tensor tensordot(In a, In b, const Axes& axes_of_a, const Axes& axes_of_b) {
  const Call call("tensordot", {&a, &b});
  const Tensor x = wrap(call.node(a)), y = wrap(call.node(b));
  if (axes_of_a.size() != axes_of_b.size())
    call.fail(ErrorCode::kArgument, std::to_string(axes_of_a.size()) + " axes of the first operand and " +
                                        std::to_string(axes_of_b.size()) + " of the second");
  return sum_over(call, x, y, listed(call, axes_of_a, x), listed(call, axes_of_b, y));
}

Tensor kron(In a, In b) {
  const Call call("kron", {&a, &b});
  const Tensor x = wrap(call.node(a)), y = wrap(call.node(b));
  if (x.rank() != y.rank())
    call.fail(ErrorCode::kShape, "the ranks must be equal, not those of " + x.type() + " and " + y.type());
  Sizes left, right, whole;
  for (int i = 0; i < x.rank(); ++i) {
    left.insert(left.end(), {x.size(i), 1});
    right.insert(right.end(), {1, y.size(i)});
    whole.push_back(x.size(i) * y.size(i));
  }
  return reshape(reshape(x, left) * reshape(y, right), whole);
}

Tensor cross(In a, In b, int axis) {
  const Call call("cross", {&a, &b});
  const Tensor x = wrap(call.node(a)), y = wrap(call.node(b));
  for (const Tensor& t : {x, y}) {
    const int along = call.axis(axis, static_cast<size_t>(t.rank()));
    const Dim extent = to_dim(t.size(along));
    if (ir::dim_equal(call.g, extent, Dim(3)) != ir::Tri::kTrue)
      call.fail(ErrorCode::kShape, "axis " + std::to_string(along) + " of " + t.type() + " has " +
                                       ir::dim_text(call.g, extent) + " elements, not 3");
  }
  if (x.rank() != y.rank())
    call.fail(ErrorCode::kShape, "the ranks must be equal, not those of " + x.type() + " and " + y.type());
  const auto turned = [&](const Tensor& t, int64_t by) { return roll(t, {by}, axis); };
  return turned(x, -1) * turned(y, -2) - turned(x, -2) * turned(y, -1);
}

Tensor cdist(In a, In b, double p) {
  const Call call("cdist", {&a, &b});
  const Tensor x = wrap(call.node(a)), y = wrap(call.node(b));
  if (x.rank() < 2 || y.rank() < 2)
    call.fail(ErrorCode::kShape, "takes [..., rows, width], not " + x.type() + " and " + y.type());
  return norm(unsqueeze(x, -2) - unsqueeze(y, -3), -1, false, p);
}

namespace {
// beta * x + alpha * product; factors of 1 leave no trace.
Tensor scaled_sum(const In& x, const Tensor& product, const In& beta, const In& alpha) {
  const auto is_one = [](const In& v) { return v.kind() != In::Kind::kTensor && v.float_value() == 1; };
  const Tensor scaled = is_one(alpha) ? product : product * alpha;
  return is_one(beta) ? x + scaled : x * beta + scaled;
}
}  // namespace

Tensor addmm(In x, In a, In b, In beta, In alpha) {
  const Call call("addmm", {&x, &a, &b});
  return scaled_sum(x, matmul(a, b), beta, alpha);
}

Tensor addr(In x, In a, In b, In beta, In alpha) {
  const Call call("addr", {&x, &a, &b});
  return scaled_sum(x, outer(a, b), beta, alpha);
}

Tensor linear(In x, In weight, const std::optional<Tensor>& bias) {
  const Call call("linear", {&x, &weight}, {&bias});
  const Tensor t = wrap(call.node(x)), w = wrap(call.node(weight));
  if (w.rank() != 1 && w.rank() != 2)
    call.fail(ErrorCode::kShape, "takes a weight [out, in], not " + w.type());
  const ir::Shape shape = call.g.shape(node_of(t)), needed = call.g.shape(node_of(w));
  if (shape.empty() || ir::dim_equal(call.g, shape.back(), needed.back()) == ir::Tri::kFalse)
    call.fail(ErrorCode::kShape,
              "the weight takes " + ir::dim_text(call.g, needed.back()) + " values, x is " + t.type());
  const Tensor y = matmul(t, w.rank() == 2 ? transpose(w) : w);
  if (!bias) return y;
  const Node b = call.required(*bias, "the bias");
  const Dim outs = w.rank() == 2 ? call.shape(node_of(w))[0] : Dim(1);
  if (w.rank() == 2 && call.g.rank(b) == 1 && !call.g.shape(b)[0].is(1) &&
      ir::dim_equal(call.g, call.g.shape(b)[0], outs) == ir::Tri::kFalse)
    call.fail(ErrorCode::kShape,
              "the bias must be [" + ir::dim_text(call.g, outs) + "], not " + ir::type_text(call.g, b));
  return y + wrap(b);
}

Tensor bilinear(In a, In b, In weight, const std::optional<Tensor>& bias) {
  const Call call("bilinear", {&a, &b, &weight}, {&bias});
  const Tensor x = wrap(call.node(a)), w = wrap(call.node(weight)), z = wrap(call.node(b));
  if (w.rank() != 3) call.fail(ErrorCode::kShape, "takes a weight [out, in a, in b], not " + w.type());
  const Tensor y = einsum("...i,oij,...j->...o", {x, w, z});
  return bias ? y + wrap(call.required(*bias, "the bias")) : y;
}

}  // namespace anneal
