// SPDX-License-Identifier: MIT
// Matrix products and matrices.
#include "conform/ops.h"

namespace anneal::conform {
namespace {

// beta * x + alpha * (a @ b)
Tensor scaled_sum(const OpCall& c, const Tensor& product) {
  const Tensor scaled = c.args.has("alpha") ? product * c.args.operand("alpha") : product;
  return (c.args.has("beta") ? c.x() * c.args.operand("beta") : c.x()) + scaled;
}
Outputs addmm_op(const OpCall& c) { return scaled_sum(c, matmul(c.in[1], c.in[2])); }
Outputs addr_op(const OpCall& c) { return scaled_sum(c, outer(c.in[1], c.in[2])); }

Outputs linear_op(const OpCall& c) {
  const Tensor y = matmul(c.x(), c.in[1].rank() > 1 ? transpose(c.in[1]) : c.in[1]);
  return c.in.size() > 2 ? y + c.in[2] : y;
}
Outputs bilinear_op(const OpCall& c) {
  const Tensor y = einsum("...i,oij,...j->...o", {c.in[0], c.in[2], c.in[1]});
  return c.in.size() > 3 ? y + c.in[3] : y;
}

Outputs diag_op(const OpCall& c) { return diag(c.x(), c.args.integer("diagonal|offset", 0)); }
Outputs diagonal_op(const OpCall& c) {
  const int64_t offset = c.args.integer("offset|diagonal", 0);
  const int a = static_cast<int>(c.args.integer("dim1|axis1", 0)),
            b = static_cast<int>(c.args.integer("dim2|axis2", 1));
  const int rank = c.x().rank();
  if (rank < 2) Args::fail("dim1", "a matrix is needed");
  // The two axes last; then the matrix cut so that the wanted diagonal is the main one.
  const Tensor x = movedim(c.x(), {a, b}, {rank - 2, rank - 1});
  const int64_t rows = x.size(-2).value(), columns = x.size(-1).value();
  const int64_t row = offset < 0 ? -offset : 0, column = offset > 0 ? offset : 0;
  const int64_t length = std::max<int64_t>(0, std::min(rows - row, columns - column));
  const Tensor square = narrow(narrow(x, rank - 2, row, length), rank - 1, column, length);
  return einsum("...ii->...i", {square});
}
Outputs diag_embed_op(const OpCall& c) {
  const Extent n = c.x().size(-1);
  return unsqueeze(c.x(), -1) * eye(n, c.x().dtype());
}
Outputs kron_op(const OpCall& c) {
  const Tensor &a = c.in[0], &b = c.in[1];
  if (a.rank() != b.rank()) raise(ErrorCode::kShape, "kron: the ranks must be equal");
  Sizes left, right, whole;
  for (int i = 0; i < a.rank(); ++i) {
    left.push_back(a.size(i));
    left.push_back(1);
    right.push_back(1);
    right.push_back(b.size(i));
    whole.push_back(a.size(i) * b.size(i));
  }
  return reshape(reshape(a, left) * reshape(b, right), whole);
}
Outputs cross_op(const OpCall& c) {
  const int axis = c.args.axis(-1);
  const auto turned = [&](const Tensor& t, int64_t by) { return roll(t, {by}, axis); };
  const Tensor &a = c.in[0], &b = c.in[1];
  return turned(a, -1) * turned(b, -2) - turned(a, -2) * turned(b, -1);
}
Outputs tensordot_op(const OpCall& c) {
  const int64_t shared = c.args.integer("dims|axes", 2);
  const Tensor &a = c.in[0], &b = c.in[1];
  if (shared < 0 || shared > a.rank() || shared > b.rank()) Args::fail("dims", "not so many axes");
  Sizes out;
  Extent rows = 1, inner = 1, columns = 1;
  const int kept = a.rank() - static_cast<int>(shared);
  for (int i = 0; i < a.rank(); ++i) (i < kept ? rows : inner) = (i < kept ? rows : inner) * a.size(i);
  for (int i = 0; i < kept; ++i) out.push_back(a.size(i));
  for (int i = static_cast<int>(shared); i < b.rank(); ++i) {
    columns = columns * b.size(i);
    out.push_back(b.size(i));
  }
  return reshape(matmul(reshape(a, {rows, inner}), reshape(b, {inner, columns})), out);
}
Outputs cdist_op(const OpCall& c) {
  if (c.args.number("p", 2) != 2) Args::fail("p", "2 is needed");
  return norm(unsqueeze(c.in[0], -2) - unsqueeze(c.in[1], -3), -1);
}

constexpr OpEntry kOps[] = {
    {"matmul", 2, 2, binary<matmul>},
    {"dot", 2, 2, binary<dot>},
    {"outer", 2, 2, binary<outer>},
    {"einsum", 1, kAny, [](const OpCall& c) -> Outputs { return einsum(c.args.text("equation"), c.in); }},
    {"addmm", 3, 3, addmm_op},
    {"addmv", 3, 3, addmm_op},
    {"baddbmm", 3, 3, addmm_op},
    {"addr", 3, 3, addr_op},
    {"linear", 2, 3, linear_op},
    {"bilinear", 3, 4, bilinear_op},
    {"tensordot", 2, 2, tensordot_op},
    {"kron", 2, 2, kron_op},
    {"cross", 2, 2, cross_op},
    {"cdist", 2, 2, cdist_op},
    {"trace", 1, 1, unary<trace>},
    {"diag", 1, 1, diag_op},
    {"diagonal", 1, 1, diagonal_op},
    {"diag_embed", 1, 1, diag_embed_op},
    {"tril", 1, 1, [](const OpCall& c) -> Outputs { return tril(c.x(), c.args.integer("diagonal|k", 0)); }},
    {"triu", 1, 1, [](const OpCall& c) -> Outputs { return triu(c.x(), c.args.integer("diagonal|k", 0)); }},
};

}  // namespace

std::span<const OpEntry> linalg_ops() { return kOps; }

}  // namespace anneal::conform
