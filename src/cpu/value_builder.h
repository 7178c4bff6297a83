// SPDX-License-Identifier: MIT
// Writes instructions for values in their computed form, scalar or vector alike: the type of an operand says
// how many lanes there are. Computed forms: bool is i1, integers are themselves, index is i64 (or i32 where
// its bounds allow), f32 and f64 are themselves, narrower floats are f32 values that their type holds.
// Tested by elementwise_slow_test.cc.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <string>

#include "anneal/dtype.h"
#include "cpu/target.h"

namespace anneal::cpu {

class ValueBuilder : public llvm::IRBuilder<> {
 public:
  using Value = llvm::Value;
  using Type = llvm::Type;
  using Values = llvm::ArrayRef<Value*>;

  ValueBuilder(llvm::Module& module, const Target& target)
      : llvm::IRBuilder<>(module.getContext()), module_(module), target_(target) {}

  llvm::Module& module() const { return module_; }
  const Target& target() const { return target_; }

  // -- Types --
  Type* compute_type(DType t);
  Type* memory_type(DType t);             // bool is a byte, narrow floats are their bits
  static unsigned lanes(const Value* v);  // 0: a scalar
  // `element` with the lanes of `like`.
  static Type* with_lanes(Type* element, unsigned lanes);
  static Type* same_lanes(Type* element, const Value* like) { return with_lanes(element, lanes(like)); }

  // -- Constants of the type of another value --
  static llvm::Constant* number(const Value* like, double v);
  static llvm::Constant* integer(const Value* like, int64_t v);
  static llvm::Constant* integer(Type* type, int64_t v);

  // -- Floats --
  // a * b + c with one rounding, whatever the target has.
  Value* fma(Value* a, Value* b, Value* c);
  Value* fma(Value* a, Value* b, double c) { return fma(a, b, number(a, c)); }
  Value* is_nan(Value* a) { return CreateFCmpUNO(a, a); }
  Value* fabs(Value* a) { return CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a); }
  Value* copysign(Value* magnitude, Value* sign) {
    return CreateBinaryIntrinsic(llvm::Intrinsic::copysign, magnitude, sign);
  }
  Value* bits_of(Value* a);                  // a float as an integer of its size
  Value* float_of(Value* bits, Type* like);  // and back
  // The value in f32 that rounds to a narrow float as the f64 `a` does: towards zero, with a sticky last bit.
  Value* round_to_odd(Value* a);

  // -- Vectors --
  Value* lane_numbers(unsigned lanes, Type* element);
  Value* any(Value* mask);
  Value* reverse(Value* a);
  // `f` for every lane on its own: for what has no vector form.
  Value* each_lane(Values args, Type* element, llvm::function_ref<Value*(Values)> f);

  // -- Functions --
  // A function of the module, written by `body` at its first call, named by what it does and its types.
  // Inlined ones cost nothing; the others are for what is large and rare.
  enum class Inline { kAlways, kNever };
  Value* call(const std::string& what, Inline inlined, Type* result, Values args,
              llvm::function_ref<Value*(ValueBuilder&, Values)> body);
  // A function of runtime.h.
  Value* call_runtime(const char* name, Type* result, Values args);

 private:
  Value* fma_in_doubles(Value* a, Value* b, Value* c);

  llvm::Module& module_;
  const Target& target_;
};

}  // namespace anneal::cpu
