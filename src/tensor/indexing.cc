// SPDX-License-Identifier: MIT
// Indexing by data, over gather and scatter of the op table.
#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"

namespace anneal {

using ir::Dim;
using ir::Node;

namespace {

Node positions(const Call& call, const In& index) {
  const Node n = call.node(index);
  if (!is_int(call.g.dtype(n)))
    call.fail(ErrorCode::kDType,
              "the index is " + std::string(dtype_name(call.g.dtype(n))) + ", it must be an integer");
  return n;
}

// PyTorch lets the index be smaller than x off the axis: only that corner of x takes part.
Node corner(const Call& call, Node x, Node index, int axis) {
  const ir::Shape from = call.g.shape(x), at = call.g.shape(index);
  std::vector<Dim> shape(from.begin(), from.end());
  for (size_t i = 0; i < shape.size(); ++i)
    if (i != static_cast<size_t>(axis)) shape[i] = at[i];
  return call.b.slice(
      x, ir::SliceArg{std::vector<Dim>(shape.size(), Dim(0)), std::vector<int64_t>(shape.size(), 1)}, shape);
}

void check_fits(const Call& call, Node x, Node index, int axis) {
  const ir::Shape from = call.g.shape(x), at = call.g.shape(index);
  bool fits = from.size() == at.size();
  for (size_t i = 0; fits && i < from.size(); ++i)
    fits = i == static_cast<size_t>(axis) || ir::dim_less_equal(call.g, at[i], from[i]) != ir::Tri::kFalse;
  if (!fits)
    call.fail(ErrorCode::kShape, "an index of shape " + ir::shape_text(call.g, at) +
                                     " for a tensor of shape " + ir::shape_text(call.g, from) +
                                     ": off axis " + std::to_string(axis) +
                                     " it must not be larger, and the ranks must be equal");
}

Tensor scatter_into(std::string_view name, const In& x, int axis, const In& index, const In& values,
                    ir::ScatterMode mode) {
  const Call call(name, {&x, &index, &values});
  const DType t = call.joint_dtype({&x, &values});
  const Node base = call.node(x, t), at = positions(call, index);
  Node source = call.node(values, t);
  const int a = call.axis(axis, static_cast<size_t>(call.g.rank(base)));
  check_fits(call, base, at, a);
  if (call.g.rank(source) == 0) source = call.b.expand(source, call.g.shape(at));
  const ir::Shape have = call.g.shape(source), need = call.g.shape(at);
  bool fits = have.size() == need.size();
  for (size_t i = 0; fits && i < have.size(); ++i)
    fits = ir::dim_less_equal(call.g, need[i], have[i]) != ir::Tri::kFalse;
  if (!fits)
    call.fail(ErrorCode::kShape, "values of shape " + ir::shape_text(call.g, have) +
                                     " for an index of shape " + ir::shape_text(call.g, need));
  source = call.b.slice(
      source, ir::SliceArg{std::vector<Dim>(need.size(), Dim(0)), std::vector<int64_t>(need.size(), 1)},
      need);
  // A smaller index leaves the rest of x alone: positions beyond it point outside and are dropped.
  const ir::Shape whole = call.g.shape(base);
  ir::PadArg pad{std::vector<Dim>(need.size(), Dim(0)), std::vector<Dim>(need.size(), Dim(0)),
                 std::vector<int64_t>(need.size(), 0)};
  for (size_t i = 0; i < need.size(); ++i)
    if (i != static_cast<size_t>(a)) pad.high[i] = ir::dim_sub(call.g, whole[i], need[i]);
  const Node outside = call.b.constant_int(-1, is_signed(call.g.dtype(at)) ? call.g.dtype(at) : i64);
  const Node padded = call.b.pad(call.b.cast(at, call.g.dtype(outside)), outside, pad);
  source = call.b.pad(source, call.b.constant_int(0, t), pad);
  return wrap(call.b.scatter(base, padded, source, a, mode));
}

}  // namespace

Tensor gather(In x, int axis, In index) {
  const Call call("gather", {&x, &index});
  const Node n = call.node(x), at = positions(call, index);
  const int a = call.axis(axis, static_cast<size_t>(call.g.rank(n)));
  check_fits(call, n, at, a);
  return wrap(call.b.gather(corner(call, n, at, a), at, a));
}

Tensor take_along_dim(In x, In index, int axis) {
  const Call call("take_along_dim", {&x, &index});
  Node n = call.node(x), at = positions(call, index);
  const int a = call.axis(axis, static_cast<size_t>(call.g.rank(n)));
  if (call.g.rank(at) != call.g.rank(n))
    call.fail(ErrorCode::kShape, "the ranks must be equal, " + ir::shape_text(call.g, call.g.shape(n)) +
                                     " and " + ir::shape_text(call.g, call.g.shape(at)));
  std::vector<Dim> from(call.g.shape(n).begin(), call.g.shape(n).end()),
      to(call.g.shape(at).begin(), call.g.shape(at).end());
  for (size_t i = 0; i < from.size(); ++i) {
    if (i == static_cast<size_t>(a)) continue;
    if (from[i].is(1)) from[i] = to[i];
    if (to[i].is(1)) to[i] = from[i];
  }
  return wrap(call.b.gather(call.b.expand(n, from), call.b.expand(at, to), a));
}

Tensor index_select(In x, int axis, In index) {
  const Call call("index_select", {&x, &index});
  const Node n = call.node(x);
  Node at = positions(call, index);
  const int a = call.axis(axis, static_cast<size_t>(call.g.rank(n)));
  if (call.g.rank(at) > 1) call.fail(ErrorCode::kShape, "the index must be a vector");
  const ir::Shape shape = call.g.shape(n);
  std::vector<Dim> flat(shape.size(), Dim(1)), out(shape.begin(), shape.end());
  flat[static_cast<size_t>(a)] = out[static_cast<size_t>(a)] = ir::dim_product(call.g, call.g.shape(at));
  return wrap(call.b.gather(n, call.b.expand(call.b.reshape(at, flat), out), a));
}

Tensor take(In x, In index) {
  const Call call("take", {&x, &index});
  const Tensor at = wrap(positions(call, index));
  return reshape(index_select(flatten(x), 0, flatten(at)), at.sizes());
}

Tensor embedding(In index, In weight) {
  const Call call("embedding", {&index, &weight});
  const Node at = positions(call, index), table = call.node(weight);
  if (call.g.rank(table) != 2)
    call.fail(ErrorCode::kShape, "the weight must be [rows, width], not " + ir::type_text(call.g, table));
  const Dim width = call.g.shape(table)[1];
  const ir::Shape shape = call.g.shape(at);
  const Dim count = ir::dim_product(call.g, shape);
  std::vector<Dim> out(shape.begin(), shape.end());
  out.push_back(width);
  const Node column = call.b.reshape(at, std::vector<Dim>{count, Dim(1)});
  return wrap(
      call.b.reshape(call.b.gather(table, call.b.expand(column, std::vector<Dim>{count, width}), 0), out));
}

Tensor scatter(In x, int axis, In index, In values) {
  return scatter_into("scatter", x, axis, index, values, ir::ScatterMode::kSet);
}

Tensor scatter_add(In x, int axis, In index, In values) {
  return scatter_into("scatter_add", x, axis, index, values, ir::ScatterMode::kAdd);
}

namespace {
// The index of whole slices, as one of elements.
Tensor spread_index(const Call& call, const In& index, const Tensor& values, int axis) {
  const Tensor at = wrap(positions(call, index));
  if (at.rank() > 1) call.fail(ErrorCode::kShape, "the index must be a vector");
  const ir::Shape slices = call.g.shape(node_of(values)), count = call.g.shape(node_of(at));
  const Dim needed = count.empty() ? Dim(1) : count[0], have = slices[static_cast<size_t>(axis)];
  if (ir::dim_equal(call.g, needed, have) == ir::Tri::kFalse)
    call.fail(ErrorCode::kShape, "an index of " + ir::dim_text(call.g, needed) + " for values with " +
                                     ir::dim_text(call.g, have) + " slices along axis " +
                                     std::to_string(axis));
  std::vector<Dim> along(slices.size(), Dim(1));
  along[static_cast<size_t>(axis)] = needed;
  const std::vector<Dim> whole(slices.begin(), slices.end());
  return wrap(call.b.expand(call.b.reshape(node_of(at), along), whole));
}

Tensor write_slices(std::string_view name, const In& x, int axis, const In& index, const In& values,
                    Tensor (*write)(In, int, In, In)) {
  const Call call(name, {&x, &index, &values});
  const DType type = call.joint_dtype({&x, &values});
  const Tensor t = wrap(call.node(x, type));
  Tensor v = wrap(call.node(values, type));
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  if (values.kind() != In::Kind::kTensor) {  // a number is written to every element of the slices
    std::vector<Dim> slices = call.shape(node_of(t));
    slices[static_cast<size_t>(a)] = ir::dim_product(call.g, call.g.shape(positions(call, index)));
    v = wrap(call.b.expand(node_of(v), slices));
  }
  if (v.rank() != t.rank())
    call.fail(ErrorCode::kShape, "values " + v.type() + " for " + t.type() + ": the ranks must be equal");
  for (int i = 0; i < t.rank(); ++i)
    if (i != a && ir::dim_less_equal(call.g, to_dim(v.size(i)), to_dim(t.size(i))) == ir::Tri::kFalse)
      call.fail(ErrorCode::kShape, "values " + v.type() + " for " + t.type() + ": off axis " +
                                       std::to_string(a) + " they must not be larger");
  return write(t, a, spread_index(call, index, v, a), v);
}
}  // namespace

Tensor index_add(In x, int axis, In index, In values) {
  return write_slices("index_add", x, axis, index, values, scatter_add);
}

Tensor index_copy(In x, int axis, In index, In values) {
  return write_slices("index_copy", x, axis, index, values, scatter);
}

Tensor one_hot(In index, int64_t classes, DType dtype) {
  const Call call("one_hot", {&index});
  if (classes < 0)
    call.fail(ErrorCode::kArgument, std::to_string(classes) + " classes: it cannot be negative");
  const Node at = positions(call, index);
  const ir::Shape shape = call.g.shape(at);
  std::vector<Dim> out(shape.begin(), shape.end());
  const std::vector<Dim> column = [&] {
    std::vector<Dim> d = out;
    d.push_back(Dim(1));
    return d;
  }();
  out.push_back(Dim(classes));
  const Node wide = call.b.expand(call.b.reshape(at, column), out);
  const Node which = call.b.iota(out, static_cast<int>(out.size()) - 1, call.g.dtype(at));
  return wrap(call.b.cast(call.b.eq(wide, which), dtype));
}

}  // namespace anneal
