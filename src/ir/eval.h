// SPDX-License-Identifier: MIT
// The meaning of every elementwise op on one element: the definition that constant folding and the
// interpreter share. Semantics are those at the top of ops.def. Tested by eval_test.cc.
#pragma once

#include <span>

#include "ir/arg.h"
#include "ir/node.h"
#include "ir/op.h"

namespace anneal::ir {

// `source` is the type of the last source (that of both sides for a comparison, of the value for a cast),
// `result` that of the node. Only for ops with kElementwise.
Scalar eval_elementwise(Op op, DType result, DType source, std::span<const Scalar> sources, const Arg& arg);

// The fold of two elements by a reduction, and its identity in a type.
Scalar eval_fold(ReduceOp op, DType t, Scalar a, Scalar b);
Scalar fold_identity(ReduceOp op, DType t);

}  // namespace anneal::ir
