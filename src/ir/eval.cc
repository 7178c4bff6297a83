// SPDX-License-Identifier: MIT
// Constants through the loops of blocks.h, one element at a time. See eval.h for the contract.
#include "ir/eval.h"

#include <limits>

#include "ir/blocks.h"
#include "ir/scalar_ops.h"

namespace anneal::ir {
namespace {

constexpr size_t kMaxSources = 4;

struct Element {
  alignas(8) std::byte bytes[8];
};

// The lowest value of a type; -448 for f8e4m3, which has no infinity.
Scalar lowest(DType t) {
  if (t == DType::kF8E4M3) return Scalar::from_double(-448, t);
  return Scalar::from_double(-std::numeric_limits<double>::infinity(), t);
}

Scalar greatest(DType t) {
  if (t == DType::kF8E4M3) return Scalar::from_double(448, t);
  return Scalar::from_double(std::numeric_limits<double>::infinity(), t);
}

}  // namespace

Scalar eval_elementwise(Op op, DType result, DType source, std::span<const Scalar> sources, const Arg& arg) {
  ANNEAL_CHECK(sources.size() <= kMaxSources);
  Element in[kMaxSources], out;
  const void* runs[kMaxSources];
  for (size_t i = 0; i < sources.size(); ++i) {
    const bool is_condition = op == Op::Where && i == 0;
    load_scalar(is_condition ? DType::kBool : source, sources[i], in[i].bytes);
    runs[i] = in[i].bytes;
  }
  const auto* lane = std::get_if<LaneArg>(&arg);
  run_elementwise({op, result, source, lane != nullptr ? lane->lane : 0}, runs, out.bytes, 1);
  return scalar_of(result, out.bytes);
}

Scalar eval_fold(ReduceOp op, DType t, Scalar a, Scalar b) {
  const Scalar sources[] = {a, b};
  return eval_elementwise(fold_as_op(op), t, t, sources, NoArg{});
}

Scalar fold_identity(ReduceOp op, DType t) {
  switch (op) {
    case ReduceOp::kAdd: return Scalar::from_int(0, t);
    case ReduceOp::kMul: return Scalar::from_int(1, t);
    case ReduceOp::kMax: return is_bool(t) ? Scalar::from_int(0, t) : lowest(t);
    case ReduceOp::kMin: return is_bool(t) ? Scalar::from_int(1, t) : greatest(t);
  }
  ANNEAL_UNREACHABLE("fold");
}

}  // namespace anneal::ir
