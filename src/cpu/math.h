// SPDX-License-Identifier: MIT
// Transcendental functions as instructions, on f32 and f64 values: no library is called, every lane gives the
// same bits as a scalar does, and so does every instruction set. Greatest error found, in units in the last
// place (math_slow_test.cc measures it and holds these bounds):
//
//              exp  exp2 expm1 log  log2 log1p sin  cos  tanh atan erf  pow
//   f32        1.1  1.1  1.5   1.0  1.0  1.0   1.1  1.1  2.5  2.0  1.5  0.51
//   f64        1.2  1.2  2.2   1.0  1.0  1.0   1.1  1.1  3.0  2.2  1.5  2.0
//
// Tested by math_slow_test.cc, and by elementwise_slow_test.cc on every type.
#pragma once

#include <span>

#include "cpu/value_builder.h"
#include "ir/op.h"

namespace anneal::cpu {

llvm::Value* emit_math(ValueBuilder& w, ir::Op op, std::span<llvm::Value* const> sources);

}  // namespace anneal::cpu
