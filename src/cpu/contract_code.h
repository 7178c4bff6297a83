// SPDX-License-Identifier: MIT
// What the emitters of the contraction skeleton share: a builder with loops, and the values every part needs.
// Included by contract*.cc only. Tested by contract_test.cc.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <functional>
#include <vector>

#include "cpu/contract.h"

namespace anneal::cpu {

// Structured control flow. Bodies may add blocks of their own; they must end where they can fall through.
class Code : public llvm::IRBuilder<> {
 public:
  using llvm::IRBuilder<>::IRBuilder;

  llvm::ConstantInt* i64(int64_t value) { return getInt64(static_cast<uint64_t>(value)); }
  llvm::Value* add(llvm::Value* a, llvm::Value* b) { return CreateNSWAdd(a, b); }
  llvm::Value* add(llvm::Value* a, int64_t b) { return b == 0 ? a : CreateNSWAdd(a, i64(b)); }
  llvm::Value* sub(llvm::Value* a, llvm::Value* b) { return CreateNSWSub(a, b); }
  llvm::Value* mul(llvm::Value* a, llvm::Value* b) { return CreateNSWMul(a, b); }
  llvm::Value* mul(llvm::Value* a, int64_t b) { return b == 1 ? a : CreateNSWMul(a, i64(b)); }
  llvm::Value* less(llvm::Value* a, llvm::Value* b) { return CreateICmpSLT(a, b); }
  llvm::Value* min(llvm::Value* a, llvm::Value* b);
  // Of numbers that are not negative.
  llvm::Value* ceil_div(llvm::Value* a, llvm::Value* b);
  llvm::Value* round_up(llvm::Value* a, int64_t b) { return mul(ceil_div(a, i64(b)), b); }
  llvm::Value* round_down_pow2(llvm::Value* a, int64_t b) { return CreateAnd(a, i64(-b)); }

  // for (i = begin; i < end; i += step) body(i)
  void loop(llvm::Value* begin, llvm::Value* end, int64_t step,
            const std::function<void(llvm::Value*)>& body);
  // The same with values that body takes and gives; the last ones are the result.
  using Values = std::vector<llvm::Value*>;
  Values fold(llvm::Value* begin, llvm::Value* end, int64_t step, const Values& initial,
              const std::function<Values(llvm::Value*, Values)>& body);
  void when(llvm::Value* condition, const std::function<void()>& body);
  void either(llvm::Value* condition, const std::function<void()>& yes, const std::function<void()>& no);
};

// The state of one emission.
struct Contract {
  Code& code;
  const ContractSpec& spec;
  const ContractPlan& plan;
  ContractFrame frame;
  llvm::Value *begin = nullptr, *end = nullptr, *scratch = nullptr;
  llvm::Value *batch = nullptr, *m = nullptr, *n = nullptr, *k = nullptr;  // extents
  llvm::Type* element = nullptr;

  llvm::Type* vector(unsigned lanes) const;
  llvm::Type* vector() const { return vector(static_cast<unsigned>(plan.lanes)); }
  llvm::Value* zero() const;
  // Pointers into scratch memory, by bytes; and to an element of an array.
  llvm::Value* scratch_at(int64_t bytes) const {
    return code.CreateConstGEP1_64(code.getInt8Ty(), scratch, static_cast<uint64_t>(bytes));
  }
  llvm::Value* at(llvm::Value* base, llvm::Value* index) const {
    return code.CreateGEP(element, base, index);
  }
  llvm::Value* at(llvm::Value* base, int64_t index) const { return at(base, code.i64(index)); }
  llvm::Value* load(llvm::Type* type, llvm::Value* from, bool aligned = false) const;
  void store(llvm::Value* value, llvm::Value* to, bool aligned = false) const;
  llvm::Value* fma(llvm::Value* a, llvm::Value* b, llvm::Value* sum) const;
  // Lanes i with i < count.
  llvm::Value* mask_of(llvm::Value* count) const;
  // Calls a hole. Masked lanes of what it gives are zero here, whatever the hole made of them.
  llvm::Value* operand(bool is_a, const OperandAt& where) const;
};

// One loop nest for all items: (b, m0, m1, n0, n1) of each in turn.
struct Item {
  llvm::Value *b, *m0, *m1, *n0, *n1;
};
void for_each_item(Contract& c, const std::function<void(const Item&)>& body);

// plan.k_block of the extent, also when it is known only at run time.
llvm::Value* k_block_size(Contract& c);
// A block of k: [k0, k0 + count).
struct KBlock {
  llvm::Value *k0, *count;
};
// Vectors across a panel: element (r, k) lies at panel[r / width][k * width + r % width], where panels are
// `stride` elements apart. The rows are [r0, r1), of which lanes up to the extent may be read.
struct PanelSet {
  llvm::Value *base, *stride, *r0, *r1;
  int width;
};
// Packs A or B, whose values come in vectors along m or n.
void pack_across(Contract& c, bool is_a, llvm::Value* b, const PanelSet& panels, const KBlock& block);
// Packs B, whose values come along k, into the same panels by transposing strips on the stack of the scratch.
void pack_transposed(Contract& c, llvm::Value* b, const PanelSet& panels, const KBlock& block);
// Packs A, whose values come along k: element (r, k) lies at base[(r - r0) * plan.a_row + k].
void pack_rows(Contract& c, llvm::Value* b, const PanelSet& panels, const KBlock& block);
// Adds the block's sums over k to sums[panel * sum_stride + row within the panel], or begins them. The stride
// is a whole number of vectors, so that a vector's idle lanes are nobody's sums.
int64_t sum_stride(const ContractPlan& plan, int width);
void sum_panels(Contract& c, llvm::Value* sums, const PanelSet& panels, const KBlock& block,
                llvm::Value* first);
void sum_rows(Contract& c, llvm::Value* sums, const PanelSet& panels, const KBlock& block,
              llvm::Value* first);

// void kernel(ptr a, ptr b, i64 k_groups, ptr tile, i1 accumulate): mr x nr products of one panel of each.
llvm::Function* declare_tile_kernel(llvm::Module& module, const ContractPlan& plan);
// Wide vectors stay whole on machines whose tuning prefers narrower ones.
void set_vector_width(llvm::Function& function, Isa isa);
void emit_tiles(Contract& c, llvm::Function* kernel);
void emit_dot(Contract& c);
void emit_axpy(Contract& c);

}  // namespace anneal::cpu
