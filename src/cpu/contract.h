// SPDX-License-Identifier: MIT
// The contraction skeleton: emits LLVM IR for
//   C[b,m,n] = sum over k of A(b,m,k) * B(b,k,n)
// where A, B and what becomes of C are holes that the caller fills with IR of any kind. A prologue is
// computed once for each element and work item, while packing; an epilogue sees every finished element
// exactly once.
//
// The sum of an element: k is cut into plan.k_block(k) long pieces; within a piece the products are added one
// by one in order of k with fused multiply-adds (where the machine has them), and the pieces are added in
// order. kDot keeps plan.chains vectors of partial sums in each piece instead. Either way it does not depend
// on how work items are distributed, nor on the number of threads. Sums start at +0: one of products that are
// all -0 is +0. Tested by contract_test.cc, measured by contract_bench.cc.
#pragma once

#include <functional>
#include <string>

#include "cpu/contract_plan.h"

namespace llvm {
class Function;
class IRBuilderBase;
class Module;
class Value;
}  // namespace llvm

namespace anneal::cpu {

// The arguments of the generated function, for use in holes.
struct ContractFrame {
  llvm::Value* slots = nullptr;  // ptr to ptr
  llvm::Value* vars = nullptr;   // ptr to i64
};

// A number known now or computed once at the top of the kernel.
struct ContractExtent {
  int64_t known = kUnknownExtent;
  std::function<llvm::Value*(llvm::IRBuilderBase&, const ContractFrame&)> emit;  // i64; if not known
};

// Asks for `lanes` values of an operand, along `along`: lane i is at (b, row + i, k) or at (b, row, k + i).
// `row` is m for A and n for B. Lanes whose mask is false must not touch memory; their values do not matter.
// A null mask means all lanes. `along` is the operand's own direction, except that the tiny operand of kDot
// and kAxpy is always read along k.
struct OperandAt {
  llvm::Value *b = nullptr, *row = nullptr, *k = nullptr;
  Axis along = Axis::kK;
  unsigned lanes = 0;
  llvm::Value* mask = nullptr;
};
using OperandHole = std::function<llvm::Value*(llvm::IRBuilderBase&, const OperandAt&)>;

// Asks to fetch what OperandHole would load for these lanes (of which some may be outside of the extents),
// some time before it does: without it, packing waits for memory and computing does not use it. Once for each
// cache line.
using PrefetchHole = std::function<void(llvm::IRBuilderBase&, const OperandAt&)>;

// `lanes` finished elements along n (or along m: kDot and kAxpy when n is tiny), starting at (b, m, n).
struct ResultAt {
  llvm::Value *b = nullptr, *m = nullptr, *n = nullptr;
  Axis along = Axis::kN;
  unsigned lanes = 0;
  llvm::Value* value = nullptr;
  llvm::Value* mask = nullptr;
  llvm::Value *a_sum = nullptr, *b_sum = nullptr;  // vectors like value, if the spec asks for these sums
};
using ResultHole = std::function<void(llvm::IRBuilderBase&, const ResultAt&)>;

// `lanes` finished sums over k of A (row is m) or B (row is n), each exactly once.
struct SumAt {
  llvm::Value *b = nullptr, *row = nullptr;
  unsigned lanes = 0;
  llvm::Value* value = nullptr;
  llvm::Value* mask = nullptr;
};
using SumHole = std::function<void(llvm::IRBuilderBase&, const SumAt&)>;

struct ContractSpec {
  ContractExtent batch, m, n, k;
  // Emitted once at the top: the place to load base pointers and whatever else holes want to keep.
  std::function<void(llvm::IRBuilderBase&, const ContractFrame&)> prepare;
  OperandHole a, b;
  ResultHole result;
  PrefetchHole a_prefetch, b_prefetch;  // may be null, as for operands that are not plain loads
  SumHole a_sum, b_sum;  // null is allowed, also when the plan's traits ask for sums in the result hole
};

// The shape that contract_plan wants, of a spec's extents.
ContractShape shape_of(const ContractSpec& spec);

// The register tile of kTiles has no holes, so a few kernels serve every contraction of a process, and they
// are a third of the time to compile one. kOutside leaves the function to the linker: add emit_tile_kernel's
// to any module.
enum class TileKernel : uint8_t { kInside, kOutside };

// Names the kernel that a plan needs: equal names are equal functions. Empty if it needs none.
std::string tile_kernel_name(const ContractPlan& plan);
// Adds that function to the module, with external linkage.
llvm::Function* emit_tile_kernel(llvm::Module& module, const ContractPlan& plan);

// Adds to the module
//   void name(ptr slots, ptr vars, i64 begin, i64 end, ptr scratch)
// which computes work items begin..end-1 of plan.items(shape). `scratch` is plan.scratch_bytes bytes, aligned
// to 64, that no other thread uses meanwhile; what is in it does not matter. Any subset of the items may run
// in any order.
llvm::Function* emit_contract(llvm::Module& module, const std::string& name, const ContractSpec& spec,
                              const ContractPlan& plan, TileKernel kernel = TileKernel::kInside);

}  // namespace anneal::cpu
