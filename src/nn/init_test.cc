// SPDX-License-Identifier: MIT
#include "anneal/nn/init.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "anneal/anneal.h"
#include "anneal/nn/module.h"
#include "nn/trace.h"

namespace anneal::nn {
namespace {

struct Statistics {
  double mean, deviation, least, most;
};
Statistics statistics(const Init& init, const Init::Shape& shape, DType dtype = f32) {
  const std::vector<double> v = init.make(detail::key_of(3, "w"), shape, dtype).to_vector<double>();
  double sum = 0, squares = 0;
  for (double x : v) sum += x, squares += x * x;
  const double n = static_cast<double>(v.size()), mean = sum / n;
  return {mean, std::sqrt(squares / n - mean * mean), *std::min_element(v.begin(), v.end()),
          *std::max_element(v.begin(), v.end())};
}

TEST(Inits, HaveTheirMomentsAndBounds) {
  const Init::Shape shape{64, 32, 3};  // fan-in 96, fan-out 192
  Statistics s = statistics(init::normal(0.5, 2), shape);
  EXPECT_NEAR(s.mean, 2, 0.03);
  EXPECT_NEAR(s.deviation, 0.5, 0.02);
  s = statistics(init::uniform(-1, 3), shape);
  EXPECT_NEAR(s.mean, 1, 0.06);
  EXPECT_GE(s.least, -1);
  EXPECT_LT(s.most, 3);
  EXPECT_GT(s.most, 2.9);
  EXPECT_NEAR(statistics(init::kaiming_normal(), shape).deviation, std::sqrt(2.0 / 96), 0.004);
  EXPECT_NEAR(statistics(init::kaiming_uniform(), shape).deviation, std::sqrt(2.0 / 96), 0.004);
  EXPECT_NEAR(statistics(init::xavier_normal(), shape).deviation, std::sqrt(2.0 / 288), 0.003);
  s = statistics(init::xavier_uniform(2), shape);
  EXPECT_NEAR(s.deviation, 2 * std::sqrt(2.0 / 288), 0.006);
  EXPECT_LE(s.most, 2 * std::sqrt(6.0 / 288) + 1e-6);
  s = statistics(init::truncated_normal(0.1, 1, 2), shape);
  EXPECT_NEAR(s.mean, 1, 0.01);
  EXPECT_NEAR(s.deviation, 0.1 * 0.8796, 0.003);  // of a normal distribution cut at 2
  EXPECT_GE(s.least, 0.8 - 1e-6);
  EXPECT_LE(s.most, 1.2 + 1e-6);
  EXPECT_LT(s.least, 0.82);
  // Below a bound of 1 by another way: nearly even numbers, of the deviation that formulas say.
  for (const double bound : {0.01, 0.5, 0.99, 1.5}) {
    const double density = std::exp(-bound * bound / 2) / std::sqrt(2 * std::numbers::pi);
    const double variance = 1 - 2 * bound * density / std::erf(bound / std::sqrt(2.0));
    s = statistics(init::truncated_normal(1, 0, bound), {200, 200});
    EXPECT_NEAR(s.deviation / std::sqrt(variance), 1, 0.012) << bound;
    EXPECT_GT(s.most, 0.999 * bound);
    EXPECT_LE(s.most, bound + 1e-6);
  }
  EXPECT_THROW(init::truncated_normal(1, 0, 0), Error);
}

TEST(Inits, FansAreThoseOfTheLayout) {
  const auto deviation = [](const Param& weight) {
    const Tensor w = weight.tensor();
    return std::sqrt(mean(square(w)).item<double>());
  };
  for (const bool inputs_first : {false, true}) {
    const Linear wide(400, 20, {.inputs_first = inputs_first, .init = init::kaiming_normal(1)});
    initialize(wide, 1);
    EXPECT_NEAR(deviation(wide.weight) * std::sqrt(400.0), 1, 0.04);
  }
  const ConvTranspose2d turned(50, 4, 3, {.init = init::kaiming_normal(1)});
  initialize(turned, 1);
  EXPECT_NEAR(deviation(turned.weight) * std::sqrt(50.0 * 9), 1, 0.05);
}

TEST(Inits, LiteralsFunctionsAndTypes) {
  const Rng key = detail::key_of(0, "");
  EXPECT_EQ(init::values({1, 2, 3, 4}).make(key, {2, 2}, f32).to_vector<float>(),
            (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(init::values(ones({2})).make(key, {2}, f64).dtype(), f64);
  EXPECT_THROW(init::values({1, 2}).make(key, {3}, f32), Error);
  EXPECT_EQ(init::constant(2).make(key, {2}, f16).dtype(), f16);
  EXPECT_EQ(init::normal().make(key, {2}, bf16).dtype(), bf16);
  const Init own = [](const Rng&, const Init::Shape& shape, DType dtype) {
    return cast(arange(shape[0]), dtype);
  };
  EXPECT_EQ(own.make(key, {3}, f32).to_vector<float>(), (std::vector<float>{0, 1, 2}));
}

TEST(Inits, KeysAreThoseOfSplit) {
  const Tensor a = detail::key_of(0x123456789abcdefu, "").rand({4});
  EXPECT_EQ(a.to_vector<float>(),
            Rng(0x123456789abcdefu).split(0xcbf29ce484222325u).rand({4}).to_vector<float>());
}

}  // namespace
}  // namespace anneal::nn
