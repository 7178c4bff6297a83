// SPDX-License-Identifier: MIT
// Optimizers against steps computed here in double, and schedules against their formulas.
#include "anneal/optim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "anneal/anneal.h"
#include "nn/update.h"
#include "tests/support/test_error.h"

namespace anneal {
namespace {

using nn::detail::Target;
using ::testing::HasSubstr;

TEST(Schedules, AreTheirFormulas) {
  EXPECT_EQ(Schedule(0.1)(7), 0.1);
  EXPECT_EQ(Schedule([](int64_t step) { return 1.0 / static_cast<double>(step + 1); })(3), 0.25);
  const Schedule line = linear_schedule(1, 0, 10);
  EXPECT_DOUBLE_EQ(line(0), 1);
  EXPECT_DOUBLE_EQ(line(4), 0.6);
  EXPECT_DOUBLE_EQ(line(10), 0);
  EXPECT_DOUBLE_EQ(line(99), 0);
  const Schedule wave = cosine_schedule(1, 8, 0.5);
  EXPECT_DOUBLE_EQ(wave(0), 1);
  EXPECT_NEAR(wave(4), 0.75, 1e-12);
  EXPECT_DOUBLE_EQ(wave(8), 0.5);
  const Schedule rise = warmup_cosine(1, 4, 12);
  EXPECT_DOUBLE_EQ(rise(0), 0.25);
  EXPECT_DOUBLE_EQ(rise(3), 1);
  EXPECT_DOUBLE_EQ(rise(4), 1);
  EXPECT_NEAR(rise(8), 0.5, 1e-12);
  EXPECT_DOUBLE_EQ(rise(12), 0);
  EXPECT_DOUBLE_EQ(warmup_cosine(1, 4, 4)(3), 1);
  EXPECT_THAT(message_of([] { warmup_cosine(1, 20, 10); }), HasSubstr("of 10 steps 20 cannot rise"));
  EXPECT_THAT(message_of([] { staircase(1, 0.5, 0); }), HasSubstr("0 steps: it needs 1 or more"));
  EXPECT_THAT(message_of([] { warmup(-1, 0.1); }), HasSubstr("cannot be negative"));
  EXPECT_DOUBLE_EQ(warmup(2, linear_schedule(1, 0, 10))(7), 0.5);
  EXPECT_DOUBLE_EQ(staircase(1, 0.5, 3)(5), 0.5);
  EXPECT_DOUBLE_EQ(staircase(1, 0.5, 3)(6), 0.25);
  EXPECT_DOUBLE_EQ(multi_step(1, 0.1, {3, 5})(2), 1);
  EXPECT_DOUBLE_EQ(multi_step(1, 0.1, {3, 5})(4), 0.1);
  EXPECT_NEAR(multi_step(1, 0.1, {3, 5})(5), 0.01, 1e-15);
}

// Three steps of one parameter [1] from 2 with the gradients 3, -1 and 0.5.
constexpr double kSlopes[] = {3, -1, 0.5};
std::vector<double> three_steps(const Optimizer& optimizer, bool decays = true) {
  const Target target{"w", decays, false, 1};
  std::vector<Tensor> kept(nn::detail::kept_names(optimizer, target).size(), zeros({1}));
  Tensor p = full({1}, 2.0);
  std::vector<double> out;
  for (int i = 0; i < 3; ++i) {
    const nn::detail::Updater updater(optimizer, {full({}, i + 1.0), full({}, 0.1), full({}, 0.1)});
    const auto next = updater.update(target, p, full({1}, kSlopes[i]), kept);
    p = next.parameter;
    kept = next.kept;
    out.push_back(p.item<double>());
  }
  return out;
}
void expect_steps(const std::vector<double>& got, const std::vector<double>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 2e-6) << "step " << i;
}

TEST(Optimizers, Sgd) {
  expect_steps(three_steps(Sgd{}), {2 - 0.3, 1.7 + 0.1, 1.8 - 0.05});
  std::vector<double> wanted, nesterov;
  double p = 2, q = 2, v = 0, u = 0;
  for (double slope : kSlopes) {
    v = 0.9 * v + slope + 0.5 * p;
    wanted.push_back(p -= 0.1 * v);
    u = 0.9 * u + slope;
    nesterov.push_back(q -= 0.1 * (slope + 0.9 * u));
  }
  expect_steps(three_steps(Sgd{.momentum = 0.9, .weight_decay = 0.5}), wanted);
  expect_steps(three_steps(Sgd{.momentum = 0.9, .nesterov = true}), nesterov);
}

std::vector<double> adam_steps(double decay_in_gradient, double decay_of_parameter) {
  std::vector<double> out;
  double p = 2, m = 0, v = 0;
  for (int i = 0; i < 3; ++i) {
    const double g = kSlopes[i] + decay_in_gradient * p;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    p -= 0.1 * decay_of_parameter * p;
    p -= 0.1 * (m / (1 - std::pow(0.9, i + 1))) / (std::sqrt(v / (1 - std::pow(0.999, i + 1))) + 1e-8);
    out.push_back(p);
  }
  return out;
}

TEST(Optimizers, AdamAndAdamW) {
  expect_steps(three_steps(Adam{}), adam_steps(0, 0));
  expect_steps(three_steps(Adam{.weight_decay = 0.3}), adam_steps(0.3, 0));
  expect_steps(three_steps(AdamW{.weight_decay = 0.3}), adam_steps(0, 0.3));
  expect_steps(three_steps(AdamW{.weight_decay = 0.3}, false), adam_steps(0, 0));
  const NameFilter all = [](std::string_view) { return true; };
  expect_steps(three_steps(AdamW{.weight_decay = 0.3, .decays = all}, false), adam_steps(0, 0.3));
}

TEST(Optimizers, Lion) {
  std::vector<double> wanted;
  double p = 2, m = 0;
  for (double g : kSlopes) {
    const double u = 0.9 * m + 0.1 * g;
    p = p * (1 - 0.1 * 0.2) - 0.1 * (u > 0 ? 1 : u < 0 ? -1 : 0);
    m = 0.99 * m + 0.01 * g;
    wanted.push_back(p);
  }
  expect_steps(three_steps(Lion{.weight_decay = 0.2}), wanted);
}

TEST(Optimizers, MuonMakesMatricesOrthogonal) {
  const Muon muon{.momentum = 0, .nesterov = false, .steps = 12};
  const Optimizer optimizer = muon;
  const nn::detail::Updater updater(optimizer, {full({}, 1.0), full({}, 1.0), full({}, 0.1)});
  const Tensor g = randn({6, 4}, {.seed = 3});
  const Target matrix{"w", true, false, 2}, table{"wte", true, true, 2};
  const Tensor step = updater.update(matrix, zeros({6, 4}), g, {zeros({6, 4})}).parameter / std::sqrt(1.5);
  // Its singular values are near 1: the trace of S^T S is near 4, and it points along -g.
  EXPECT_NEAR(sum(square(step)).item<double>(), 4, 1.2);
  EXPECT_LT(sum(step * g).item<double>(), 0);
  const Tensor gram = matmul(transpose(step), step);
  EXPECT_LT(anneal::max(abs(gram - eye(4))).item<double>(), 0.45);
  EXPECT_EQ(nn::detail::kept_names(optimizer, matrix).size(), 1u);
  EXPECT_EQ(nn::detail::kept_names(optimizer, table).size(), 2u);
  const Optimizer chosen = Muon{.matrices = [](std::string_view name) { return name != "head.weight"; }};
  EXPECT_EQ(nn::detail::kept_names(chosen, {"head.weight", true, false, 2}).size(), 2u);
  EXPECT_EQ(nn::detail::kept_names(chosen, {"fc.weight", true, false, 2}).size(), 1u);
}

TEST(Optimizers, NarrowParametersAreUpdatedInF32) {
  const Optimizer optimizer = AdamW{};
  const nn::detail::Updater updater(optimizer, {full({}, 1.0), full({}, 0.1), full({}, 0.1)});
  const auto next = updater.update({"w", false, false, 1}, full({2}, 1.0, bf16), full({2}, 1e-4, bf16),
                                   {zeros({2}), zeros({2})});
  EXPECT_EQ(next.parameter.dtype(), bf16);
  EXPECT_EQ(next.kept[1].dtype(), f32);
  EXPECT_NEAR(next.kept[1].to_vector<float>()[0], 1e-11, 1e-13);
  EXPECT_NEAR(next.parameter.to_vector<float>()[0], 0.9, 0.004);
}

TEST(Clipping, BoundsTheCommonNormOrElements) {
  const std::vector<Tensor> slopes{tensor({3.f, 0.f}), tensor({4.f})};
  std::vector<Tensor> clipped = nn::detail::clipped({.norm = 1}, slopes);
  EXPECT_NEAR(clipped[0].to_vector<float>()[0], 0.6, 1e-5);
  EXPECT_NEAR(clipped[1].to_vector<float>()[0], 0.8, 1e-5);
  clipped = nn::detail::clipped({.norm = 10}, slopes);
  EXPECT_EQ(clipped[1].to_vector<float>()[0], 4);
  clipped = nn::detail::clipped({.value = 3.5}, slopes);
  EXPECT_EQ(clipped[0].to_vector<float>()[0], 3);
  EXPECT_EQ(clipped[1].to_vector<float>()[0], 3.5);
}

}  // namespace
}  // namespace anneal
