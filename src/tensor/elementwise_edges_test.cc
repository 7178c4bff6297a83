// SPDX-License-Identifier: MIT
// Elementwise functions and losses where they are easily wrong: numbers beside tensors of every float type,
// values and slopes in the tails, at zeros of either sign and at infinities.
#include <gtest/gtest.h>

#include <functional>
#include <numbers>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

constexpr double kPi = std::numbers::pi;

TEST(Numbers, TakeTheTypeOfTheTensorInEveryFunction) {
  const std::pair<const char*, std::function<Tensor(In, In)>> functions[] = {
      {"hypot", [](In a, In b) { return hypot(a, b); }},
      {"atan2", [](In a, In b) { return atan2(a, b); }},
      {"logaddexp", [](In a, In b) { return logaddexp(a, b); }},
      {"logaddexp2", [](In a, In b) { return logaddexp2(a, b); }},
      {"xlogy", [](In a, In b) { return xlogy(a, b); }},
      {"fmax", [](In a, In b) { return fmax(a, b); }},
      {"where", [](In a, In b) { return where(true, a, b); }},
      {"lerp", [](In a, In b) { return lerp(a, 0.3, b); }},
      {"addcmul", [](In a, In b) { return addcmul(0.7, a, 0.3, b); }},
      {"addcdiv", [](In a, In b) { return addcdiv(a, 0.7, 0.3, b); }},
      {"bce_with_logits", [](In a, In b) { return bce_with_logits(a, b); }},
      {"binary_cross_entropy", [](In a, In b) { return binary_cross_entropy(a, b); }},
      {"gaussian_nll_loss", [](In a, In b) { return gaussian_nll_loss(0.2, a, b); }},
      {"poisson_nll_loss", [](In a, In b) { return poisson_nll_loss(a, b, false); }},
      {"kl_div", [](In a, In b) { return kl_div(a, b); }},
      {"kl_div of logarithms", [](In a, In b) { return kl_div(a, b, Reduction::kMean, true); }},
      {"mse_loss", [](In a, In b) { return mse_loss(a, b); }},
      {"prelu", [](In a, In b) { return prelu(a, b); }},
  };
  const Tensor x = data({0.6}, {1}), tenth = data({0.1}, {1});
  for (const auto& [name, f] : functions) {
    EXPECT_EQ(values(f(x, 0.1)), values(f(x, tenth))) << name;
    if (std::string_view(name) != "prelu") {
      EXPECT_EQ(values(f(0.1, x)), values(f(tenth, x))) << name;
    }
    for (DType t : {f16, bf16, f32, f64}) EXPECT_EQ(f(x.to(t), 0.1).dtype(), t) << name;
    EXPECT_EQ(f(x.to(f16), 1).dtype(), f16) << name;
  }
  EXPECT_VALUES(hypot(full({1}, 3e200, f64), 4e200), {5e200});
  EXPECT_VALUES(clamp(0.1, tensor({0.0}), tensor({1.0})), {0.1});
}

TEST(Numbers, AreWrittenToWholeSlices) {
  const Tensor x = data({1, 2, 3, 4, 5, 6}, {3, 2}), at = tensor({2, 0});
  EXPECT_VALUES(index_copy(x, 0, at, 0.1), {0.1, 0.1, 3, 4, 0.1, 0.1});
  EXPECT_VALUES(index_add(x, 1, tensor({1}), 0.1), {1, 2.1, 3, 4.1, 5, 6.1});
  EXPECT_VALUES(index_copy(x, 0, 1, 7), {1, 2, 7, 7, 5, 6});
  EXPECT_TYPE(index_copy(x.to(f16), 0, at, 0.1), "f16[3,2]");
}

TEST(Literals, OfMixedNumbersAndThreeAxes) {
  EXPECT_VALUES(tensor({1.0, INFINITY}), {1, kInf});
  EXPECT_TYPE(tensor({1, 2.5}), "f64[2]");
  EXPECT_TYPE(tensor({{1.0}, {2.0}}), "f64[2,1]");
  EXPECT_TYPE(tensor({{{1, 2}, {3, 4}, {5, 6}}}), "i32[1,3,2]");
  EXPECT_VALUES(tensor({{{1, 2}}, {{3, 4}}}), {1, 2, 3, 4});
  EXPECT_TYPE(tensor({{{7.f}}}), "f32[1,1,1]");
}

TEST(Literals, ArangeOfIntegersAndOfFloats) {
  EXPECT_TYPE(arange(0, 5), "i32[5]");
  EXPECT_TYPE(arange(5, 0, -2), "i32[3]");
  EXPECT_TYPE(arange(0, 5, 0.5), "f32[10]");
  EXPECT_TYPE(arange(0.0, 5.0), "f32[5]");
  EXPECT_TYPE(arange(2.7), "f32[3]");
  EXPECT_TYPE(arange(0, 300, 100, i64), "i64[3]");
  EXPECT_VALUES(index_select(tensor({4.0, 5.0, 6.0}), 0, arange(1, 3)), {5, 6});
  static_assert(!std::is_constructible_v<Extent, double>);
}

TEST(Operators, ThatAssign) {
  Tensor x = tensor({6.0, 8.0});
  x += 2;
  x *= tensor({2.0, 3.0});
  x -= 1;
  x /= 2.0;
  EXPECT_VALUES(x, {7.5, 14.5});
  EXPECT_VALUES(clamp(x, {}, {}), {7.5, 14.5});
  EXPECT_VALUES(clamp(x, 8, {}), {8, 14.5});
}

// -- Tails --

TEST(Erfc, KeepsSmallValues) {
  Doubles at, expected;
  for (double v = -7; v < 26; v += 0.0625) at.push_back(v), expected.push_back(std::erfc(v));
  const auto count = static_cast<int64_t>(at.size());
  const Doubles wide = values(erfc(data(at, {count}))), narrow = values(erfc(data(at, {count}, f32)));
  for (size_t i = 0; i < at.size(); ++i) {
    EXPECT_NEAR(wide[i] / expected[i], 1, 4e-15) << at[i];
    if (at[i] < 9) {
      EXPECT_NEAR(narrow[i] / expected[i], 1, 2e-6) << at[i];
    }
  }
  EXPECT_VALUES(erfc(tensor({kInf, -kInf, kNan, 40.0, 1e300})), {0, 2, kNan, 0, 0});
  EXPECT_CLOSE(erfc(data({3}, {1}, f16)), 1e-7, {2.21e-5});
}

TEST(Erfc, SlopesOfAnyOrder) {
  const Doubles at{-3, 0, 0.4, 0.5, 0.6, 2, 5, 10};
  const Tensor x = alias(data(at, {8}));
  const Tensor first = gradients(sum(erfc(x)), {x})[0], second = gradients(sum(first), {x})[0];
  const Doubles one = values(first), two = values(second);
  for (size_t i = 0; i < at.size(); ++i) {
    const double slope = -2 / std::sqrt(kPi) * std::exp(-at[i] * at[i]);
    EXPECT_NEAR(one[i] / slope, 1, 1e-13) << at[i];
    EXPECT_NEAR(two[i], -2 * at[i] * slope, 1e-13 * std::abs(at[i] * slope)) << at[i];
  }
}

TEST(Sinc, SlopesNearZero) {
  const Doubles at{0, 1e-10, 1e-8, 1e-4, -1e-3, 0.1, 0.318, 0.3184, 0.5, 1, 3.25};
  const Tensor x = alias(data(at, {11}));
  const Tensor first = gradients(sum(sinc(x)), {x})[0], second = gradients(sum(first), {x})[0];
  const Doubles zero = values(sinc(x)), one = values(first), two = values(second);
  for (size_t i = 0; i < at.size(); ++i) {
    // The integrals of cos(pi x t) over t in [0, 1] and of its slopes, by Simpson's rule.
    double f = 0, df = 0, ddf = 0;
    constexpr int kSteps = 2000;
    for (int k = 0; k <= kSteps; ++k) {
      const double t = static_cast<double>(k) / kSteps, a = kPi * at[i] * t;
      const double weight = (k == 0 || k == kSteps ? 1.0 : k % 2 == 1 ? 4.0 : 2.0) / (3.0 * kSteps);
      f += weight * std::cos(a);
      df -= weight * kPi * t * std::sin(a);
      ddf -= weight * kPi * kPi * t * t * std::cos(a);
    }
    EXPECT_NEAR(zero[i], f, 1e-11) << at[i];
    EXPECT_NEAR(one[i], df, 1e-11 * std::abs(df) + (std::abs(at[i]) < 0.2 ? 0 : 1e-10)) << at[i];
    EXPECT_NEAR(two[i], ddf, 1e-10) << at[i];
  }
  const Tensor narrow = alias(data({1e-3}, {1}, f32));
  EXPECT_CLOSE(gradients(sum(sinc(narrow)), {narrow})[0], 1e-8, {-kPi * kPi / 3 * 1e-3});
}

// -- Zeros, infinities --

TEST(Elementwise, SlopesOfArcSinesAreInfiniteAtTheEnds) {
  const Tensor x = alias(data({-1, 0, 1, 0.6}, {4}));
  EXPECT_VALUES(gradients(sum(asin(x)), {x})[0], {kInf, 1, kInf, 1.25});
  EXPECT_VALUES(gradients(sum(acos(x)), {x})[0], {-kInf, -1, -kInf, -1.25});
  EXPECT_VALUES(asin(x), {-kPi / 2, 0, kPi / 2, std::asin(0.6)});
}

// Rounded quotients are of the exact quotient, on one side of 0 for an infinite divisor, and fit the
// remainders.
TEST(Elementwise, QuotientsByInfinity) {
  const Doubles left{-5, 5, 0, -5, 5, kInf, kNan}, right{kInf, kInf, kInf, -kInf, -kInf, kInf, kInf};
  for (DType t : {f16, f32, f64}) {
    const Tensor a = data(left, {7}, t), b = data(right, {7}, t);
    EXPECT_VALUES(floordiv(a, b), {-1, 0, 0, 0, -1, kNan, kNan});
    EXPECT_VALUES(remainder(a, b), {kInf, 5, 0, -5, -kInf, kNan, kNan});
    EXPECT_VALUES(truncdiv(a, b), {0, 0, 0, 0, 0, kNan, kNan});
    EXPECT_VALUES(fmod(a, b), {-5, 5, 0, -5, 5, kNan, kNan});
  }
}

TEST(Atan2, AtZerosAndInfinities) {
  const Doubles special{0.0, -0.0, 1, -1, kInf, -kInf, kNan, 1e-310, -1e-310};
  Doubles y, x, expected;
  for (double v : special)
    for (double h : special) y.push_back(v), x.push_back(h), expected.push_back(std::atan2(v, h));
  const auto count = static_cast<int64_t>(y.size());
  for (DType t : {f32, f64}) {
    const Doubles found = values(atan2(data(y, {count}, t), data(x, {count}, t)));
    for (size_t i = 0; i < y.size(); ++i) {
      const double v = y[i], h = x[i];
      if (t == f32 && (std::abs(v) == 1e-310 || std::abs(h) == 1e-310)) continue;  // these are 0 there
      if (std::isnan(expected[i])) {
        EXPECT_TRUE(std::isnan(found[i])) << v << " " << h;
        continue;
      }
      EXPECT_NEAR(found[i], expected[i], t == f64 ? 1e-15 : 1e-6) << v << " " << h;
      EXPECT_EQ(std::signbit(found[i]), std::signbit(expected[i])) << v << " " << h;
    }
  }
  EXPECT_VALUES(atan2(data({-0.0}, {1}, f8e4m3), data({-1}, {1}, f8e4m3)), {-3.25});
}

TEST(Atan2, SlopesAtZerosAndInfinities) {
  const Tensor y = alias(data({0, -0.0, 0, kInf, 1, 0}, {6})),
               x = alias(data({0, 0, -0.0, -kInf, 0, 2}, {6}));
  const std::vector<Tensor> slopes = gradients(sum(atan2(y, x)), {y, x});
  EXPECT_VALUES(slopes[0], {0, 0, 0, 0, 0, 0.5});
  EXPECT_VALUES(slopes[1], {0, 0, 0, 0, -1, 0});
}

TEST(Edges, OfHypotAndLogit) {
  EXPECT_VALUES(hypot(tensor({kInf, kNan, -kInf, kNan}), tensor({kNan, -kInf, kInf, 1.0})),
                {kInf, kInf, kInf, kNan});
  const Tensor p = alias(data({0, 0.25, 1}, {3}));
  EXPECT_VALUES(logit(p), {-kInf, std::log(1.0 / 3), kInf});
  EXPECT_VALUES(gradients(sum(logit(p)), {p})[0], {kInf, 1 / (0.25 * 0.75), kInf});
}

// Second derivatives, as gradients of the gradients against differences.
TEST(Edges, SecondDerivatives) {
  const std::pair<const char*, std::function<Tensor(const Tensor&, const Tensor&)>> functions[] = {
      {"erfc", [](const Tensor& a, const Tensor&) { return erfc(a); }},
      {"sinc", [](const Tensor& a, const Tensor&) { return sinc(a); }},
      {"atan2", [](const Tensor& a, const Tensor& b) { return atan2(a, b); }},
      {"hypot", [](const Tensor& a, const Tensor& b) { return hypot(a, b); }},
      {"logit", [](const Tensor& a, const Tensor&) { return logit(0.3 + 0.1 * a); }},
      {"xlogy", [](const Tensor& a, const Tensor& b) { return xlogy(a, 3 + b); }},
      {"logaddexp2", [](const Tensor& a, const Tensor& b) { return logaddexp2(a, b); }},
      {"addcdiv", [](const Tensor& a, const Tensor& b) { return addcdiv(0.1, a, b, 0.7); }},
      {"lerp", [](const Tensor& a, const Tensor& b) { return lerp(a, 0.1, b); }},
  };
  for (const auto& [name, function] : functions) {
    const auto slopes = [&f = function](const std::vector<Tensor>& in) {
      const std::vector<Tensor> own{alias(in[0]), alias(in[1])};
      const Tensor y = f(own[0], own[1]);
      const std::vector<Tensor> found = gradients(sum(y * y), own);
      return found[0] * 0.7 + found[1];
    };
    const std::vector<Tensor> at{data({-1.7, 0.9, 0.135, -0.45, 0.62, -0.0623}, {6}),
                                 data({1.3, -0.7, 2.2, -0.3, 1.1, 0.41}, {6})};
    EXPECT_EQ(gradient_differences(slopes, at, 1e-6), "") << name;
  }
}

}  // namespace
}  // namespace anneal
