// SPDX-License-Identifier: MIT
// See math.h.
#include "cpu/math.h"
#include "support/check.h"
namespace anneal::cpu {
llvm::Value* emit_math(ValueBuilder&, ir::Op op, std::span<llvm::Value* const>) { ANNEAL_UNREACHABLE(ir::op_text(op).data()); }
}
