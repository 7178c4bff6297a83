// SPDX-License-Identifier: MIT
// f16, bf16 and the two fp8 formats: memory form (their bits) to computed form (f32) and back, to nearest
// even, with subnormals, infinities and NaN as support/float_formats.h has them.
// Tested by elementwise_slow_test.cc for every encoding, and by dense samples of f32.
#pragma once

#include "cpu/value_builder.h"

namespace anneal::cpu {

constexpr bool is_narrow_float(DType t) { return is_float(t) && dtype_size(t) < 4; }

llvm::Value* decode_narrow(ValueBuilder& w, DType t, llvm::Value* bits);   // iN -> f32
llvm::Value* encode_narrow(ValueBuilder& w, DType t, llvm::Value* value);  // f32 -> iN, rounded
// Rounds an f32 value to what the format holds.
llvm::Value* round_narrow(ValueBuilder& w, DType t, llvm::Value* value);

// Any type's memory form to its computed form and back.
llvm::Value* from_memory(ValueBuilder& w, DType t, llvm::Value* stored);
llvm::Value* to_memory(ValueBuilder& w, DType t, llvm::Value* value);

}  // namespace anneal::cpu
