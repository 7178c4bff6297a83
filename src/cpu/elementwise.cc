// SPDX-License-Identifier: MIT
// The ops that every type has, and the choice between the classes of types. See elementwise.h.
#include "cpu/elementwise.h"

#include "cpu/narrow_float.h"
#include "ir/scalar_ops.h"

namespace anneal::cpu {

using ir::Op;
using llvm::Value;
using Sources = std::span<Value* const>;

namespace {

Value* emit_compare(ValueBuilder& w, const ElementOp& what, Sources s) {
  if (is_float(what.source)) {
    switch (what.op) {
      case Op::Lt: return w.CreateFCmpOLT(s[0], s[1]);
      case Op::Le: return w.CreateFCmpOLE(s[0], s[1]);
      case Op::Eq: return w.CreateFCmpOEQ(s[0], s[1]);
      default: return w.CreateFCmpUNE(s[0], s[1]);
    }
  }
  const bool is_signed_int = is_signed(what.source);
  switch (what.op) {
    case Op::Lt: return is_signed_int ? w.CreateICmpSLT(s[0], s[1]) : w.CreateICmpULT(s[0], s[1]);
    case Op::Le: return is_signed_int ? w.CreateICmpSLE(s[0], s[1]) : w.CreateICmpULE(s[0], s[1]);
    case Op::Eq: return w.CreateICmpEQ(s[0], s[1]);
    default: return w.CreateICmpNE(s[0], s[1]);
  }
}

// Threefry-2x32 with 20 rounds, as in support/threefry.h.
Value* emit_threefry(ValueBuilder& w, int32_t lane, Sources s) {
  constexpr int64_t kGroups = 5;
  constexpr int64_t kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const auto c = [&](int64_t v) { return ValueBuilder::integer(s[0], v); };
  Value* schedule[] = {s[0], s[1], w.CreateXor(w.CreateXor(s[0], s[1]), c(0x1bd11bda))};
  Value* x0 = w.CreateAdd(s[2], schedule[0]);
  Value* x1 = w.CreateAdd(s[3], schedule[1]);
  for (int64_t group = 1; group <= kGroups; ++group) {
    for (const int64_t rotation : kRotations[(group - 1) % 2]) {
      x0 = w.CreateAdd(x0, x1);
      x1 = w.CreateXor(w.CreateIntrinsic(llvm::Intrinsic::fshl, {x1->getType()}, {x1, x1, c(rotation)}), x0);
    }
    x0 = w.CreateAdd(x0, schedule[group % 3]);
    x1 = w.CreateAdd(w.CreateAdd(x1, schedule[(group + 1) % 3]), c(group));
  }
  return lane == 0 ? x0 : x1;
}

// Ops whose result a narrow float holds when it holds the sources.
bool keeps_narrow(Op op) {
  switch (op) {
    case Op::Neg:
    case Op::Abs:
    case Op::Max:
    case Op::Min:
    case Op::Floor:
    case Op::Ceil:
    case Op::Round:
    case Op::Trunc: return true;
    default: return false;
  }
}

}  // namespace

Value* emit_bool_op(ValueBuilder& w, const ElementOp& what, Sources s) {
  switch (what.op) {
    case Op::Not: return w.CreateNot(s[0]);
    case Op::Max:
    case Op::Or: return w.CreateOr(s[0], s[1]);
    case Op::Min:
    case Op::And: return w.CreateAnd(s[0], s[1]);
    case Op::Xor: return w.CreateXor(s[0], s[1]);
    default: ANNEAL_UNREACHABLE(ir::op_text(what.op).data());
  }
}

Value* emit_elementwise(ValueBuilder& w, const ElementOp& what, Sources s) {
  switch (what.op) {
    case Op::Cast: return emit_cast(w, what.result, what.source, s[0]);
    case Op::Bitcast: return emit_bitcast(w, what.result, what.source, s[0]);
    case Op::Where: return w.CreateSelect(s[0], s[1], s[2]);
    case Op::Threefry: return emit_threefry(w, what.lane, s);
    case Op::Lt:
    case Op::Le:
    case Op::Eq:
    case Op::Ne: return emit_compare(w, what, s);
    default: break;
  }
  if (what.source == boolean) return emit_bool_op(w, what, s);
  if (!is_float(what.source)) return emit_int_op(w, what, s);
  Value* result = emit_float_op(w, what, s);
  return is_narrow_float(what.result) && !keeps_narrow(what.op) ? round_narrow(w, what.result, result)
                                                                : result;
}

Value* emit_fold(ValueBuilder& w, ir::ReduceOp op, DType t, Value* a, Value* b) {
  Value* const sources[] = {a, b};
  return emit_elementwise(w, {ir::fold_as_op(op), accumulation_dtype(t), accumulation_dtype(t)}, sources);
}

}  // namespace anneal::cpu
