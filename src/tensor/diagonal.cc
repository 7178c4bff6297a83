// SPDX-License-Identifier: MIT
// Diagonals and triangles of matrices. Extents may be symbolic. Tested by movement_test.cc, linalg_test.cc
// and symbolic_test.cc.
#include <algorithm>

#include "ir/dims.h"
#include "tensor/call.h"
#include "tensor/extents.h"

namespace anneal {

using ir::Dim;
using ir::Node;

namespace {
Tensor triangle(const Call& call, const In& x, int64_t diagonal, bool lower) {
  const Tensor t = wrap(call.node(x));
  if (t.rank() < 2) call.fail(ErrorCode::kShape, "needs a matrix, not " + t.type());
  const Extent rows = t.size(-2), columns = t.size(-1);
  const Tensor below = tri(rows, columns, lower ? diagonal : diagonal - 1, boolean);
  return where(lower ? below : logical_not(below), t, wrap(call.b.constant_int(0, t.dtype())));
}
}  // namespace

Tensor tril(In x, int64_t diagonal) {
  const Call call("tril", {&x});
  return triangle(call, x, diagonal, true);
}

Tensor triu(In x, int64_t diagonal) {
  const Call call("triu", {&x});
  return triangle(call, x, diagonal, false);
}

namespace {

// The last axis with zeros behind it.
Tensor filled_up(const Call& call, const Tensor& t, Dim behind) {
  const auto rank = static_cast<size_t>(t.rank());
  ir::PadArg arg{std::vector<Dim>(rank, Dim(0)), std::vector<Dim>(rank, Dim(0)),
                 std::vector<int64_t>(rank, 0)};
  arg.high[rank - 1] = behind;
  return wrap(call.b.pad(node_of(t), call.b.constant_int(0, t.dtype()), arg));
}

int64_t size_of_shift(const Call& call, int64_t shift) {
  constexpr int64_t kFar = int64_t{1} << 32;  // a side beyond it has no square
  if (shift <= -kFar || shift >= kFar)
    call.fail(ErrorCode::kLimit, "a diagonal " + std::to_string(shift) + " off the main one");
  return shift < 0 ? -shift : shift;
}

// The last axis as the diagonal of the last two.
Tensor spread_out(const Call& call, const Tensor& t, int64_t offset) {
  const int64_t shift = size_of_shift(call, offset);
  const Extent n = t.size(-1);
  // Each row of [n, n + 1] starts one to the right of the one above: a reshape makes the diagonal.
  const Tensor rows = filled_up(call, unsqueeze(t, -1), to_dim(n));
  Sizes square = t.sizes();
  square.push_back(n);
  const Tensor main = reshape(narrow(flatten(rows, -2), -1, 0, n * n), square);
  Pads around(square.size());
  around[square.size() - 2] = offset < 0 ? std::pair(shift, int64_t{0}) : std::pair(int64_t{0}, shift);
  around[square.size() - 1] = offset < 0 ? std::pair(int64_t{0}, shift) : std::pair(shift, int64_t{0});
  return pad(main, around);
}

// The diagonal of the last two axes, as the last.
Tensor picked_out(const Call& call, const Tensor& t, int64_t offset) {
  const int64_t shift = size_of_shift(call, offset);
  const Dim rows = to_dim(t.size(-2)), columns = to_dim(t.size(-1));
  const Dim row = lesser(call, Dim(offset < 0 ? shift : 0), rows),
            column = lesser(call, Dim(offset < 0 ? 0 : shift), columns);
  const Extent n =
      to_extent(lesser(call, ir::dim_sub(call.g, rows, row), ir::dim_sub(call.g, columns, column)));
  const Tensor square = narrow(narrow(t, -2, to_extent(row), n), -1, to_extent(column), n);
  // Rows one longer than they are: each begins where the one above has its diagonal's next element.
  Sizes longer = square.sizes();
  longer.back() = n + 1;
  return squeeze(narrow(reshape(filled_up(call, flatten(square, -2), to_dim(n)), longer), -1, 0, 1), -1);
}

}  // namespace

Tensor diag(In x, int64_t diagonal) {
  const Call call("diag", {&x});
  const Tensor t = wrap(call.node(x));
  if (t.rank() == 1) return spread_out(call, t, diagonal);
  if (t.rank() != 2) call.fail(ErrorCode::kShape, "takes a vector or a matrix, not " + t.type());
  return picked_out(call, t, diagonal);
}

Tensor diagonal(In x, int64_t offset, int a, int b) {
  const Call call("diagonal", {&x});
  const Tensor t = wrap(call.node(x));
  const auto rank = static_cast<size_t>(t.rank());
  if (rank < 2) call.fail(ErrorCode::kShape, "needs a matrix, not " + t.type());
  const int rows = call.axis(a, rank), columns = call.axis(b, rank);
  if (rows == columns) call.fail(ErrorCode::kArgument, "axis " + std::to_string(rows) + " is named twice");
  return picked_out(call, movedim(t, {rows, columns}, {-2, -1}), offset);
}

Tensor diag_embed(In x, int64_t offset) {
  const Call call("diag_embed", {&x});
  const Tensor t = wrap(call.node(x));
  if (t.rank() < 1) call.fail(ErrorCode::kShape, "needs a vector, not " + t.type());
  return spread_out(call, t, offset);
}

Tensor trace(In x) {
  const Call call("trace", {&x});
  if (const Tensor t = wrap(call.node(x)); t.rank() != 2)
    call.fail(ErrorCode::kShape, "needs a matrix, not " + t.type());
  return sum(diag(x));
}

}  // namespace anneal
