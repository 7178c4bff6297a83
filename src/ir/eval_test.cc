// SPDX-License-Identifier: MIT
// The semantics page of ops.def, line by line, on single elements, and the run loops of blocks.h against
// them.
#include "ir/eval.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "ir/blocks.h"
#include "support/threefry.h"

namespace anneal::ir {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr DType kIndexType = DType::kIndex;
constexpr DType kFloats[] = {f8e4m3, f8e5m2, f16, bf16, f32, f64};
constexpr DType kInts[] = {i8, i16, i32, i64, u8, u16, u32, u64, kIndexType};

std::vector<DType> all_dtypes() {
  std::vector<DType> all;
  for (int t = 1; t < kNumDTypes; ++t) all.push_back(static_cast<DType>(t));
  return all;
}

int64_t lowest_int(DType t) { return is_signed(t) ? -1 - (INT64_MAX >> (64 - 8 * dtype_size(t))) : 0; }

bool is_comparison(Op op) { return has_flag(op, kComparison); }

double on_floats(Op op, DType t, std::vector<double> sources) {
  std::vector<Scalar> in;
  for (double v : sources) in.push_back(Scalar::from_double(v, t));
  const DType result = is_comparison(op) ? boolean : t;
  return eval_elementwise(op, result, t, in, NoArg{}).as_double(result);
}
int64_t on_ints(Op op, DType t, std::vector<int64_t> sources) {
  std::vector<Scalar> in;
  for (int64_t v : sources) in.push_back(Scalar::from_int(v, t));
  const DType result = is_comparison(op) ? boolean : t;
  return eval_elementwise(op, result, t, in, NoArg{}).as_int(result);
}
Scalar cast(Scalar v, DType from, DType to) { return eval_elementwise(Op::Cast, to, from, {{v}}, NoArg{}); }
int64_t float_to_int(double v, DType to) { return cast(Scalar::from_double(v, f64), f64, to).as_int(to); }

bool same_float(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}
#define EXPECT_SAME(a, b) EXPECT_PRED2(same_float, a, b)

// -- Integers --

TEST(EvalInt, WrapsInItsOwnWidth) {
  EXPECT_EQ(on_ints(Op::Add, i8, {127, 1}), -128);
  EXPECT_EQ(on_ints(Op::Sub, u8, {0, 1}), 255);
  EXPECT_EQ(on_ints(Op::Mul, i16, {300, 300}), 24464);
  EXPECT_EQ(on_ints(Op::Add, i32, {INT32_MAX, 1}), INT32_MIN);
  EXPECT_EQ(on_ints(Op::Mul, u32, {65536, 65537}), 65536);
  EXPECT_EQ(on_ints(Op::Add, i64, {INT64_MAX, 1}), INT64_MIN);
  EXPECT_EQ(on_ints(Op::Mul, u64, {INT64_MIN, 3}), INT64_MIN);
  for (DType t : kInts) {
    EXPECT_EQ(on_ints(Op::Neg, t, {lowest_int(t)}), lowest_int(t));
    EXPECT_EQ(on_ints(Op::Abs, t, {lowest_int(t)}), lowest_int(t));
    EXPECT_EQ(on_ints(Op::Not, t, {0}), Scalar::from_int(-1, t).as_int(t));
  }
  EXPECT_EQ(on_ints(Op::Abs, i8, {-7}), 7);
}

TEST(EvalInt, DivisionOfEveryI8) {
  for (int a = -128; a < 128; ++a)
    for (int b = -128; b < 128; ++b) {
      const int trunc = b == 0 ? 0 : a / b, rest = b == 0 ? 0 : a % b;
      const bool rounds_down = rest != 0 && (rest < 0) != (b < 0);
      ASSERT_EQ(on_ints(Op::TruncDiv, i8, {a, b}), static_cast<int8_t>(trunc)) << a << " / " << b;
      ASSERT_EQ(on_ints(Op::TruncMod, i8, {a, b}), rest) << a << " % " << b;
      ASSERT_EQ(on_ints(Op::FloorDiv, i8, {a, b}), static_cast<int8_t>(trunc - rounds_down))
          << a << " / " << b;
      ASSERT_EQ(on_ints(Op::FloorMod, i8, {a, b}), rounds_down ? rest + b : rest) << a << " % " << b;
    }
}

TEST(EvalInt, DivisionByZeroAndOfTheLowestByMinusOne) {
  for (DType t : kInts)
    for (Op op : {Op::FloorDiv, Op::FloorMod, Op::TruncDiv, Op::TruncMod}) {
      EXPECT_EQ(on_ints(op, t, {7, 0}), 0) << op_text(op);
      if (!is_signed(t)) continue;
      const bool divides = op == Op::FloorDiv || op == Op::TruncDiv;
      EXPECT_EQ(on_ints(op, t, {lowest_int(t), -1}), divides ? lowest_int(t) : 0) << op_text(op);
    }
  EXPECT_EQ(on_ints(Op::FloorDiv, u64, {-1, 2}), INT64_MAX);  // 2^64 - 1
}

TEST(EvalInt, Power) {
  for (int a = -9; a < 10; ++a) {
    uint64_t product = 1;
    for (int b = 0; b < 20; ++b, product *= static_cast<uint64_t>(int64_t{a}))
      ASSERT_EQ(on_ints(Op::Pow, i16, {a, b}), static_cast<int16_t>(product)) << a << " ^ " << b;
  }
  EXPECT_EQ(on_ints(Op::Pow, i32, {0, 0}), 1);
  EXPECT_EQ(on_ints(Op::Pow, i32, {2, -1}), 0);
  EXPECT_EQ(on_ints(Op::Pow, i32, {0, -1}), 0);
  EXPECT_EQ(on_ints(Op::Pow, i32, {1, -5}), 1);
  EXPECT_EQ(on_ints(Op::Pow, i32, {-1, -5}), -1);
  EXPECT_EQ(on_ints(Op::Pow, i32, {-1, -4}), 1);
  EXPECT_EQ(on_ints(Op::Pow, u8, {255, 255}), 255);
}

TEST(EvalInt, ShiftsOutOfRange) {
  for (DType t : kInts) {
    const int64_t width = dtype_size(t) * 8;
    const int64_t top = int64_t{1} << (width - 1);
    EXPECT_EQ(on_ints(Op::Shl, t, {1, width - 1}), Scalar::from_int(top, t).as_int(t));
    EXPECT_EQ(on_ints(Op::Shl, t, {1, width}), 0);
    EXPECT_EQ(on_ints(Op::Shr, t, {6, 1}), 3);
    EXPECT_EQ(on_ints(Op::Shr, t, {6, width}), 0);
    if (!is_signed(t)) continue;
    EXPECT_EQ(on_ints(Op::Shl, t, {1, -1}), 0);
    EXPECT_EQ(on_ints(Op::Shr, t, {-7, 1}), -4);
    EXPECT_EQ(on_ints(Op::Shr, t, {-7, width}), -1);
    EXPECT_EQ(on_ints(Op::Shr, t, {-7, -1}), -1);
    EXPECT_EQ(on_ints(Op::Shr, t, {7, -1}), 0);
  }
}

TEST(EvalInt, BitsAndOrder) {
  for (DType t : kInts) {
    EXPECT_EQ(on_ints(Op::And, t, {12, 10}), 8);
    EXPECT_EQ(on_ints(Op::Or, t, {12, 10}), 14);
    EXPECT_EQ(on_ints(Op::Xor, t, {12, 10}), 6);
    EXPECT_EQ(on_ints(Op::Max, t, {-1, 1}), is_signed(t) ? 1 : Scalar::from_int(-1, t).as_int(t));
    EXPECT_EQ(on_ints(Op::Lt, t, {-1, 1}), is_signed(t));
    EXPECT_EQ(on_ints(Op::Le, t, {1, 1}), 1);
    EXPECT_EQ(on_ints(Op::Eq, t, {1, 1}), 1);
    EXPECT_EQ(on_ints(Op::Ne, t, {1, 1}), 0);
  }
}

TEST(EvalBool, IsLogic) {
  for (int a = 0; a < 2; ++a) {
    EXPECT_EQ(on_ints(Op::Not, boolean, {a}), !a);
    for (int b = 0; b < 2; ++b) {
      EXPECT_EQ(on_ints(Op::And, boolean, {a, b}), a & b);
      EXPECT_EQ(on_ints(Op::Or, boolean, {a, b}), a | b);
      EXPECT_EQ(on_ints(Op::Xor, boolean, {a, b}), a != b);
      EXPECT_EQ(on_ints(Op::Max, boolean, {a, b}), a | b);
      EXPECT_EQ(on_ints(Op::Min, boolean, {a, b}), a & b);
      EXPECT_EQ(on_ints(Op::Lt, boolean, {a, b}), a < b);
      EXPECT_EQ(on_ints(Op::Eq, boolean, {a, b}), a == b);
    }
  }
}

// -- Floats --

TEST(EvalFloat, SpecialValues) {
  for (DType t : {f16, bf16, f32, f64}) {
    SCOPED_TRACE(dtype_name(t));
    EXPECT_SAME(on_floats(Op::Neg, t, {0.0}), -0.0);
    EXPECT_SAME(on_floats(Op::Abs, t, {-0.0}), 0.0);
    EXPECT_SAME(on_floats(Op::Recip, t, {-0.0}), -kInf);
    EXPECT_SAME(on_floats(Op::Recip, t, {4}), 0.25);
    EXPECT_SAME(on_floats(Op::Sqrt, t, {-1}), kNan);
    EXPECT_SAME(on_floats(Op::Sqrt, t, {-0.0}), -0.0);
    EXPECT_SAME(on_floats(Op::Sqrt, t, {2.25}), 1.5);
    EXPECT_SAME(on_floats(Op::Exp, t, {-kInf}), 0.0);
    EXPECT_SAME(on_floats(Op::Exp2, t, {3}), 8.0);
    EXPECT_SAME(on_floats(Op::Expm1, t, {-0.0}), -0.0);
    EXPECT_SAME(on_floats(Op::Expm1, t, {-kInf}), -1.0);
    EXPECT_SAME(on_floats(Op::Log, t, {0}), -kInf);
    EXPECT_SAME(on_floats(Op::Log, t, {-1}), kNan);
    EXPECT_SAME(on_floats(Op::Log2, t, {8}), 3.0);
    EXPECT_SAME(on_floats(Op::Log1p, t, {-1}), -kInf);
    EXPECT_SAME(on_floats(Op::Sin, t, {kInf}), kNan);
    EXPECT_SAME(on_floats(Op::Sin, t, {-0.0}), -0.0);
    EXPECT_SAME(on_floats(Op::Cos, t, {0}), 1.0);
    EXPECT_SAME(on_floats(Op::Tanh, t, {-kInf}), -1.0);
    EXPECT_SAME(on_floats(Op::Atan, t, {0}), 0.0);
    EXPECT_SAME(on_floats(Op::Erf, t, {kInf}), 1.0);
    EXPECT_SAME(on_floats(Op::Sub, t, {kInf, kInf}), kNan);
    EXPECT_SAME(on_floats(Op::Mul, t, {0, kInf}), kNan);
    EXPECT_SAME(on_floats(Op::Add, t, {-0.0, 0.0}), 0.0);
    EXPECT_SAME(on_floats(Op::Div, t, {1, -0.0}), -kInf);
    EXPECT_SAME(on_floats(Op::Div, t, {0, 0}), kNan);
    EXPECT_SAME(on_floats(Op::Pow, t, {2, -1}), 0.5);
    EXPECT_SAME(on_floats(Op::Pow, t, {-8, 1.5}), kNan);
    EXPECT_SAME(on_floats(Op::Pow, t, {kNan, 0}), 1.0);
  }
}

TEST(EvalFloat, Rounding) {
  for (DType t : kFloats) {
    SCOPED_TRACE(dtype_name(t));
    EXPECT_SAME(on_floats(Op::Floor, t, {-1.5}), -2.0);
    EXPECT_SAME(on_floats(Op::Ceil, t, {-1.5}), -1.0);
    EXPECT_SAME(on_floats(Op::Ceil, t, {-0.5}), -0.0);
    EXPECT_SAME(on_floats(Op::Trunc, t, {-1.5}), -1.0);
    EXPECT_SAME(on_floats(Op::Round, t, {0.5}), 0.0);
    EXPECT_SAME(on_floats(Op::Round, t, {1.5}), 2.0);
    EXPECT_SAME(on_floats(Op::Round, t, {2.5}), 2.0);
    EXPECT_SAME(on_floats(Op::Round, t, {-0.5}), -0.0);
    EXPECT_SAME(on_floats(Op::Round, t, {kNan}), kNan);
  }
}

TEST(EvalFloat, MaxMinAndComparisonsWithNan) {
  for (DType t : kFloats) {
    SCOPED_TRACE(dtype_name(t));
    for (Op op : {Op::Max, Op::Min}) {
      EXPECT_SAME(on_floats(op, t, {kNan, 1}), kNan);
      EXPECT_SAME(on_floats(op, t, {1, kNan}), kNan);
      EXPECT_SAME(on_floats(op, t, {0.0, -0.0}), op == Op::Max ? 0.0 : -0.0);
      EXPECT_SAME(on_floats(op, t, {-0.0, 0.0}), op == Op::Max ? 0.0 : -0.0);
      EXPECT_SAME(on_floats(op, t, {-2, 3}), op == Op::Max ? 3.0 : -2.0);
    }
    for (Op op : {Op::Lt, Op::Le, Op::Eq, Op::Ne})
      for (double other : {kNan, 0.0, 448.0}) {
        EXPECT_EQ(on_floats(op, t, {kNan, other}), op == Op::Ne) << op_text(op);
        EXPECT_EQ(on_floats(op, t, {other, kNan}), op == Op::Ne) << op_text(op);
      }
    EXPECT_EQ(on_floats(Op::Eq, t, {-0.0, 0.0}), 1);
    EXPECT_EQ(on_floats(Op::Lt, t, {-0.0, 0.0}), 0);
    EXPECT_EQ(on_floats(Op::Le, t, {-0.0, 0.0}), 1);
  }
}

TEST(EvalFloat, FloorAndTruncatedDivision) {
  for (DType t : {f16, bf16, f32, f64}) {
    SCOPED_TRACE(dtype_name(t));
    for (const auto& [a, b] :
         std::vector<std::pair<double, double>>{{7, 2}, {-7, 2}, {7, -2}, {-7, -2}, {6, -2}, {0, 3}}) {
      EXPECT_SAME(on_floats(Op::FloorDiv, t, {a, b}), std::floor(a / b));
      EXPECT_SAME(on_floats(Op::TruncDiv, t, {a, b}), std::trunc(a / b));
      EXPECT_SAME(on_floats(Op::TruncMod, t, {a, b}), std::fmod(a, b));
      EXPECT_SAME(on_floats(Op::FloorMod, t, {a, b}), std::copysign(std::fabs(a - std::floor(a / b) * b), b));
    }
    EXPECT_SAME(on_floats(Op::FloorDiv, t, {1, 0}), kInf);
    EXPECT_SAME(on_floats(Op::FloorDiv, t, {0, 0}), kNan);
    EXPECT_SAME(on_floats(Op::FloorDiv, t, {5, kInf}), 0.0);
    EXPECT_SAME(on_floats(Op::FloorMod, t, {5, 0}), kNan);
    EXPECT_SAME(on_floats(Op::FloorMod, t, {5, kInf}), 5.0);
    EXPECT_SAME(on_floats(Op::TruncMod, t, {-6, 3}), -0.0);
    EXPECT_SAME(on_floats(Op::FloorMod, t, {-6, 3}), 0.0);
  }
}

// 0.1 is a little above 1/10 as f32 and f64, so that 1 / 0.1 is a little below 10 but rounds to 10.
TEST(EvalFloat, QuotientsThatRoundToAnInteger) {
  for (DType t : {f32, f64}) {
    EXPECT_SAME(on_floats(Op::FloorDiv, t, {1, 0.1}), 9.0);
    EXPECT_SAME(on_floats(Op::TruncDiv, t, {1, 0.1}), 9.0);
    EXPECT_SAME(on_floats(Op::TruncDiv, t, {-1, 0.1}), -9.0);
    EXPECT_SAME(on_floats(Op::FloorDiv, t, {-1, 0.1}), -10.0);
  }
  EXPECT_SAME(on_floats(Op::FloorDiv, f64, {-1e-300, 1e300}), -1.0);
  EXPECT_SAME(on_floats(Op::TruncDiv, f64, {-1e-300, 1e300}), -0.0);
}

TEST(EvalFloat, FunctionsOfF32RoundTheDoubleOnce) {
  for (double x = -4; x < 4; x += 0.37) {
    const double v = static_cast<double>(static_cast<float>(x));
    EXPECT_SAME(on_floats(Op::Exp, f32, {v}), static_cast<double>(static_cast<float>(std::exp(v))));
    EXPECT_SAME(on_floats(Op::Sin, f32, {v}), static_cast<double>(static_cast<float>(std::sin(v))));
    EXPECT_SAME(on_floats(Op::Erf, f32, {v}), static_cast<double>(static_cast<float>(std::erf(v))));
    EXPECT_SAME(on_floats(Op::Tanh, f64, {v}), std::tanh(v));
  }
}

TEST(EvalFloat, NarrowTypesRoundTheFloatOnce) {
  for (DType t : {f8e4m3, f8e5m2, f16, bf16})
    for (int i = -40; i < 40; ++i)
      for (int j = -40; j < 40; ++j) {
        const double a = Scalar::from_double(i * 0.37, t).as_double(t),
                     b = Scalar::from_double(j * 1.3, t).as_double(t);
        EXPECT_SAME(on_floats(Op::Add, t, {a, b}), Scalar::from_double(a + b, t).as_double(t));
        EXPECT_SAME(on_floats(Op::Mul, t, {a, b}), Scalar::from_double(a * b, t).as_double(t));
      }
  EXPECT_SAME(on_floats(Op::Add, f16, {2048, 1}), 2048.0);
  EXPECT_SAME(on_floats(Op::Mul, f16, {300, 300}), kInf);
  EXPECT_SAME(on_floats(Op::Mul, f8e4m3, {30, 30}), kNan);
  EXPECT_SAME(on_floats(Op::Mul, f8e5m2, {300, 300}), kInf);
  EXPECT_SAME(on_floats(Op::Recip, f8e4m3, {0}), kNan);
}

// -- Casts --

TEST(EvalCast, FloatToIntTruncatesAndSaturates) {
  for (DType t : kInts) {
    SCOPED_TRACE(dtype_name(t));
    EXPECT_EQ(float_to_int(kNan, t), 0);
    EXPECT_EQ(float_to_int(3.99, t), 3);
    EXPECT_EQ(float_to_int(-0.99, t), 0);
    EXPECT_EQ(float_to_int(-3.99, t), is_signed(t) ? -3 : 0);
    EXPECT_EQ(float_to_int(-kInf, t), lowest_int(t));
    EXPECT_EQ(float_to_int(-1e30, t), lowest_int(t));
    EXPECT_EQ(float_to_int(kInf, t), Scalar::from_int(~lowest_int(t), t).as_int(t));
    EXPECT_EQ(float_to_int(1e30, t), Scalar::from_int(~lowest_int(t), t).as_int(t));
  }
  EXPECT_EQ(float_to_int(127.9, i8), 127);
  EXPECT_EQ(float_to_int(128, i8), 127);
  EXPECT_EQ(float_to_int(-128.9, i8), -128);
  EXPECT_EQ(float_to_int(0x1p63, u64), INT64_MIN);  // 2^63
  EXPECT_EQ(cast(Scalar::from_double(0x1p31, f32), f32, i32).as_int(i32), INT32_MAX);
  EXPECT_EQ(cast(Scalar::from_double(65504, f16), f16, i8).as_int(i8), 127);
}

TEST(EvalCast, IntsWrapAndBoolIsNotZero) {
  EXPECT_EQ(cast(Scalar::from_int(300, i32), i32, u8).as_int(u8), 44);
  EXPECT_EQ(cast(Scalar::from_int(200, u8), u8, i8).as_int(i8), -56);
  EXPECT_EQ(cast(Scalar::from_int(-1, i8), i8, u64).as_int(u64), -1);
  EXPECT_EQ(cast(Scalar::from_int(-1, i8), i8, i64).as_int(i64), -1);
  for (DType t : all_dtypes()) {
    EXPECT_EQ(cast(Scalar::from_int(1, t), t, boolean).as_int(boolean), 1);
    EXPECT_EQ(cast(Scalar::from_int(0, t), t, boolean).as_int(boolean), 0);
    EXPECT_EQ(cast(Scalar::from_int(1, boolean), boolean, t).as_double(t), 1);
    if (!is_float(t)) continue;
    EXPECT_EQ(cast(Scalar::from_double(kNan, t), t, boolean).as_int(boolean), 1);
    EXPECT_EQ(cast(Scalar::from_double(-0.0, t), t, boolean).as_int(boolean), 0);
    EXPECT_EQ(cast(Scalar::from_double(0.25, t), t, boolean).as_int(boolean), 1);
  }
}

TEST(EvalCast, ToFloatRoundsOnce) {
  const auto from_f64 = [](double v, DType t) {
    return cast(Scalar::from_double(v, f64), f64, t).as_double(t);
  };
  const auto from_i64 = [](int64_t v, DType t) {
    return cast(Scalar::from_int(v, i64), i64, t).as_double(t);
  };
  // Just above a tie of f16; as f32 it would be the tie, and go to the even 1.
  EXPECT_EQ(from_f64(1 + 0x1p-11 + 0x1p-40, f16), 1 + 0x1p-10);
  EXPECT_EQ(from_f64(65520, f16), kInf);
  EXPECT_EQ(from_f64(464, f8e4m3), 448);
  EXPECT_SAME(from_f64(465, f8e4m3), kNan);
  EXPECT_SAME(from_f64(-kInf, f8e4m3), kNan);
  EXPECT_SAME(from_f64(kInf, f8e5m2), kInf);
  EXPECT_EQ(from_i64((int64_t{1} << 62) + (int64_t{1} << 54) + 1, bf16),
            0x1p62 + 0x1p55);  // a tie but for the 1
  EXPECT_EQ(from_i64((int64_t{1} << 62) + (int64_t{1} << 54), bf16), 0x1p62);
  EXPECT_EQ(from_i64(-(int64_t{1} << 62) - (int64_t{1} << 54) - 1, bf16), -0x1p62 - 0x1p55);
  EXPECT_EQ(from_i64((int64_t{1} << 24) + 1, f32), 0x1p24);
  EXPECT_EQ(from_i64(70000, f16), kInf);
  EXPECT_EQ(cast(Scalar::from_int(-1, u64), u64, bf16).as_double(bf16), 0x1p64);
  EXPECT_EQ(cast(Scalar::from_int(-1, u64), u64, f32).as_double(f32), 0x1p64);
}

TEST(EvalCast, AgreesWithConstants) {
  for (DType from : all_dtypes())
    for (DType to : all_dtypes())
      for (double v : {0.0, 1.0, 2.5, 100.0, 240.0, -3.0, 7e4, 3e9, -5e18}) {
        const Scalar value = Scalar::from_double(v, from);
        const Scalar expected = is_float(from)                ? Scalar::from_double(value.as_double(from), to)
                                : is_float(to) && from == u64 ? Scalar::from_double(value.as_double(from), to)
                                                              : Scalar::from_int(value.as_int(from), to);
        EXPECT_EQ(cast(value, from, to).bits, expected.bits)
            << dtype_name(from) << " " << v << " to " << dtype_name(to);
      }
}

TEST(EvalBitcast, KeepsTheBits) {
  const auto bitcast = [](Scalar v, DType from, DType to) {
    return eval_elementwise(Op::Bitcast, to, from, {{v}}, NoArg{});
  };
  EXPECT_EQ(bitcast(Scalar::from_double(1, f32), f32, i32).as_int(i32), 0x3f800000);
  EXPECT_EQ(bitcast(Scalar::from_double(-2, f16), f16, u16).as_int(u16), 0xc000);
  EXPECT_EQ(bitcast(Scalar::from_double(1, bf16), bf16, f16).as_double(f16), 1.875);
  EXPECT_EQ(bitcast(Scalar::from_int(0x7e, u8), u8, f8e4m3).as_double(f8e4m3), 448);
  EXPECT_EQ(bitcast(Scalar::from_int(-1, i32), i32, u32).as_int(u32), UINT32_MAX);
  EXPECT_EQ(bitcast(Scalar::from_double(-0.0, f64), f64, i64).as_int(i64), INT64_MIN);
  for (int b = 0; b < 256; ++b)
    for (DType t : {f8e4m3, f8e5m2}) {
      const Scalar v = bitcast(Scalar::from_int(b, u8), u8, t);
      if (!std::isnan(v.as_double(t))) {
        EXPECT_EQ(bitcast(v, t, u8).as_int(u8), b);
      }
    }
}

// -- More sources --

TEST(EvalWhere, TakesOneSideOnly) {
  for (DType t : all_dtypes()) {
    const Scalar a = Scalar::from_int(1, t), b = Scalar::from_int(0, t);
    EXPECT_EQ(eval_elementwise(Op::Where, t, t, {{Scalar::from_int(1, boolean), a, b}}, NoArg{}).bits,
              a.bits);
    EXPECT_EQ(eval_elementwise(Op::Where, t, t, {{Scalar::from_int(0, boolean), a, b}}, NoArg{}).bits,
              b.bits);
  }
  const Scalar nan = Scalar::from_double(kNan, f32), one = Scalar::from_double(1, f32);
  EXPECT_EQ(eval_elementwise(Op::Where, f32, f32, {{Scalar::from_int(0, boolean), nan, one}}, NoArg{}), one);
}

TEST(EvalThreefry, BothLanes) {
  const auto words = support::threefry2x32({1, 2}, {3, 4});
  std::vector<Scalar> sources;
  for (int64_t v : {1, 2, 3, 4}) sources.push_back(Scalar::from_int(v, u32));
  for (int lane : {0, 1})
    EXPECT_EQ(eval_elementwise(Op::Threefry, u32, u32, sources, LaneArg{lane}).as_int(u32),
              words[static_cast<size_t>(lane)]);
}

// -- Folds --

TEST(EvalFold, IdentityChangesNothing) {
  for (DType t : all_dtypes())
    for (ReduceOp op : {ReduceOp::kAdd, ReduceOp::kMul, ReduceOp::kMax, ReduceOp::kMin}) {
      if (is_bool(t) && (op == ReduceOp::kAdd || op == ReduceOp::kMul)) continue;
      for (double v : {0.0, 1.0, -3.5, 448.0, -448.0, kInf, -kInf}) {
        const Scalar x = Scalar::from_double(v, t);
        EXPECT_EQ(eval_fold(op, t, fold_identity(op, t), x).bits, x.bits) << dtype_name(t) << " " << v;
        EXPECT_EQ(eval_fold(op, t, x, fold_identity(op, t)).bits, x.bits) << dtype_name(t) << " " << v;
      }
    }
}

TEST(EvalFold, Values) {
  EXPECT_EQ(fold_identity(ReduceOp::kMax, i8).as_int(i8), -128);
  EXPECT_EQ(fold_identity(ReduceOp::kMin, u16).as_int(u16), 65535);
  EXPECT_EQ(fold_identity(ReduceOp::kMax, f16).as_double(f16), -kInf);
  EXPECT_EQ(fold_identity(ReduceOp::kMax, f8e4m3).as_double(f8e4m3), -448);
  EXPECT_EQ(fold_identity(ReduceOp::kMin, boolean).as_int(boolean), 1);
  EXPECT_EQ(eval_fold(ReduceOp::kAdd, i8, Scalar::from_int(100, i8), Scalar::from_int(100, i8)).as_int(i8),
            -56);
  EXPECT_EQ(
      eval_fold(ReduceOp::kMul, f32, Scalar::from_double(3, f32), Scalar::from_double(5, f32)).as_double(f32),
      15);
}

// -- Runs --

bool takes(DTypeRule rule, DType t) {
  switch (rule) {
    case DTypeRule::Number: return !is_bool(t);
    case DTypeRule::Int: return is_int(t);
    case DTypeRule::Integral: return !is_float(t);
    case DTypeRule::Float: return is_float(t);
    case DTypeRule::U32: return t == u32;
    default: return true;
  }
}

// Every op in every type it takes, over a run of one block, against single elements.
TEST(Blocks, EveryOpInEveryType) {
  constexpr size_t kCount = 37;
  for (int o = 0; o < kNumOps; ++o) {
    const Op op = static_cast<Op>(o);
    if (!has_flag(op, kElementwise)) continue;
    for (DType t : all_dtypes()) {
      if (!takes(op_info(op).dtype_rule, t)) continue;
      const DType result = is_comparison(op) ? boolean : t;
      const auto arity = static_cast<size_t>(op_info(op).min_sources);
      std::vector<std::vector<Scalar>> values(kCount);
      std::vector<std::vector<std::byte>> runs(arity);
      std::vector<const void*> sources;
      for (size_t s = 0; s < arity; ++s) {
        const DType type = op == Op::Where && s == 0 ? boolean : t;
        const auto size = static_cast<size_t>(dtype_size(compute_dtype(type)));
        runs[s].resize(kCount * size);
        for (size_t i = 0; i < kCount; ++i) {
          const double v = i == 7 ? kNan : i == 8 ? -0.0 : static_cast<double>((i * (s + 3)) % 11) - 4.5;
          values[i].push_back(Scalar::from_double(v, type));
          load_scalar(type, values[i].back(), runs[s].data() + i * size);
        }
        sources.push_back(runs[s].data());
      }
      const auto size = static_cast<size_t>(dtype_size(compute_dtype(result)));
      std::vector<std::byte> out(kCount * size);
      const Arg arg = op == Op::Threefry ? Arg(LaneArg{1}) : Arg(NoArg{});
      run_elementwise({op, result, t, 1}, sources.data(), out.data(), kCount);
      for (size_t i = 0; i < kCount; ++i)
        EXPECT_EQ(scalar_of(result, out.data() + i * size), eval_elementwise(op, result, t, values[i], arg))
            << op_text(op) << " of " << dtype_name(t) << " at " << i;
    }
  }
}

TEST(Blocks, LoadAndStoreKeepEveryType) {
  for (DType t : all_dtypes()) {
    const auto size = static_cast<size_t>(dtype_size(t));
    std::vector<std::byte> memory(8 * size), back(4 * size);
    for (size_t i = 0; i < 8; ++i) {
      int64_t computed = 0;
      load_scalar(t, Scalar::from_int(static_cast<int64_t>(i), t), &computed);
      store_elements(t, &computed, 1, memory.data() + i * size);
    }
    int64_t run[4];
    load_elements(t, memory.data() + 7 * size, -2, 4, run);  // 7, 5, 3, 1
    store_elements(t, run, 4, back.data());
    for (size_t i = 0; i < 4; ++i)
      EXPECT_EQ(std::memcmp(back.data() + i * size, memory.data() + (7 - 2 * i) * size, size), 0)
          << dtype_name(t);
  }
  uint8_t loaded = 0;
  const std::byte two{2};
  load_elements(boolean, &two, 1, 1, &loaded);
  EXPECT_EQ(loaded, 1);
}

}  // namespace
}  // namespace anneal::ir
