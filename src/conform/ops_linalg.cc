// SPDX-License-Identifier: MIT
// Matrix products and matrices.
#include "conform/ops.h"

namespace anneal::conform {
namespace {

// beta * x + alpha * product
In factor(const OpCall& c, const char* name) { return c.args.has(name) ? c.args.operand(name) : In(1); }
template <Tensor (*fn)(In, In, In, In, In)>
Outputs scaled_sum(const OpCall& c) {
  return fn(c.x(), c.in[1], c.in[2], factor(c, "beta"), factor(c, "alpha"));
}

Outputs linear_op(const OpCall& c) { return linear(c.x(), c.in[1], c.maybe(2)); }
Outputs bilinear_op(const OpCall& c) { return bilinear(c.x(), c.in[1], c.in[2], c.maybe(3)); }

Outputs diag_op(const OpCall& c) { return diag(c.x(), c.args.integer("diagonal|offset", 0)); }
Outputs diagonal_op(const OpCall& c) {
  return diagonal(c.x(), c.args.integer("offset|diagonal", 0),
                  static_cast<int>(c.args.integer("dim1|axis1", 0)),
                  static_cast<int>(c.args.integer("dim2|axis2", 1)));
}
Outputs diag_embed_op(const OpCall& c) { return diag_embed(c.x(), c.args.integer("offset|diagonal", 0)); }
Outputs cross_op(const OpCall& c) { return cross(c.x(), c.in[1], c.args.axis(-1)); }
Outputs tensordot_op(const OpCall& c) {
  const int64_t axes = c.args.integer("dims|axes", 2);
  if (axes < 0 || axes > 64) Args::fail("dims", "not so many axes");
  return tensordot(c.x(), c.in[1], static_cast<int>(axes));
}
Outputs cdist_op(const OpCall& c) { return cdist(c.x(), c.in[1], c.args.number("p", 2)); }

constexpr OpEntry kLinalgOps[] = {
    {"matmul", 2, 2, binary<matmul>},
    {"dot", 2, 2, binary<dot>},
    {"outer", 2, 2, binary<outer>},
    {"einsum", 1, kAny, [](const OpCall& c) -> Outputs { return einsum(c.args.text("equation"), c.in); }},
    {"addmm", 3, 3, scaled_sum<addmm>},
    {"addmv", 3, 3, scaled_sum<addmm>},
    {"baddbmm", 3, 3, scaled_sum<addmm>},
    {"addr", 3, 3, scaled_sum<addr>},
    {"linear", 2, 3, linear_op},
    {"bilinear", 3, 4, bilinear_op},
    {"tensordot", 2, 2, tensordot_op},
    {"kron", 2, 2, binary<kron>},
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

std::span<const OpEntry> linalg_ops() { return kLinalgOps; }

}  // namespace anneal::conform
