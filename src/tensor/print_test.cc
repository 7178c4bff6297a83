// SPDX-License-Identifier: MIT
// Printing: the expected texts are what numpy 1.24 printed for the same arrays.
#include <gtest/gtest.h>

#include <sstream>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

std::string text(const Doubles& v, DType t = f32) {
  return data(v, {static_cast<int64_t>(v.size())}, t).str();
}

TEST(Print, FloatsAlignOnThePoint) {
  EXPECT_EQ(text({1, 2.5, -3.25}), "[ 1.    2.5  -3.25]");
  EXPECT_EQ(text({1, 2, 3}), "[1. 2. 3.]");
  EXPECT_EQ(text({0.1, 0.2, 0.3}), "[0.1 0.2 0.3]");
  EXPECT_EQ(text({-0.0, 0.0}), "[-0.  0.]");
}

TEST(Print, FloatsHaveTheDigitsOfTheirType) {
  EXPECT_EQ(text({1.0 / 3, 2.0 / 3}, f32), "[0.33333334 0.6666667 ]");
  EXPECT_EQ(text({1.0 / 3, 2.0 / 3}, f64), "[0.33333333 0.66666667]");
  EXPECT_EQ(text({0.1, 1}, f16), "[0.1 1. ]");
  EXPECT_EQ(text({0.1, 1}, bf16), "[0.1 1. ]");
  EXPECT_EQ(text({0.1, 1}, f8e4m3), "[0.1 1. ]");
}

TEST(Print, WholePartsAreExact) {
  EXPECT_EQ(text({14088}, f16), "[14088.]");
  EXPECT_EQ(text({83907512}, f32), "[83907512.]");
}

TEST(Print, NanAndInfinity) {
  EXPECT_EQ(text({1.5, kNan, -kInf, kInf}), "[ 1.5  nan -inf  inf]");
  EXPECT_EQ(text({kNan, kInf}), "[nan inf]");
  EXPECT_EQ(text({1e10, kNan, -kInf}), "[1.e+10    nan   -inf]");
}

TEST(Print, LargeSmallAndFarApartNumbersAreScientific) {
  EXPECT_EQ(text({1e-5, 1}), "[1.e-05 1.e+00]");
  EXPECT_EQ(text({1e8}), "[1.e+08]");
  EXPECT_EQ(text({1, 1001}), "[1.000e+00 1.001e+03]");
  EXPECT_EQ(text({1, 1000}), "[   1. 1000.]");
  EXPECT_EQ(text({1e100, -2.5e-10}, f64), "[ 1.0e+100 -2.5e-010]");
  EXPECT_EQ(text({83907512, 1}), "[8.390751e+07 1.000000e+00]");
  EXPECT_EQ(text({0.1, 65504, 14088}, f16), "[9.998e-02 6.550e+04 1.409e+04]");
}

TEST(Print, Integers) {
  EXPECT_EQ(text({1, -20, 300}, i32), "[  1 -20 300]");
  EXPECT_EQ(from_data(std::vector<uint64_t>{UINT64_MAX, 0}, {2}).str(),
            "[18446744073709551615                    0]");
  EXPECT_EQ(data({1, 2, -128, 127}, {2, 2}, i8).str(), "[[   1    2]\n [-128  127]]");
}

TEST(Print, Bools) {
  EXPECT_EQ(tensor({true, false}).str(), "[ True False]");
  EXPECT_EQ(tensor({true}).str(), "[ True]");
  EXPECT_EQ(full({}, true).str(), "True");
}

TEST(Print, EveryRankHasItsBrackets) {
  EXPECT_EQ(counting({2, 3}, f32).str(), "[[0. 1. 2.]\n [3. 4. 5.]]");
  EXPECT_EQ(counting({2, 2, 2}, f32).str(), "[[[0. 1.]\n  [2. 3.]]\n\n [[4. 5.]\n  [6. 7.]]]");
  EXPECT_EQ(counting({2, 1, 1, 2}, i32).str(), "[[[[0 1]]]\n\n\n [[[2 3]]]]");
  EXPECT_EQ(counting({0, 3}, f32).str(), "[]");
}

TEST(Print, LongLinesAreBroken) {
  EXPECT_EQ(arange(30).str(),
            "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n"
            " 24 25 26 27 28 29]");
  EXPECT_EQ(linspace(0, 1, 12).str(),
            "[0.         0.09090909 0.18181819 0.27272728 0.36363637 0.45454547\n"
            " 0.54545456 0.6363636  0.72727275 0.8181818  0.90909094 1.        ]");
  EXPECT_EQ((counting({2, 14}, f32) * 1.25 + 1000).str(),
            "[[1000.   1001.25 1002.5  1003.75 1005.   1006.25 1007.5  1008.75 1010.\n"
            "  1011.25 1012.5  1013.75 1015.   1016.25]\n"
            " [1017.5  1018.75 1020.   1021.25 1022.5  1023.75 1025.   1026.25 1027.5\n"
            "  1028.75 1030.   1031.25 1032.5  1033.75]]");
}

TEST(Print, LongAxesAreShortened) {
  EXPECT_EQ(arange(1001).str(), "[   0    1    2 ...  998  999 1000]");
  EXPECT_EQ((arange(2000, f32) / 8).str(),
            "[0.00000e+00 1.25000e-01 2.50000e-01 ... 2.49625e+02 2.49750e+02\n"
            " 2.49875e+02]");
  EXPECT_EQ(counting({2, 2500}, i32).str(),
            "[[   0    1    2 ... 2497 2498 2499]\n"
            " [2500 2501 2502 ... 4997 4998 4999]]");
  EXPECT_EQ(counting({1000, 2}, i32).str(),
            "[[   0    1]\n [   2    3]\n [   4    5]\n ...\n [1994 1995]\n [1996 1997]\n [1998 1999]]");
  const std::string cube = counting({11, 11, 11}, i32).str();
  EXPECT_THAT(cube, testing::StartsWith("[[[   0    1    2 ...    8    9   10]\n"
                                        "  [  11   12   13 ...   19   20   21]\n"
                                        "  [  22   23   24 ...   30   31   32]\n"
                                        "  ...\n"));
  EXPECT_NE(cube.find("  ...\n  [  88   89   90 ...   96   97   98]\n"), std::string::npos);
  EXPECT_NE(cube.find("]]\n\n ...\n\n [[ 968  969  970"), std::string::npos);
}

TEST(Print, ScalarsHaveAllTheirDigits) {
  const auto one = [](double v, DType t) { return data({v}, {}, t).str(); };
  EXPECT_EQ(one(1.5, f32), "1.5");
  EXPECT_EQ(one(1, f32), "1.0");
  EXPECT_EQ(one(0.1, f32), "0.1");
  EXPECT_EQ(one(1.0 / 3, f64), "0.3333333333333333");
  EXPECT_EQ(one(1e16, f32), "1e+16");
  EXPECT_EQ(one(1e-5, f32), "1e-05");
  EXPECT_EQ(one(1e-4, f32), "1e-04");  // the float lies below 0.0001
  EXPECT_EQ(one(1e-4, f64), "0.0001");
  EXPECT_EQ(one(1e8, f32), "100000000.0");
  EXPECT_EQ(one(123456789, f64), "123456789.0");
  EXPECT_EQ(one(-0.0, f32), "-0.0");
  EXPECT_EQ(one(0.1, f16), "0.1");
  EXPECT_EQ(one(14088, f16), "14090.0");
  EXPECT_EQ(one(kNan, f32), "nan");
  EXPECT_EQ(one(-kInf, f32), "-inf");
  EXPECT_EQ(one(5e-324, f64), "5e-324");
  EXPECT_EQ(one(3.4028234663852886e38, f32), "3.4028235e+38");
  EXPECT_EQ(one(-7, i8), "-7");
}

TEST(Print, StreamsAndSymbolicTensors) {
  std::ostringstream out;
  out << tensor({1, 2}) << '\n';
  EXPECT_EQ(out.str(), "[1 2]\n");
  const Tensor symbolic = ones({dim("N", 1, 4)}, i32);
  EXPECT_EQ(symbolic.str({.dims = {{"N", 3}}}), "[1 1 1]");
  // An operator does not know the line of the user, and the library's is not the one to blame.
  const std::string message = failure([&] { out << symbolic; });
  EXPECT_THAT(message, testing::HasSubstr("var \"N\": has no value"));
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("print.cc")));
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("\n  at ")));
  EXPECT_THAT(failure([&] { (void)symbolic.str(); }), testing::HasSubstr("print_test.cc"));
}

}  // namespace
}  // namespace anneal
