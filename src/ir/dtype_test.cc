// SPDX-License-Identifier: MIT
// The promotion lattice: its laws for all pairs and triples, and the joins that programs rely on. Names and
// sizes.
#include "anneal/dtype.h"

#include <gtest/gtest.h>

#include <vector>

namespace anneal {
namespace {

std::vector<DType> element_types() {
  std::vector<DType> types;
  for (int i = 1; i < kNumDTypes; ++i) types.push_back(static_cast<DType>(i));
  return types;
}

// a <= b in the lattice.
bool below(DType a, DType b) { return promote(a, b) == b; }

TEST(DType, PromotionIsIdempotentAndCommutative) {
  for (DType a : element_types()) {
    EXPECT_EQ(promote(a, a), a) << dtype_name(a);
    for (DType b : element_types()) {
      EXPECT_NE(promote(a, b), DType::kVoid) << dtype_name(a) << ' ' << dtype_name(b);
      EXPECT_EQ(promote(a, b), promote(b, a)) << dtype_name(a) << ' ' << dtype_name(b);
    }
  }
}

TEST(DType, PromotionIsAssociative) {
  for (DType a : element_types())
    for (DType b : element_types())
      for (DType c : element_types())
        EXPECT_EQ(promote(promote(a, b), c), promote(a, promote(b, c)))
            << dtype_name(a) << ' ' << dtype_name(b) << ' ' << dtype_name(c);
}

TEST(DType, PromotionIsMonotone) {
  for (DType a : element_types())
    for (DType b : element_types())
      for (DType c : element_types())
        if (below(a, b)) {
          EXPECT_TRUE(below(promote(a, c), promote(b, c)))
              << dtype_name(a) << ' ' << dtype_name(b) << ' ' << dtype_name(c);
        }
}

TEST(DType, TheJoinIsTheLeastUpperBound) {
  for (DType a : element_types())
    for (DType b : element_types()) {
      const DType join = promote(a, b);
      EXPECT_TRUE(below(a, join) && below(b, join)) << dtype_name(a) << ' ' << dtype_name(b);
      for (DType c : element_types())
        if (below(a, c) && below(b, c)) {
          EXPECT_TRUE(below(join, c)) << dtype_name(a) << ' ' << dtype_name(b) << ' ' << dtype_name(c);
        }
    }
}

TEST(DType, ClassesOnlyGrow) {
  for (DType a : element_types())
    for (DType b : element_types()) {
      const DType join = promote(a, b);
      EXPECT_EQ(is_float(join), is_float(a) || is_float(b)) << dtype_name(a) << ' ' << dtype_name(b);
      EXPECT_EQ(is_bool(join), is_bool(a) && is_bool(b)) << dtype_name(a) << ' ' << dtype_name(b);
    }
}

TEST(DType, JoinsThatProgramsMeet) {
  struct Case {
    DType a, b, join;
  };
  const Case cases[] = {
      {boolean, u8, u8},
      {boolean, f16, f16},
      {i8, u8, i16},
      {i16, u16, i32},
      {i32, u32, i64},
      {i32, u64, i64},
      {i64, u64, i64},
      {u8, i32, i32},
      {i64, f16, f16},
      {u64, bf16, bf16},
      {i32, f8e4m3, f8e4m3},
      {f8e4m3, f8e5m2, bf16},
      {f8e4m3, f16, f32},
      {f8e5m2, bf16, bf16},
      {f16, bf16, f32},
      {f16, f32, f32},
      {bf16, f64, f64},
      {i64, f32, f32},
      {DType::kIndex, i32, DType::kIndex},
      {DType::kIndex, u8, DType::kIndex},
      {DType::kIndex, u32, i64},
      {DType::kIndex, i64, i64},
      {DType::kIndex, f16, f16},
  };
  for (const Case& c : cases)
    EXPECT_EQ(promote(c.a, c.b), c.join) << dtype_name(c.a) << ' ' << dtype_name(c.b);
}

TEST(DType, VoidJoinsNothing) {
  for (DType a : element_types()) EXPECT_EQ(promote(a, DType::kVoid), DType::kVoid);
  EXPECT_EQ(promote(DType::kVoid, DType::kVoid), DType::kVoid);
}

TEST(DType, NamesAreReadBack) {
  for (DType a : element_types()) {
    EXPECT_EQ(dtype_from_name(dtype_name(a)), a);
    for (DType b : element_types()) EXPECT_EQ(dtype_name(a) == dtype_name(b), a == b);
  }
  EXPECT_EQ(dtype_name(boolean), "bool");
  EXPECT_EQ(dtype_name(f8e4m3), "f8e4m3");
  EXPECT_EQ(dtype_name(DType::kIndex), "index");
  for (const char* unknown : {"void", "", "f", "f320", "F32", "i33"})
    EXPECT_EQ(dtype_from_name(unknown), DType::kVoid);
}

TEST(DType, SizesAndSigns) {
  EXPECT_EQ(dtype_size(boolean), 1);
  EXPECT_EQ(dtype_size(bf16), 2);
  EXPECT_EQ(dtype_size(f8e5m2), 1);
  EXPECT_EQ(dtype_size(DType::kIndex), 8);
  for (DType a : element_types()) {
    EXPECT_EQ(is_signed(a), dtype_name(a)[0] == 'i' || is_float(a)) << dtype_name(a);
    EXPECT_EQ(int{is_float(a)} + int{is_int(a)} + int{is_bool(a)}, 1) << dtype_name(a);
  }
}

TEST(DType, SumsOfNarrowFloatsAreTakenInF32) {
  for (DType t : {f8e4m3, f8e5m2, f16, bf16, f32}) EXPECT_EQ(accumulation_dtype(t), f32);
  for (DType t : {f64, i8, u64, boolean}) EXPECT_EQ(accumulation_dtype(t), t);
}

}  // namespace
}  // namespace anneal
