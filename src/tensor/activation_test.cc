// SPDX-License-Identifier: MIT
// Activations and elementwise functions that are made of others: values worked out by hand or by the C
// library, gradients against differences.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::HasSubstr;

TEST(Activation, OfOneOperand) {
  EXPECT_VALUES(softshrink(tensor({-2.0, 0.25, 2.0}), 1.5), {-0.5, 0, 0.5});
  EXPECT_VALUES(hardshrink(tensor({-2.0, 0.5, kNan, 0.75})), {-2, 0, kNan, 0.75});
  EXPECT_CLOSE(tanhshrink(tensor({1.0})), 1e-12, {1 - std::tanh(1.0)});
  EXPECT_VALUES(threshold(tensor({1.0, 2.0, 1.5}), 1.5, -9), {-9, 2, -9});
  EXPECT_CLOSE(glu(tensor({2.0, 4.0, 0.0, 0.0})), 1e-12, {1, 2});
  EXPECT_VALUES(prelu(tensor({{-1.0, 2.0}, {-3.0, -4.0}}), tensor({0.5, 0.25})), {-0.5, 2, -1.5, -1});
  EXPECT_VALUES(prelu(data({-1, -2, -4, -8}, {1, 2, 2}), tensor({0.5, 0.25})), {-0.5, -1, -1, -2});
  EXPECT_VALUES(prelu(tensor({-2.0, 3.0}), 0.5), {-1, 3});
  for (const auto& f : std::vector<std::function<Tensor(const Tensor&)>>{
           [](const Tensor& x) { return softshrink(x, 0.5); },
           [](const Tensor& x) { return hardshrink(x, 0.5); }, [](const Tensor& x) { return tanhshrink(x); },
           [](const Tensor& x) { return threshold(x, 0.3, 7); }, [](const Tensor& x) { return glu(x, 0); },
           [](const Tensor& x) { return erfc(x); }, [](const Tensor& x) { return sinc(x); },
           [](const Tensor& x) { return deg2rad(x) + rad2deg(x); },
           [](const Tensor& x) { return logit(sigmoid(x)); }})
    EXPECT_EQ(gradient_differences([&](const Ins& in) { return f(in[0]); }, {spread({6, 2})}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return prelu(in[0], in[1]); },
                                 {spread({2, 3, 2}), spread({3})}),
            "");
}

TEST(Activation, RefusesWhatDoesNotFit) {
  EXPECT_THAT(failure([] { return prelu(ones({2, 3}), ones({2})); }),
              HasSubstr("error[shape] prelu: slopes f32[2] for the channels of f32[2,3]"));
  EXPECT_THAT(failure([] { return prelu(ones({2, 3}), ones({2, 3})); }),
              HasSubstr("prelu: takes one slope or a vector of them, not f32[2,3]"));
  EXPECT_THAT(failure([] { return glu(ones({2, 3})); }),
              HasSubstr("error[shape] glu: axis 1 has 3 elements, which are no two halves"));
  EXPECT_THAT(failure([] { return softshrink(ones({1}), -1); }), HasSubstr("lambda is -1"));
}

TEST(ElementwiseMade, OfOneOperand) {
  EXPECT_VALUES(round(tensor({1.26, -1.24}), 1), {1.3, -1.2});
  EXPECT_VALUES(round(tensor({1250.0, 1350.0}), -2), {1200, 1400});
  EXPECT_CLOSE(erfc(tensor({0.5})), 1e-12, {std::erfc(0.5)});
  EXPECT_CLOSE(sinc(tensor({0.0, 0.5})), 1e-12, {1, 2 / std::numbers::pi});
  EXPECT_CLOSE(logit(tensor({0.25, 0.0}), 0.1), 1e-12, {std::log(0.25 / 0.75), std::log(0.1 / 0.9)});
  EXPECT_VALUES(logit(tensor({0.0, 1.0})), {-kInf, kInf});
  EXPECT_CLOSE(deg2rad(tensor({180.0})), 1e-12, {std::numbers::pi});
  EXPECT_CLOSE(rad2deg(tensor({std::numbers::pi})), 1e-12, {180});
  EXPECT_VALUES(isposinf(tensor({kInf, -kInf, kNan})), {1, 0, 0});
  EXPECT_VALUES(isneginf(tensor({kInf, -kInf, kNan})), {0, 1, 0});
  EXPECT_VALUES(nan_to_num(tensor({kNan, kInf, -kInf, 1.0}), 7, 8, -9), {7, 8, -9, 1});
  EXPECT_VALUES(nan_to_num(data({kInf, -kInf}, {2}, f16)), {65504, -65504});
  EXPECT_VALUES(nan_to_num(tensor({kInf})), {std::numeric_limits<double>::max()});
  EXPECT_TYPE(nan_to_num(tensor({1, 2})), "i32[2]");
  EXPECT_THAT(failure([] { return logit(ones({1}), 0.6); }), HasSubstr("eps is 0.6"));
  EXPECT_THAT(failure([] { return round(ones({1}), 999); }), HasSubstr("round: 999 decimals"));
}

TEST(ElementwiseMade, OfSeveralOperands) {
  EXPECT_VALUES(fmax(tensor({1.0, kNan, 3.0, kNan}), tensor({2.0, 2.0, kNan, kNan})), {2, 2, 3, kNan});
  EXPECT_VALUES(fmin(tensor({1.0, kNan, 3.0}), tensor({2.0, 2.0, kNan})), {1, 2, 3});
  EXPECT_CLOSE(logaddexp2(tensor({3.0}), tensor({3.0})), 1e-12, {4});
  EXPECT_VALUES(xlogy(tensor({0.0, 2.0, 0.0}), tensor({0.0, 1.0, kNan})), {0, 0, kNan});
  EXPECT_VALUES(addcmul(tensor({1.0}), tensor({3.0}), tensor({4.0}), 2), {25});
  EXPECT_VALUES(addcdiv(tensor({1.0}), tensor({3.0}), tensor({4.0})), {1.75});
  EXPECT_VALUES(clamp(tensor({1.0, 5.0, 9.0}), tensor({2.0}), tensor({3.0, 6.0, 6.0})), {2, 5, 6});
  EXPECT_VALUES(clamp(tensor({1.0}), tensor({kNan}), tensor({2.0})), {kNan});
  EXPECT_THAT(failure([] { return clamp(ones({1}), Tensor(), ones({1})); }),
              HasSubstr("clamp: the lower bound is an empty tensor"));
  const Ins three{spread({5}, 1), spread({5}, 2), exp(spread({5}, 3))};
  for (const auto& f : std::vector<std::function<Tensor(const Ins&)>>{
           [](const Ins& in) { return fmax(in[0], in[1]); }, [](const Ins& in) { return fmin(in[0], in[1]); },
           [](const Ins& in) { return logaddexp2(in[0], in[1]); },
           [](const Ins& in) { return xlogy(in[0], in[2]); },
           [](const Ins& in) { return addcmul(in[0], in[1], in[2], 0.5); },
           [](const Ins& in) { return addcdiv(in[0], in[1], in[2], 2); },
           [](const Ins& in) { return clamp(in[0], in[1] - 1, in[1] + 0.3); }})
    EXPECT_EQ(gradient_differences(f, three, 1e-6), "");
}

}  // namespace
}  // namespace anneal
