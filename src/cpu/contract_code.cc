// SPDX-License-Identifier: MIT
#include "cpu/contract_code.h"

#include <llvm/IR/Intrinsics.h>

#include <vector>

namespace anneal::cpu {

using llvm::BasicBlock;
using llvm::Value;

Value* Code::min(Value* a, Value* b) { return CreateSelect(CreateICmpSLT(a, b), a, b); }

Value* Code::ceil_div(Value* a, Value* b) { return CreateUDiv(CreateNUWAdd(a, CreateSub(b, i64(1))), b); }

void Code::loop(Value* begin, Value* end, int64_t step, const std::function<void(Value*)>& body) {
  llvm::Function* function = GetInsertBlock()->getParent();
  BasicBlock* before = GetInsertBlock();
  BasicBlock* inside = BasicBlock::Create(getContext(), "loop", function);
  BasicBlock* after = BasicBlock::Create(getContext(), "after", function);
  CreateCondBr(less(begin, end), inside, after);
  SetInsertPoint(inside);
  llvm::PHINode* i = CreatePHI(getInt64Ty(), 2);
  i->addIncoming(begin, before);
  body(i);
  Value* next = add(i, step);
  i->addIncoming(next, GetInsertBlock());
  CreateCondBr(less(next, end), inside, after);
  SetInsertPoint(after);
}

Code::Values Code::fold(Value* begin, Value* end, int64_t step, const Values& initial,
                        const std::function<Values(Value*, Values)>& body) {
  llvm::Function* function = GetInsertBlock()->getParent();
  BasicBlock* before = GetInsertBlock();
  BasicBlock* inside = BasicBlock::Create(getContext(), "fold", function);
  BasicBlock* after = BasicBlock::Create(getContext(), "after", function);
  CreateCondBr(less(begin, end), inside, after);
  SetInsertPoint(inside);
  llvm::PHINode* i = CreatePHI(getInt64Ty(), 2);
  i->addIncoming(begin, before);
  std::vector<llvm::PHINode*> carried;
  for (Value* value : initial) {
    carried.push_back(CreatePHI(value->getType(), 2));
    carried.back()->addIncoming(value, before);
  }
  const Values given = body(i, Values(carried.begin(), carried.end()));
  Value* next = add(i, step);
  BasicBlock* last = GetInsertBlock();
  i->addIncoming(next, last);
  CreateCondBr(less(next, end), inside, after);
  SetInsertPoint(after);
  Values results;
  for (size_t n = 0; n < initial.size(); ++n) {
    carried[n]->addIncoming(given[n], last);
    llvm::PHINode* result = CreatePHI(initial[n]->getType(), 2);
    result->addIncoming(initial[n], before);
    result->addIncoming(given[n], last);
    results.push_back(result);
  }
  return results;
}

void Code::when(Value* condition, const std::function<void()>& body) {
  llvm::Function* function = GetInsertBlock()->getParent();
  BasicBlock* then = BasicBlock::Create(getContext(), "then", function);
  BasicBlock* after = BasicBlock::Create(getContext(), "after", function);
  CreateCondBr(condition, then, after);
  SetInsertPoint(then);
  body();
  CreateBr(after);
  SetInsertPoint(after);
}

void Code::either(Value* condition, const std::function<void()>& yes, const std::function<void()>& no) {
  llvm::Function* function = GetInsertBlock()->getParent();
  BasicBlock* then = BasicBlock::Create(getContext(), "then", function);
  BasicBlock* other = BasicBlock::Create(getContext(), "else", function);
  BasicBlock* after = BasicBlock::Create(getContext(), "after", function);
  CreateCondBr(condition, then, other);
  SetInsertPoint(then);
  yes();
  CreateBr(after);
  SetInsertPoint(other);
  no();
  CreateBr(after);
  SetInsertPoint(after);
}

llvm::Type* Contract::vector(unsigned lanes) const { return llvm::FixedVectorType::get(element, lanes); }

Value* Contract::zero() const { return llvm::Constant::getNullValue(vector()); }

Value* Contract::load(llvm::Type* type, Value* from, bool aligned) const {
  const uint64_t bytes = aligned ? type->getPrimitiveSizeInBits() / 8 : element->getPrimitiveSizeInBits() / 8;
  return code.CreateAlignedLoad(type, from, llvm::Align(bytes));
}

void Contract::store(Value* value, Value* to, bool aligned) const {
  llvm::Type* type = aligned ? value->getType() : element;
  code.CreateAlignedStore(value, to, llvm::Align(type->getPrimitiveSizeInBits() / 8));
}

Value* Contract::fma(Value* a, Value* b, Value* sum) const {
  // Without the instruction, llvm.fma would be a call of the C library for each lane.
  if (plan.machine.isa == Isa::kGeneric) return code.CreateFAdd(code.CreateFMul(a, b), sum);
  return code.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, sum});
}

Value* Contract::mask_of(Value* count) const {
  // In 32 bits: half the registers of a comparison of 64-bit lanes.
  Value* bounded = code.min(count, code.i64(plan.lanes));
  bounded = code.CreateTrunc(bounded, code.getInt32Ty());
  std::vector<llvm::Constant*> steps;
  for (int i = 0; i < plan.lanes; ++i) steps.push_back(code.getInt32(static_cast<uint32_t>(i)));
  return code.CreateICmpSLT(llvm::ConstantVector::get(steps),
                            code.CreateVectorSplat(static_cast<unsigned>(plan.lanes), bounded));
}

Value* Contract::operand(bool is_a, const OperandAt& where) const {
  Value* value = (is_a ? spec.a : spec.b)(code, where);
  if (where.mask == nullptr) return value;
  return code.CreateSelect(where.mask, value, llvm::Constant::getNullValue(value->getType()));
}

// plan.k_block, for a k that is known only now.
Value* k_block_size(Contract& c) {
  Code& code = c.code;
  if (c.spec.k.known != kUnknownExtent) return code.i64(c.plan.k_block(c.spec.k.known));
  Value* blocks = code.ceil_div(c.k, code.i64(c.plan.kc));
  blocks = code.CreateSelect(code.less(code.i64(0), blocks), blocks, code.i64(1));
  Value* size = code.round_up(code.ceil_div(c.k, blocks), 16);
  return code.CreateSelect(code.less(code.i64(0), size), size, code.i64(16));
}

void for_each_item(Contract& c, const std::function<void(const Item&)>& body) {
  Code& code = c.code;
  Value* m_blocks = code.ceil_div(c.m, code.i64(c.plan.item_m));
  Value* n_blocks = code.ceil_div(c.n, code.i64(c.plan.item_n));
  code.loop(c.begin, c.end, 1, [&](Value* item) {
    // Blocks of m are next to each other: they read the same columns of B.
    Value* m_block = code.CreateURem(item, m_blocks);
    Value* rest = code.CreateUDiv(item, m_blocks);
    Item at;
    at.b = code.CreateUDiv(rest, n_blocks);
    at.m0 = code.mul(m_block, c.plan.item_m);
    at.m1 = code.min(code.add(at.m0, c.plan.item_m), c.m);
    at.n0 = code.mul(code.CreateURem(rest, n_blocks), c.plan.item_n);
    at.n1 = code.min(code.add(at.n0, c.plan.item_n), c.n);
    body(at);
  });
}

}  // namespace anneal::cpu
