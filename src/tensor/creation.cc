// SPDX-License-Identifier: MIT
// Tensors from nothing and from host data.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ir/dims.h"
#include "tensor/call.h"

namespace anneal {

using ir::Dim;
using ir::Node;

Tensor full(const Sizes& sizes, In value) {
  const Call call("full", {&value});
  return wrap(call.own(call.b.full(call.dims(sizes), call.node(value))));
}

Tensor full(const Sizes& sizes, In value, DType dtype) {
  const Call call("full", {&value});
  return wrap(call.own(call.b.full(call.dims(sizes), call.node(value, dtype))));
}

Tensor zeros(const Sizes& sizes, DType dtype, Loc loc) {
  const Call call("zeros", loc);
  return full(sizes, In(0, loc), dtype);
}

Tensor ones(const Sizes& sizes, DType dtype, Loc loc) {
  const Call call("ones", loc);
  return full(sizes, In(1, loc), dtype);
}

Tensor full_like(In x, In value) {
  const Call call("full_like", {&x});
  const Node n = call.node(x);
  return wrap(call.own(call.b.full(call.g.shape(n), call.node(value, call.g.dtype(n)))));
}

Tensor zeros_like(In x) {
  const Call call("zeros_like", {&x});
  return full_like(x, 0);
}

Tensor ones_like(In x) {
  const Call call("ones_like", {&x});
  return full_like(x, 1);
}

namespace {
// 1 where column - row <= diagonal (or == when `only`).
Node band(const Call& call, const Extent& rows, const Extent& columns, int64_t diagonal, bool only) {
  const std::vector<Dim> shape = call.dims({rows, columns});
  const Node row = call.b.iota(shape, 0, i64), column = call.b.iota(shape, 1, i64);
  const Node edge = call.b.add(row, call.b.constant_int(diagonal, i64));
  return only ? call.b.eq(column, edge) : call.b.le(column, edge);
}
}  // namespace

Tensor eye(const Extent& rows, DType dtype, Loc loc) { return eye(rows, rows, dtype, loc); }
Tensor eye(const Extent& rows, const Extent& columns, DType dtype, Loc loc) {
  const Call call("eye", loc);
  return wrap(call.own(call.b.cast(band(call, rows, columns, 0, true), dtype)));
}
Tensor tri(const Extent& rows, const Extent& columns, int64_t diagonal, DType dtype, Loc loc) {
  const Call call("tri", loc);
  return wrap(call.own(call.b.cast(band(call, rows, columns, diagonal, false), dtype)));
}

namespace {
// As full does, for the first and the last of a row of numbers.
void check_number_fits(const Call& call, double v, DType t) {
  const auto is_kept = [v](DType u) { return ir::Scalar::from_double(v, u).as_double(u) == v; };
  if (is_int(t) && !(is_kept(t) && is_kept(i64)))
    call.fail(ErrorCode::kArgument,
              "the number " + number_text(v) + " does not fit " + std::string(dtype_name(t)));
}
}  // namespace

Tensor arange(const Extent& stop, DType dtype, Loc loc) {
  const Call call("arange", loc);
  const std::vector<Dim> shape = call.dims({stop});
  const int64_t least = ir::dim_min(call.g, shape[0]);
  if (least > 0) check_number_fits(call, static_cast<double>(least - 1), dtype);
  return wrap(is_int(dtype) ? call.b.iota(shape, 0, dtype)
                            : call.own(call.b.cast(call.b.iota(shape, 0, i64), dtype)));
}

Tensor arange(double start, double stop, double step, DType dtype, Loc loc) {
  const Call call("arange", loc);
  if (std::isnan(start) || std::isnan(stop) || std::isnan(step))
    call.fail(ErrorCode::kArgument, std::string("the ") +
                                        (std::isnan(start)  ? "start"
                                         : std::isnan(stop) ? "stop"
                                                            : "step") +
                                        " is NaN");
  if (step == 0) call.fail(ErrorCode::kArgument, "the step must not be 0");
  const double steps = std::ceil((stop - start) / step);
  if (!(steps < 9e15)) call.fail(ErrorCode::kArgument, "too many steps");
  const auto count = static_cast<int64_t>(std::max(0.0, steps));
  if (count > 0) {
    check_number_fits(call, start, dtype);
    if (count > 1) check_number_fits(call, start + step, dtype);  // so the step is whole
    check_number_fits(call, start + static_cast<double>(count - 1) * step, dtype);
  }
  // Computed in f64 and rounded once, so that every position is within half an ulp.
  const DType wide = is_float(dtype) ? f64 : i64;
  const Node position = call.b.cast(call.b.iota(std::vector<Dim>{Dim(count)}, 0, i64), wide);
  const Node scaled = call.b.mul(position, call.b.constant(ir::Scalar::from_double(step, wide), wide));
  const Node first = call.b.constant(ir::Scalar::from_double(start, wide), wide);
  return wrap(call.own(call.b.cast(call.b.add(scaled, first), dtype)));
}

Tensor linspace(double start, double stop, int64_t count, DType dtype, Loc loc) {
  const Call call("linspace", loc);
  if (count < 0)
    call.fail(ErrorCode::kArgument, "a count of " + std::to_string(count) + ": it cannot be negative");
  // From the nearer end, so that both ends are exact.
  const Node position = call.b.cast(call.b.iota(std::vector<Dim>{Dim(count)}, 0, i64), f64);
  const double step = count > 1 ? (stop - start) / static_cast<double>(count - 1) : 0;
  const auto number = [&](double v) { return call.b.constant_float(v, f64); };
  const Node up = call.b.add(call.b.mul(position, number(step)), number(start));
  const Node back = call.b.sub(number(static_cast<double>(count - 1)), position);
  const Node down = call.b.sub(number(stop), call.b.mul(back, number(step)));
  const Node nearer = call.b.lt(position, number(static_cast<double>(count) / 2));
  return wrap(call.own(call.b.cast(call.b.where(nearer, up, down), dtype)));
}

Tensor from_bytes(std::span<const std::byte> data, const std::vector<int64_t>& shape, DType dtype, Loc loc) {
  const Call call("from_data", loc);
  const std::vector<Dim> dims = call.dims(Sizes(shape));
  const int64_t count = call.g.static_size(call.g.intern_shape(dims));
  const auto size = static_cast<size_t>(dtype_size(dtype));
  if (size == 0 || dtype == DType::kIndex)
    call.fail(ErrorCode::kDType, std::string(dtype_name(dtype)) + " is not an element type of data");
  if (data.size() % size != 0 || data.size() / size != static_cast<uint64_t>(count))
    call.fail(ErrorCode::kShape,
              std::to_string(data.size() / size) + " elements for a shape of " + std::to_string(count));
  auto buffer = std::make_shared<ir::BufferData>();
  buffer->dtype = dtype;
  buffer->shape = shape;
  buffer->bytes.assign(data.begin(), data.end());
  return wrap(call.b.buffer(std::move(buffer)));
}

Tensor input(int64_t number, const Sizes& sizes, DType dtype, std::string_view name, Loc loc) {
  const Call call("input", loc);
  return wrap(call.b.param(number, dtype, call.dims(sizes), name));
}

}  // namespace anneal
