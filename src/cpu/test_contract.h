// SPDX-License-Identifier: MIT
// Contractions of plain arrays, for tests and measurements: slots 0, 1 and 2 are A, B and C, each with any
// strides.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "cpu/contract.h"
#include "cpu/test_jit.h"

namespace anneal::cpu {

// Elements between neighbours along (batch, row, k) of an operand, or (batch, m, n) of the result.
using Strides = std::array<int64_t, 3>;

struct PlainContract {
  ContractShape shape;
  Strides a, b, c;
  bool f64 = false;
  bool symbolic = false;  // extents come from vars 0..3: batch, m, n, k

  // Row-major arrays, or their transposes.
  static PlainContract make(ContractShape s, bool a_transposed, bool b_transposed, bool f64 = false) {
    PlainContract p{
        .shape = s, .a = {s.m * s.k, s.k, 1}, .b = {s.k * s.n, 1, s.n}, .c = {s.m * s.n, s.n, 1}, .f64 = f64};
    if (a_transposed) p.a = {s.m * s.k, 1, s.m};
    if (b_transposed) p.b = {s.k * s.n, s.k, 1};
    return p;
  }

  ContractTraits traits() const {
    return {
        .f64 = f64, .a_along = a[2] == 1 ? Axis::kK : Axis::kM, .b_along = b[2] == 1 ? Axis::kK : Axis::kN};
  }
  ContractShape known() const { return symbolic ? ContractShape{-1, -1, -1, -1} : shape; }
};

// Emits loads and stores of plain arrays. Lives as long as the spec that refers to it.
class PlainHoles {
 public:
  explicit PlainHoles(const PlainContract& plain) : plain_(plain) {}

  void prepare(llvm::IRBuilderBase& code, const ContractFrame& frame) {
    for (unsigned i = 0; i < bases_.size(); ++i) {
      llvm::Value* slot = code.CreateConstGEP1_64(code.getPtrTy(), frame.slots, i);
      bases_[i] = code.CreateLoad(code.getPtrTy(), slot);
    }
  }

  llvm::Type* element(llvm::IRBuilderBase& code) const {
    return plain_.f64 ? code.getDoubleTy() : code.getFloatTy();
  }

  llvm::Value* address(llvm::IRBuilderBase& code, unsigned slot, const Strides& strides, llvm::Value* x,
                       llvm::Value* y, llvm::Value* z) const {
    const auto term = [&](llvm::Value* v, int64_t s) {
      return code.CreateMul(v, code.getInt64(static_cast<uint64_t>(s)));
    };
    llvm::Value* index =
        code.CreateAdd(code.CreateAdd(term(x, strides[0]), term(y, strides[1])), term(z, strides[2]));
    return code.CreateGEP(element(code), bases_[slot], index);
  }

  llvm::Value* lanes_of(llvm::IRBuilderBase& code, llvm::Value* base, int64_t stride, unsigned lanes) const {
    std::vector<llvm::Constant*> steps;
    for (unsigned i = 0; i < lanes; ++i) steps.push_back(code.getInt64(i * static_cast<uint64_t>(stride)));
    return code.CreateGEP(element(code), base, llvm::ConstantVector::get(steps));
  }

  llvm::Value* load(llvm::IRBuilderBase& code, unsigned slot, const Strides& strides,
                    const OperandAt& where) const {
    llvm::Value* base = address(code, slot, strides, where.b, where.row, where.k);
    const int64_t stride = strides[where.along == Axis::kK ? 2 : 1];
    llvm::Type* type = llvm::FixedVectorType::get(element(code), where.lanes);
    const llvm::Align align(plain_.f64 ? 8 : 4);
    llvm::Value* zero = llvm::Constant::getNullValue(type);
    if (stride != 1) {
      llvm::Value* mask =
          where.mask != nullptr
              ? where.mask
              : llvm::Constant::getAllOnesValue(llvm::FixedVectorType::get(code.getInt1Ty(), where.lanes));
      return code.CreateMaskedGather(type, lanes_of(code, base, stride, where.lanes), align, mask, zero);
    }
    if (where.mask != nullptr) return code.CreateMaskedLoad(type, base, align, where.mask, zero);
    return code.CreateAlignedLoad(type, base, align);
  }

  void prefetch(llvm::IRBuilderBase& code, unsigned slot, const Strides& strides,
                const OperandAt& where) const {
    llvm::Value* base = address(code, slot, strides, where.b, where.row, where.k);
    // A read, into every level, of data.
    code.CreateIntrinsic(llvm::Intrinsic::prefetch, {code.getPtrTy()},
                         {base, code.getInt32(0), code.getInt32(2), code.getInt32(1)});
  }

  void store(llvm::IRBuilderBase& code, unsigned slot, const Strides& strides, const ResultAt& where,
             llvm::Value* value) const {
    llvm::Value* base = address(code, slot, strides, where.b, where.m, where.n);
    const int64_t stride = strides[where.along == Axis::kN ? 2 : 1];
    const llvm::Align align(plain_.f64 ? 8 : 4);
    if (stride != 1) {
      code.CreateMaskedScatter(value, lanes_of(code, base, stride, where.lanes), align, where.mask);
    } else if (where.mask != nullptr) {
      code.CreateMaskedStore(value, base, align, where.mask);
    } else {
      code.CreateAlignedStore(value, base, align);
    }
  }

  ContractSpec spec() {
    ContractSpec s;
    const std::array<int64_t, 4> extents = {plain_.shape.batch, plain_.shape.m, plain_.shape.n,
                                            plain_.shape.k};
    const std::array<ContractExtent*, 4> to = {&s.batch, &s.m, &s.n, &s.k};
    for (unsigned i = 0; i < 4; ++i) {
      if (!plain_.symbolic) {
        to[i]->known = extents[i];
        continue;
      }
      to[i]->emit = [i](llvm::IRBuilderBase& code, const ContractFrame& frame) -> llvm::Value* {
        return code.CreateLoad(code.getInt64Ty(), code.CreateConstGEP1_64(code.getInt64Ty(), frame.vars, i));
      };
    }
    s.prepare = [this](llvm::IRBuilderBase& code, const ContractFrame& frame) { prepare(code, frame); };
    s.a = [this](llvm::IRBuilderBase& code, const OperandAt& at) { return load(code, 0, plain_.a, at); };
    s.b = [this](llvm::IRBuilderBase& code, const OperandAt& at) { return load(code, 1, plain_.b, at); };
    s.a_prefetch = [this](llvm::IRBuilderBase& code, const OperandAt& at) {
      prefetch(code, 0, plain_.a, at);
    };
    s.b_prefetch = [this](llvm::IRBuilderBase& code, const OperandAt& at) {
      prefetch(code, 1, plain_.b, at);
    };
    s.result = [this](llvm::IRBuilderBase& code, const ResultAt& at) {
      store(code, 2, plain_.c, at, at.value);
    };
    return s;
  }

 private:
  PlainContract plain_;
  std::array<llvm::Value*, 6> bases_{};
};

using ContractFunction = void(void** slots, const int64_t* vars, int64_t begin, int64_t end, void* scratch);

struct AlignedFree {
  void operator()(void* memory) const { std::free(memory); }
};
using AlignedScratch = std::unique_ptr<void, AlignedFree>;
inline AlignedScratch make_scratch(int64_t bytes) {
  return AlignedScratch(std::aligned_alloc(64, (static_cast<size_t>(bytes) + 127) / 64 * 64));
}

}  // namespace anneal::cpu
