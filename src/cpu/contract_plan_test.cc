// SPDX-License-Identifier: MIT
#include "cpu/contract_plan.h"

#include <gtest/gtest.h>

#include <string>

namespace anneal::cpu {
namespace {

constexpr ContractMachine kWide{.isa = Isa::kAvx512, .threads = 2};
constexpr ContractTraits kRowMajor{.a_along = Axis::kK, .b_along = Axis::kN};

TEST(ContractPlan, TinyExtentsAreNotPacked) {
  const ContractTraits transposed{.a_along = Axis::kM, .b_along = Axis::kK};
  EXPECT_EQ(contract_plan({1, 1, 4096, 4096}, kWide, kRowMajor).path, ContractPath::kAxpy);
  EXPECT_EQ(contract_plan({1, 1, 4096, 4096}, kWide, transposed).path, ContractPath::kDot);
  EXPECT_EQ(contract_plan({1, 4096, 1, 4096}, kWide, kRowMajor).path, ContractPath::kDot);
  EXPECT_EQ(contract_plan({1, 4096, 1, 4096}, kWide, transposed).path, ContractPath::kAxpy);
  EXPECT_EQ(contract_plan({1, 4, 4096, 4096}, kWide, kRowMajor).path, ContractPath::kAxpy);
  EXPECT_EQ(contract_plan({1, 9, 4096, 4096}, kWide, kRowMajor).path, ContractPath::kTiles);
  // Of two tiny extents the smaller one is the one that is held.
  EXPECT_EQ(contract_plan({1, 3, 2, 9}, kWide, kRowMajor).long_axis, Axis::kM);
  // Sums of the operands need panels.
  ContractTraits sums = kRowMajor;
  sums.b_sums = true;
  EXPECT_EQ(contract_plan({1, 1, 4096, 4096}, kWide, sums).path, ContractPath::kTiles);
}

TEST(ContractPlan, RegisterTileFitsTheExtents) {
  EXPECT_EQ(contract_plan({1, 1400, 1400, 64}, kWide, kRowMajor).mr, 14);
  EXPECT_EQ(contract_plan({1, 64, 64, 64}, kWide, kRowMajor).mr,
            13);  // 5 tiles of 13 waste one row, of 14 six
  EXPECT_EQ(contract_plan({1, 9, 64, 64}, kWide, kRowMajor).mr, 9);
  EXPECT_EQ(contract_plan({1, 64, 10, 64}, kWide, kRowMajor).nr, 16);
  EXPECT_EQ(contract_plan({1, -1, -1, -1}, kWide, kRowMajor).mr, 14);
  EXPECT_EQ(contract_plan({1, -1, -1, -1}, {.isa = Isa::kAvx2}, kRowMajor).nr, 16);
}

TEST(ContractPlan, ThreadsGetEqualShares) {
  for (const ContractShape& shape : {ContractShape{1, 512, 512, 512}, ContractShape{1, 1024, 1024, 1024},
                                     ContractShape{1, 2048, 2048, 2048}, ContractShape{1, 4096, 768, 768},
                                     ContractShape{1, 4096, 50257, 768}, ContractShape{512, 64, 64, 64}}) {
    for (const int threads : {1, 2, 4, 8}) {
      const ContractPlan plan = contract_plan(shape, {.isa = Isa::kAvx512, .threads = threads}, kRowMajor);
      const int64_t items = plan.items(shape), rounds = (items + threads - 1) / threads;
      // The thread with the most items has at most a fifth more than its share of the elements.
      const double most = static_cast<double>(rounds * plan.item_m) * static_cast<double>(plan.item_n);
      const double share =
          static_cast<double>(shape.batch * shape.m) * static_cast<double>(shape.n) / threads;
      EXPECT_LE(most, share * 1.2) << to_string(plan) << " for " << threads << " threads";
    }
  }
}

TEST(ContractPlan, ScratchIsBoundedAndInOrder) {
  for (const Isa isa : {Isa::kGeneric, Isa::kNeon, Isa::kAvx2, Isa::kAvx512}) {
    for (const bool f64 : {false, true}) {
      for (const int64_t extent :
           {int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{7}, int64_t{5000}, int64_t{1} << 40}) {
        ContractTraits traits = kRowMajor;
        traits.f64 = f64;
        traits.a_sums = true;
        const ContractPlan plan =
            contract_plan({1, extent, extent, extent}, {.isa = isa, .threads = 4}, traits);
        EXPECT_LE(plan.scratch_bytes, int64_t{8} << 20) << to_string(plan);
        EXPECT_GT(plan.scratch_bytes, 0);
        EXPECT_EQ(plan.item_m % plan.mr, 0) << to_string(plan);
        EXPECT_EQ(plan.item_n % plan.nr, 0) << to_string(plan);
        EXPECT_EQ(plan.mc % plan.mr, 0) << to_string(plan);
        for (const int64_t at : {plan.b_panels, plan.a_panels, plan.tiles, plan.rows, plan.a_sum}) {
          EXPECT_EQ(at % 64, 0);
          EXPECT_LT(at, plan.scratch_bytes);
        }
      }
    }
  }
}

TEST(ContractPlan, BlocksOfKDependOnKAlone) {
  const ContractPlan known = contract_plan({1, 100, 100, 1000}, kWide, kRowMajor);
  const ContractPlan other =
      contract_plan({7, 3000, 20, -1}, {.isa = Isa::kGeneric, .threads = 9}, kRowMajor);
  for (const int64_t k : {0, 1, 511, 512, 513, 768, 1000, 4096, 50257}) {
    const int64_t block = known.k_block(k);
    EXPECT_EQ(block, other.k_block(k));
    EXPECT_EQ(block % 16, 0);
    EXPECT_LE(block, 512);
    if (k > 0) {
      EXPECT_LE((k + block - 1) / block, (k + 511) / 512) << "more blocks than needed for " << k;
    }
  }
}

TEST(ContractPlan, Prints) {
  EXPECT_EQ(to_string(contract_plan({1, 512, 512, 512}, {.isa = Isa::kAvx512}, kRowMajor)),
            "tiles avx512 f32 14x32 kc=512 (one) mc=56 item=518x512 scratch=1.12 MiB");
  EXPECT_EQ(to_string(contract_plan({1, 1, 4096, 768}, kWide, kRowMajor)),
            "axpy avx512 f32 1 x n lanes=16 kc=768 (one) item=1024 scratch=0.01 MiB");
}

}  // namespace
}  // namespace anneal::cpu
