// SPDX-License-Identifier: MIT
// Each layer against the functions it is made of, or against values worked out apart from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "anneal/anneal.h"

namespace anneal::nn {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<float> numbers(const Tensor& t) { return t.to_vector<float>(); }
void expect_near(const Tensor& a, const Tensor& b, double tolerance = 1e-5) {
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_LE(anneal::max(abs(a - b)).item<double>(), tolerance);
}

template <typename F>
std::string layer_error(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

template <typename M>
M with_values(M model, uint64_t seed = 3) {
  for (const NamedParam& p : parameters(model))
    if (p.param.is_trained())
      p.param.set(randn(Sizes(p.param.shape()), {.seed = seed++}));
    else
      p.param.set(rand(Sizes(p.param.shape()), {.seed = seed++}) + 0.5);
  return model;
}

TEST(LinearLayer, IsAMatrixProduct) {
  const Tensor x = randn({5, 2, 3}, {.seed = 1});
  const Linear plain = with_values(Linear(3, 4));
  expect_near(plain(x), linear(x, plain.weight, plain.bias));
  const Linear bare = with_values(Linear(3, 4, {.bias = false}));
  expect_near(bare(x), matmul(x, transpose(bare.weight)));
  const Linear turned = with_values(Linear(3, 4, {.inputs_first = true}));
  EXPECT_EQ(turned.weight.shape(), (std::vector<int64_t>{3, 4}));
  expect_near(turned(x), matmul(x, turned.weight) + *turned.bias);
  EXPECT_THAT(layer_error([&] { plain(ones({2, 7})); }),
              AllOf(HasSubstr("error[shape] linear: it takes 3 features, the input has 7"),
                    HasSubstr("f32[2,7]"), HasSubstr("layers_test.cc")));
}

TEST(EmbeddingLayer, LooksRowsUp) {
  const Embedding table = with_values(Embedding(6, 3));
  const Tensor index = tensor({{1, 5}, {0, 1}});
  expect_near(table(index), embedding(index, table.weight), 0);
  expect_near(table.logits(ones({2, 3})), matmul(ones({2, 3}), transpose(table.weight)));
}

TEST(MlpLayer, AlternatesLinearAndActivation) {
  const Mlp mlp = with_values(Mlp({2, 5, 3}, {.activation = Activation::kGelu}));
  const Tensor x = randn({4, 2}, {.seed = 2});
  expect_near(mlp(x), mlp.layers[1](gelu(mlp.layers[0](x))));
  EXPECT_THROW(Mlp({3}), Error);
}

TEST(GatedMlpLayer, IsAProductOfTwo) {
  GatedMlp mlp(3, 5);
  initialize(mlp, 2);
  EXPECT_FALSE(mlp.up.bias);
  const Tensor x = randn({4, 3}, {.seed = 3});
  expect_near(mlp(x), mlp.down(silu(mlp.gate(x)) * mlp.up(x)));
  EXPECT_THROW(GatedMlp(0, 5), Error);
}

TEST(NormLayers, AreTheirFunctions) {
  const Tensor x = randn({2, 4, 3, 3}, {.seed = 4}), rows = randn({5, 6}, {.seed = 5});
  const LayerNorm layer = with_values(LayerNorm(6));
  expect_near(layer(rows), layer_norm(rows, layer.weight, layer.bias));
  const LayerNorm two = with_values(LayerNorm({3, 3}, {.eps = 0.1}));
  expect_near(two(x), layer_norm(x, two.weight, two.bias, 0.1, 2));
  const RMSNorm rms = with_values(RMSNorm(6));
  expect_near(rms(rows), rms_norm(rows, rms.weight));
  const GroupNorm group = with_values(GroupNorm(2, 4));
  expect_near(group(x), group_norm(x, 2, group.weight, group.bias));
  const BatchNorm batch = with_values(BatchNorm(4));
  expect_near(batch(x), batch_norm(x, batch.running_mean, batch.running_var, batch.weight, batch.bias));
  for (const NamedParam& p : parameters(batch)) EXPECT_FALSE(p.param.decays()) << p.name;
  EXPECT_THAT(layer_error([&] { layer(ones({2, 7})); }), HasSubstr("takes 6 features, the input has 7"));
  EXPECT_THAT(layer_error([&] { group(ones({2, 7, 1})); }), HasSubstr("takes 4 channels, the input has 7"));
  EXPECT_THROW(GroupNorm(3, 4), Error);
}

TEST(BatchNormLayer, FollowsTheBatchWhenTraining) {
  const BatchNorm layer = with_values(BatchNorm(2));
  const Tensor x = randn({8, 2, 3}, {.seed = 6}) * 2 + 1;
  const std::vector<NamedParam> params = parameters(layer);
  std::vector<Tensor> values;
  for (const NamedParam& p : params) values.push_back(p.param.tensor());
  const Substitute training(params, values, {.train = true});
  expect_near(layer(x), batch_norm_train(x, layer.weight, layer.bias).out);
  const std::vector<Tensor> next = training.next();
  ASSERT_EQ(params[2].name, "running_mean");
  expect_near(next[2], values[2] * 0.9 + mean(x, {0, 2}) * 0.1);
  expect_near(next[3], values[3] * 0.9 + var(x, {0, 2}) * 0.1, 1e-4);
  EXPECT_EQ(numbers(next[0]), numbers(values[0]));
}

TEST(DropoutLayer, DropsOnlyWhenTraining) {
  const Dropout dropout{0.25};
  const Tensor x = ones({100, 100});
  EXPECT_EQ(numbers(dropout(x)), numbers(x));
  const auto drop = [&](uint64_t seed) {
    const Substitute training({}, {}, {.train = true, .rng = Rng(seed)});
    EXPECT_TRUE(is_training());
    const Tensor first = dropout(x);
    return std::pair(numbers(first), numbers(dropout(x)));
  };
  const auto [a, b] = drop(1);
  EXPECT_NE(a, b) << "each draw is another";
  EXPECT_EQ(a, drop(1).first);
  EXPECT_NE(a, drop(2).first);
  const auto zeros = std::count(a.begin(), a.end(), 0.0f);
  EXPECT_NEAR(static_cast<double>(zeros), 2500, 200);
  for (float v : a) EXPECT_NEAR(v, v == 0 ? 0 : 1 / 0.75, 1e-6);
  const Substitute no_rng({}, {}, {.train = true});
  EXPECT_THAT(layer_error([&] { dropout(x); }), HasSubstr("give nn::Substitute an rng"));
}

TEST(ConvLayers, AreTheirFunctions) {
  const Tensor x = randn({2, 4, 7, 6}, {.seed = 8});
  const Conv2d conv = with_values(Conv2d(4, 6, {3, 2}, {.stride = 2, .padding = {1, 0}, .groups = 2}));
  EXPECT_EQ(conv.weight.shape(), (std::vector<int64_t>{6, 2, 3, 2}));
  expect_near(conv(x), conv2d(x, conv.weight, conv.bias, {.stride = {2}, .padding = {1, 0}, .groups = 2}));
  const Tensor line = randn({2, 4, 9}, {.seed = 9});
  const Conv1d same = with_values(Conv1d(4, 3, 4, {.same = true, .bias = false}));
  expect_near(same(line), conv1d(line, same.weight, {}, {.same = true}));
  const ConvTranspose2d back = with_values(ConvTranspose2d(4, 2, 3, {.stride = 2, .output_padding = 1}));
  EXPECT_EQ(back.weight.shape(), (std::vector<int64_t>{4, 2, 3, 3}));
  expect_near(back(x), conv_transpose2d(x, back.weight, back.bias, {.stride = {2}, .output_padding = {1}}));
  EXPECT_THAT(layer_error([&] { conv(ones({1, 3, 5, 5})); }), HasSubstr("takes 4 channels, the input has 3"));
  EXPECT_THROW(Conv2d(4, 6, {3, 3, 3}), Error);
  EXPECT_THROW(Conv2d(4, 6, 3, {.groups = 4}), Error);
  // Its gradient, against a difference.
  const auto loss = [&](const Tensor& w) { return sum(square(conv1d(line, w, {}, {.same = true}))); };
  const Tensor slope = grad(loss)(same.weight.tensor());
  const Tensor bump = pad(full({1, 1, 1}, 1e-2), {{1, 1}, {2, 1}, {0, 3}});
  const double difference =
      (loss(same.weight + bump).item<double>() - loss(same.weight - bump).item<double>()) / 2e-2;
  EXPECT_NEAR(slope.slice({1, 2, 0}).item<double>(), difference, 1e-2 * std::abs(difference));
}

TEST(ConvLayers, PadWithWhatTheModeSays) {
  const Tensor x = randn({2, 3, 6, 5}, {.seed = 8});
  const auto same = [&](PadMode mode, const Tensor& padded) {
    const Conv2d conv = with_values(Conv2d(3, 4, 3, {.padding = {1, 2}, .pad_mode = mode}));
    expect_near(conv(x), conv2d(padded, conv.weight, conv.bias));
  };
  const Pads pads = {{0, 0}, {0, 0}, {1, 1}, {2, 2}};
  same(PadMode::kZeros, pad(x, pads));
  same(PadMode::kReflect, pad_reflect(x, pads));
  same(PadMode::kReplicate, pad_replicate(x, pads));
  same(PadMode::kCircular, pad_circular(x, pads));
  const Tensor line = randn({2, 4, 9}, {.seed = 9});
  const Conv1d around =
      with_values(Conv1d(4, 3, 4, {.dilation = 2, .same = true, .pad_mode = PadMode::kCircular}));
  expect_near(around(line), conv1d(pad_circular(line, {{0, 0}, {0, 0}, {3, 3}}), around.weight, around.bias,
                                   {.dilation = {2}}));
  EXPECT_THAT(layer_error([&] { Conv2d(3, 4, 3, {.stride = 2, .same = true}); }), HasSubstr("stride of 1"));
  EXPECT_THAT(layer_error([&] { with_values(Conv2d(4, 4, 3, {.pad_mode = PadMode::kReflect}))(line); }),
              HasSubstr("rank 4"));
}

TEST(PoolLayers, AreTheirFunctions) {
  const Tensor x = randn({2, 3, 8, 8}, {.seed = 10});
  expect_near(nn::max_pool2d(2)(x), anneal::max_pool2d(x));
  expect_near(nn::avg_pool2d({4, 2})(x), anneal::avg_pool2d(x, {.kernel = {4, 2}}));
  expect_near(MaxPool{1, {.kernel = {2}}}(x), max_pool(x, 1, {.kernel = {2}}));
  expect_near(AdaptiveAvgPool{{2, 2}}(x), adaptive_avg_pool(x, {2, 2}));
  EXPECT_EQ(Flatten{}(x).shape(), (std::vector<int64_t>{2, 192}));
}

TEST(SequentialLayer, CallsLayersInTurn) {
  const Linear first = with_values(Linear(3, 4)), second = with_values(Linear(4, 2), 9);
  Sequential net{first, anneal::tanh, [](const Tensor& t) { return t * 2; }, second, Dropout{0.5}};
  const Tensor x = randn({5, 3}, {.seed = 11});
  expect_near(net(x), second(anneal::tanh(first(x)) * 2));
  std::vector<std::string> names;
  for (const NamedParam& p : parameters(net)) names.push_back(p.name);
  EXPECT_EQ(names, (std::vector<std::string>{"0.weight", "0.bias", "3.weight", "3.bias"}));
  const auto step = compile(Training{.model = net,
                                     .loss = [](const Sequential& m, Inputs in) { return mean(m(in["x"])); },
                                     .inputs = {{"x", {5, 3}}},
                                     .optimizer = Sgd{.lr = 1}});
  step({{"x", x}});
  EXPECT_NE(numbers(step.parameter("0.weight")), numbers(first.weight)) << "the copy is trained";
  EXPECT_EQ(numbers(net.layers[0](x)), numbers(first(x)));
  EXPECT_THAT(step.explain(), HasSubstr("0: "));
}

}  // namespace
}  // namespace anneal::nn
