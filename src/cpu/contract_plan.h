// SPDX-License-Identifier: MIT
// How a contraction C[b,m,n] = sum_k A(b,m,k) * B(b,k,n) is cut up: which of the three loop nests, the
// register tile, the blocks, and the work items a thread pool may split. A plan is a plain value made from
// extents and a description of the machine, so it can be tested and printed without LLVM.
//
// What a plan may not do is change bits: for one path, an element's sum depends on k_block(k) alone, which
// neither the number of threads nor m and n enter. The path itself is chosen from the extents and the
// operands' directions. Tested by contract_plan_test.cc.
#pragma once

#include <cstdint>
#include <string>

namespace anneal::cpu {

enum class Isa : uint8_t {
  kGeneric,  // 128-bit vectors, 16 registers, no fused multiply-add: x86-64 as it came
  kNeon,     // 128-bit vectors, 32 registers
  kAvx2,     // 256-bit vectors, 16 registers, masked loads and stores
  kAvx512,   // 512-bit vectors, 32 registers
};

enum class Axis : uint8_t { kM, kN, kK };

enum class ContractPath : uint8_t {
  kTiles,  // packed panels and a register tile
  kDot,    // one of m and n is tiny and the large operand is contiguous along k: dot products
  kAxpy,   // the same, contiguous along its other axis: rows scaled and added
};

inline constexpr int64_t kUnknownExtent = -1;

// An extent that is only known when the kernel runs is kUnknownExtent.
struct ContractShape {
  int64_t batch = 1, m = 0, n = 0, k = 0;
};

struct ContractMachine {
  Isa isa = Isa::kGeneric;
  int threads = 1;
  int64_t l2_bytes = int64_t{1} << 20;
};

struct ContractTraits {
  bool f64 = false;
  Axis a_along = Axis::kK;  // the direction in which values of A are cheap to make: kM or kK
  Axis b_along = Axis::kN;  // the same of B: kK or kN
  bool a_sums = false, b_sums = false;
};

struct ContractPlan {
  ContractPath path = ContractPath::kTiles;
  ContractMachine machine;
  ContractTraits traits;
  int lanes = 0;       // of a vector that holes are asked for
  int mr = 0, nr = 0;  // register tile; nr is a multiple of lanes
  int k_unroll = 0;    // panels are padded with zeros to a multiple of it
  int64_t kc = 0;      // largest block of k
  int64_t mc = 0;      // rows of A packed at a time
  int64_t item_m = 0;  // one work item is at most item_m x item_n elements of one batch
  int64_t item_n = 0;
  bool one_k_block = false;  // known: k fits in one block, so no partial sums go through memory
  bool prefetch = false;  // kTiles: an item is a whole small product, and the next one is fetched during it
  Axis long_axis = Axis::kN;  // kDot and kAxpy: the axis that is not tiny, and
  int tiny = 0;               // the extent of the one that is
  int chains = 0;             // kDot: vectors of partial sums for each dot product
  int64_t a_row = 0;          // elements between rows of a packed block of A, if A is packed along k
  // Where things lie in a thread's scratch memory, in bytes.
  int64_t b_panels = 0, a_panels = 0, tiles = 0, rows = 0, a_sum = 0, b_sum = 0;
  int64_t scratch_bytes = 0;

  int64_t element_bytes() const { return traits.f64 ? 8 : 4; }
  // The size of the blocks that k is cut into: all the same, except for a shorter last one.
  int64_t k_block(int64_t k) const;
  // How many work items there are. Every extent has to be known.
  int64_t items(const ContractShape& shape) const;
};

ContractPlan contract_plan(const ContractShape& shape, const ContractMachine& machine,
                           const ContractTraits& traits);

// One line: "tiles avx512 f32 14x32 kc=512 mc=56 item=512x512 scratch=1.2 MiB".
std::string to_string(const ContractPlan& plan);

}  // namespace anneal::cpu
