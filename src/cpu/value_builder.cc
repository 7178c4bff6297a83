// SPDX-License-Identifier: MIT
// See value_builder.h.
#include "cpu/value_builder.h"

#include <llvm/IR/Intrinsics.h>

#include <vector>

#include "support/check.h"

namespace anneal::cpu {

using llvm::Intrinsic::ID;

llvm::Type* ValueBuilder::compute_type(DType t) {
  if (is_float(t)) return t == f64 ? getDoubleTy() : getFloatTy();
  return t == boolean ? getInt1Ty() : getIntNTy(static_cast<unsigned>(dtype_size(t)) * 8);
}

llvm::Type* ValueBuilder::memory_type(DType t) {
  if (t == f32) return getFloatTy();
  if (t == f64) return getDoubleTy();
  return getIntNTy(static_cast<unsigned>(dtype_size(t)) * 8);
}

unsigned ValueBuilder::lanes(const Value* v) {
  const auto* type = llvm::dyn_cast<llvm::FixedVectorType>(v->getType());
  return type != nullptr ? type->getNumElements() : 0;
}

llvm::Type* ValueBuilder::with_lanes(Type* element, unsigned lanes) {
  return lanes == 0 ? element : llvm::FixedVectorType::get(element, lanes);
}

llvm::Constant* ValueBuilder::number(const Value* like, double v) {
  return llvm::ConstantFP::get(like->getType(), v);
}
llvm::Constant* ValueBuilder::integer(Type* type, int64_t v) {
  return llvm::ConstantInt::get(type, static_cast<uint64_t>(v), true);
}
llvm::Constant* ValueBuilder::integer(const Value* like, int64_t v) { return integer(like->getType(), v); }

llvm::Value* ValueBuilder::fma(Value* a, Value* b, Value* c) {
  if (target_.has_fma) return CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
  if (a->getType()->getScalarType()->isFloatTy())
    return call("fma", Inline::kNever, a->getType(), {a, b, c},
                [](ValueBuilder& w, Values v) { return w.fma_in_doubles(v[0], v[1], v[2]); });
  return each_lane({a, b, c}, getDoubleTy(),
                   [&](Values v) { return call_runtime("anneal_cpu_fma", getDoubleTy(), v); });
}

// The product of two f32 is exact in f64. The sum with the third is rounded to odd there, from the error that
// the addition leaves, so that rounding to f32 is the only rounding.
llvm::Value* ValueBuilder::fma_in_doubles(Value* a, Value* b, Value* c) {
  Type* wide = same_lanes(getDoubleTy(), a);
  Value* product = CreateFMul(CreateFPExt(a, wide), CreateFPExt(b, wide));
  Value* addend = CreateFPExt(c, wide);
  Value* sum = CreateFAdd(product, addend);
  Value* back = CreateFSub(sum, product);
  Value* error = CreateFAdd(CreateFSub(product, CreateFSub(sum, back)), CreateFSub(addend, back));
  // Inexact: the last bit is set, after a step towards zero where the sum had been rounded away from it.
  Value* bits = bits_of(sum);
  Value* inexact = CreateFCmpONE(error, number(error, 0));
  Value* away = CreateICmpNE(CreateFCmpOLT(error, number(error, 0)), CreateFCmpOLT(sum, number(sum, 0)));
  Value* toward_zero = CreateSelect(away, CreateSub(bits, integer(bits, 1)), bits);
  Value* odd = CreateSelect(inexact, CreateOr(toward_zero, integer(bits, 1)), bits);
  return CreateFPTrunc(float_of(odd, wide), a->getType());
}

llvm::Value* ValueBuilder::bits_of(Value* a) {
  return CreateBitCast(a, same_lanes(getIntNTy(a->getType()->getScalarSizeInBits()), a));
}
llvm::Value* ValueBuilder::float_of(Value* bits, Type* like) { return CreateBitCast(bits, like); }

llvm::Value* ValueBuilder::round_to_odd(Value* a) {
  Type* narrow = same_lanes(getFloatTy(), a);
  Value* nearest = CreateFPTrunc(a, narrow);
  Value* back = CreateFPExt(nearest, a->getType());
  Value* bits = bits_of(nearest);
  Value* inexact = CreateFCmpONE(back, a);
  Value* away = CreateFCmpOGT(fabs(back), fabs(a));
  Value* toward_zero = CreateSelect(away, CreateSub(bits, integer(bits, 1)), bits);
  return float_of(CreateSelect(inexact, CreateOr(toward_zero, integer(bits, 1)), bits), narrow);
}

llvm::Value* ValueBuilder::lane_numbers(unsigned lanes, Type* element) {
  std::vector<llvm::Constant*> numbers;
  for (unsigned i = 0; i < lanes; ++i) numbers.push_back(llvm::ConstantInt::get(element, i));
  return llvm::ConstantVector::get(numbers);
}

llvm::Value* ValueBuilder::any(Value* mask) { return lanes(mask) == 0 ? mask : CreateOrReduce(mask); }

llvm::Value* ValueBuilder::reverse(Value* a) {
  std::vector<int> order;
  for (int i = static_cast<int>(lanes(a)) - 1; i >= 0; --i) order.push_back(i);
  return CreateShuffleVector(a, order);
}

llvm::Value* ValueBuilder::each_lane(Values args, Type* element, llvm::function_ref<Value*(Values)> f) {
  const unsigned n = lanes(args[0]);
  if (n == 0) return f(args);
  Value* result = llvm::PoisonValue::get(with_lanes(element, n));
  for (unsigned i = 0; i < n; ++i) {
    std::vector<Value*> scalars;
    for (Value* a : args) scalars.push_back(CreateExtractElement(a, i));
    result = CreateInsertElement(result, f(scalars), i);
  }
  return result;
}

namespace {

std::string type_text(llvm::Type* type) {
  const llvm::Type* element = type->getScalarType();
  std::string text = (element->isIntegerTy() ? "i" : "f") + std::to_string(element->getScalarSizeInBits());
  if (const auto* v = llvm::dyn_cast<llvm::FixedVectorType>(type))
    text += "x" + std::to_string(v->getNumElements());
  return text;
}

}  // namespace

llvm::Value* ValueBuilder::call(const std::string& what, Inline inlined, Type* result, Values args,
                                llvm::function_ref<Value*(ValueBuilder&, Values)> body) {
  std::string name = what;
  std::vector<Type*> types;
  for (Value* a : args) {
    types.push_back(a->getType());
    name += "." + type_text(a->getType());
  }
  llvm::Function* function = module_.getFunction(name);
  if (function == nullptr) {
    function = llvm::Function::Create(llvm::FunctionType::get(result, types, false),
                                      llvm::GlobalValue::InternalLinkage, name, module_);
    function->addFnAttr(inlined == Inline::kAlways ? llvm::Attribute::AlwaysInline
                                                   : llvm::Attribute::NoInline);
    function->addFnAttr(llvm::Attribute::NoUnwind);
    ValueBuilder inner(module_, target_);
    inner.SetInsertPoint(llvm::BasicBlock::Create(getContext(), "", function));
    std::vector<Value*> parameters;
    for (llvm::Argument& a : function->args()) parameters.push_back(&a);
    inner.CreateRet(body(inner, parameters));
  }
  return CreateCall(function, args);
}

llvm::Value* ValueBuilder::call_runtime(const char* name, Type* result, Values args) {
  std::vector<Type*> types;
  for (Value* a : args) types.push_back(a->getType());
  return CreateCall(module_.getOrInsertFunction(name, llvm::FunctionType::get(result, types, false)), args);
}

}  // namespace anneal::cpu
