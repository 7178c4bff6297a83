// SPDX-License-Identifier: MIT
// One elementwise op as instructions, on computed forms (value_builder.h): what ir/scalar_ops.h defines, bit
// for bit but for the last bits of transcendental functions (math.h) and of NaN.
// Tested by elementwise_slow_test.cc: every op in every type against ir::eval_elementwise.
#pragma once

#include <span>

#include "cpu/value_builder.h"
#include "ir/arg.h"
#include "ir/op.h"

namespace anneal::cpu {

// `result` and `source` as for ir::eval_elementwise. Sources have the same number of lanes. An index may be
// held in 32 bits when its sources are.
struct ElementOp {
  ir::Op op;
  DType result, source;
  int32_t lane = 0;           // of threefry
  bool non_negative = false;  // integer division: neither side is negative
};
llvm::Value* emit_elementwise(ValueBuilder& w, const ElementOp& what, std::span<llvm::Value* const> sources);

// -- The parts, by class of the source type --
llvm::Value* emit_int_op(ValueBuilder& w, const ElementOp& what, std::span<llvm::Value* const> s);
llvm::Value* emit_bool_op(ValueBuilder& w, const ElementOp& what, std::span<llvm::Value* const> s);
llvm::Value* emit_float_op(ValueBuilder& w, const ElementOp& what, std::span<llvm::Value* const> s);
llvm::Value* emit_cast(ValueBuilder& w, DType to, DType from, llvm::Value* value);
llvm::Value* emit_bitcast(ValueBuilder& w, DType to, DType from, llvm::Value* value);

// Two elements joined by a fold, in the computed form that it accumulates in.
llvm::Value* emit_fold(ValueBuilder& w, ir::ReduceOp op, DType t, llvm::Value* a, llvm::Value* b);

}  // namespace anneal::cpu
