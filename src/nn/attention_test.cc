// SPDX-License-Identifier: MIT
#include "anneal/nn/attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "anneal/anneal.h"
#include "runtime/backend.h"
#include "tests/support/test_error.h"

namespace anneal::nn {
namespace {

using ::testing::HasSubstr;

void expect_same(const Tensor& a, const Tensor& b, double tolerance = 2e-5) {
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_LE(anneal::max(abs(a - b)).item<double>(), tolerance);
}

// Attention head by head, position by position.
Tensor attention_by_hand(const MultiheadAttention& attn, const Tensor& x) {
  const AttentionConfig& c = attn.config;
  const int64_t size = c.width / c.heads;
  const Tensor all = linear(x, attn.qkv.weight, attn.qkv.bias);
  std::vector<Tensor> heads;
  for (int64_t h = 0; h < c.heads; ++h) {
    const int64_t shared = h / (c.heads / c.kv_heads);
    const Tensor q = narrow(all, 2, h * size, size), k = narrow(all, 2, (c.heads + shared) * size, size),
                 v = narrow(all, 2, (c.heads + c.kv_heads + shared) * size, size);
    Tensor scores = matmul(q, transpose(k)) / std::sqrt(static_cast<double>(size));
    if (c.causal) scores = scores + triu(full({x.shape()[1], x.shape()[1]}, -1e9), 1);
    heads.push_back(matmul(softmax(scores), v));
  }
  return linear(cat(heads, -1), attn.o.weight, attn.o.bias);
}

TEST(Attention, IsThatOfItsHeads) {
  const Tensor x = randn({2, 5, 12}, {.seed = 1});
  for (const AttentionConfig& config :
       {AttentionConfig{.width = 12, .heads = 3}, AttentionConfig{.width = 12, .heads = 6, .causal = true},
        AttentionConfig{.width = 12, .heads = 6, .kv_heads = 2, .causal = true},
        AttentionConfig{.width = 12, .heads = 4, .kv_heads = 1}}) {
    const MultiheadAttention attn(config);
    initialize(attn, 3);
    expect_same(attn(x), attention_by_hand(attn, x));
  }
  EXPECT_THROW(MultiheadAttention({.width = 12, .heads = 5}), Error);
  EXPECT_THROW(MultiheadAttention({.width = 12, .heads = 6, .kv_heads = 4}), Error);
}

TEST(Attention, MasksLeaveOutPositions) {
  const Tensor x = randn({2, 5, 12}, {.seed = 1});
  for (const bool causal : {false, true}) {
    const MultiheadAttention attn({.width = 12, .heads = 3, .causal = causal});
    initialize(attn, 3);
    // The last two positions are padding: the others are as if these were not there.
    const Tensor here = reshape(arange(5) < 3, {1, 1, 1, 5});
    const Tensor short_one = attn(narrow(x, 1, 0, 3));
    expect_same(narrow(attn(x, here), 1, 0, 3), short_one);
    expect_same(narrow(attn(x, where(here, 0.0f, -HUGE_VALF)), 1, 0, 3), short_one);
    expect_same(attn(x, ones({5, 5}, boolean)), attn(x));
    EXPECT_THROW(attn(x, ones({4, 5}, boolean)), Error);
  }
}

TEST(Attention, DropoutIsOfTheWeights) {
  const MultiheadAttention attn({.width = 8, .heads = 2, .bias = false, .dropout = 0.25});
  initialize(attn, 3);
  const Tensor x = randn({2, 6, 8}, {.seed = 1});
  EXPECT_EQ(attn(x).to_vector<float>(), MultiheadAttention(attn)(x).to_vector<float>());
  const std::vector<NamedParam> params = parameters(attn);
  std::vector<Tensor> values;
  for (const NamedParam& p : params) values.push_back(p.param.tensor());
  const auto drop = [&](uint64_t seed) {
    const Substitute training(params, values, {.train = true, .rng = Rng(seed)});
    return attn(x).realize();
  };
  expect_same(drop(1), drop(1), 0);
  EXPECT_GT(anneal::max(abs(drop(1) - drop(2))).item<double>(), 1e-3);
  Tensor mean_of = zeros({2, 6, 8});
  for (uint64_t seed = 0; seed < 400; ++seed) mean_of = (mean_of + drop(seed) / 400.0).realize();
  expect_same(mean_of, attn(x), 0.15);
  EXPECT_THROW(MultiheadAttention({.width = 8, .heads = 2, .dropout = 1.5}), Error);
}

// With values that tell which weights are left: all of them are 1/6 or 0 and the values unit vectors.
TEST(Attention, AFactorScalesTheWeights) {
  const Tensor q = zeros({1, 4, 6}),
               v = reshape(where(unsqueeze(arange(6), 1) == unsqueeze(arange(6), 0), 1.0f, 0.0f), {1, 6, 6});
  const Tensor factor = where(reshape(arange(24), {1, 4, 6}) % 3 == 0, 0.0f, 1.5f);
  expect_same(scaled_dot_product_attention(q, zeros({1, 6, 6}), v, {.factor = factor}), factor / 6.0);
  EXPECT_THROW(scaled_dot_product_attention(q, zeros({1, 6, 6}), v, {.factor = ones({3, 6})}), Error);
}

TEST(Attention, DropoutTrainsInAStepAsInTheInterpreter) {
  GptConfig config{.vocabulary = 11, .context = 8, .width = 8, .heads = 2, .layers = 2};
  config.gated = true;
  config.activation = Activation::kSilu;
  config.attention_dropout = 0.3;
  config.dropout = 0.1;
  const auto make = [&] {
    return compile(Training{
        .model = Gpt(config),
        .loss = [](const Gpt& m, Inputs in) { return language_model_loss(m(in["ids"]), in["targets"]); },
        .inputs = {{"ids", {2, 8}, i32}, {"targets", {2, 8}, i32}},
        .optimizer = Sgd{.lr = 0.5},
        .seed = 3});
  };
  const Tensor text = remainder(arange(18) * 3, 11);
  const NamedTensors batch = {{"ids", reshape(narrow(text, 0, 0, 16), {2, 8})},
                              {"targets", reshape(narrow(text, 0, 1, 16), {2, 8})}};
  const auto losses = [&](const char* device) {
    const runtime::Using on({.device = device});
    const auto step = make();
    std::vector<double> out;
    for (int i = 0; i < 4; ++i) out.push_back(step(batch).loss());
    return out;
  };
  const std::vector<double> cpu = losses("cpu"), wanted = losses("interp");
  for (size_t i = 0; i < cpu.size(); ++i) EXPECT_NEAR(cpu[i], wanted[i], 2e-4) << i;
}

TEST(Rope, RotatesByPosition) {
  const Tensor x = randn({1, 6, 8}, {.seed = 2});
  const std::vector<float> in = x.to_vector<float>(), out = rope(x, 100, 2).to_vector<float>();
  for (int64_t t = 0; t < 6; ++t)
    for (int64_t i = 0; i < 4; ++i) {
      const double angle = static_cast<double>(t + 2) * std::pow(100.0, -static_cast<double>(i) / 4);
      const auto at = static_cast<size_t>(t * 8 + i);
      EXPECT_NEAR(out[at], in[at] * std::cos(angle) - in[at + 4] * std::sin(angle), 1e-5);
      EXPECT_NEAR(out[at + 4], in[at + 4] * std::cos(angle) + in[at] * std::sin(angle), 1e-5);
    }
}

TEST(Blocks, AGateIsTimesTheNetwork) {
  const Block block(BlockConfig{.attention = {.width = 8, .heads = 2, .bias = false},
                                .hidden = 20,
                                .activation = Activation::kSilu,
                                .gated = true,
                                .rms = true});
  initialize(block, 7);
  const Tensor x = randn({2, 3, 8}, {.seed = 4});
  const Tensor y = x + block.attn((*block.norm1)(x)), z = (*block.norm2)(y);
  expect_same(block(x), y + block.proj(silu((*block.gate)(z)) * block.fc(z)));
}

TEST(KvCaches, ContinueAsTheWholeDoes) {
  for (const double base : {0.0, 10000.0}) {
    const MultiheadAttention attn({.width = 8, .heads = 4, .kv_heads = 2, .causal = true, .rope = base});
    initialize(attn, 5);
    const Tensor x = randn({2, 7, 8}, {.seed = 6}), whole = attn(x);
    KvCache cache;
    std::vector<Tensor> parts;
    int64_t at = 0;
    for (int64_t length : {3, 1, 2, 1}) {
      parts.push_back(attn(narrow(x, 1, at, length), cache));
      at += length;
    }
    EXPECT_EQ(cache.k.shape(), (std::vector<int64_t>{2, 2, 7, 2}));
    expect_same(cat(parts, 1), whole);
    // With room for more, whose contents do not matter.
    KvCache room{full({2, 2, 9, 2}, NAN), full({2, 2, 9, 2}, NAN), 0};
    parts.clear();
    for (int64_t length : {3, 1, 2, 1})
      parts.push_back(attn(narrow(x, 1, room.length().value(), length), room));
    EXPECT_EQ(room.length().value(), 7);
    expect_same(cat(parts, 1), whole);
    expect_same(narrow(room.k, 2, 0, 7), cache.k);
    EXPECT_THAT(message_of([&] { attn(narrow(x, 1, 0, 3), room); }), HasSubstr("no room for 10 positions"));
    EXPECT_EQ(room.length().value(), 7);  // as it was
    KvCache none{.used = 0};
    EXPECT_THAT(message_of([&] { attn(narrow(x, 1, 0, 3), none); }), HasSubstr("no room for 3 positions"));
  }
}

GptConfig small_gpt() { return {.vocabulary = 11, .context = 16, .width = 8, .heads = 2, .layers = 2}; }

TEST(Gpts, HaveTheirParameters) {
  std::vector<std::string> names;
  for (const NamedParam& p : parameters(Gpt(small_gpt()))) names.push_back(p.name);
  EXPECT_EQ(names.size(), 2u + 2 * 12 + 2 + 1);
  EXPECT_THAT(names, ::testing::IsSupersetOf({"wte.weight", "wpe.weight", "blocks.1.attn.qkv.weight",
                                              "blocks.0.ln1.bias", "blocks.1.proj.weight", "ln_f.weight",
                                              "head.weight"}));
  GptConfig llama = small_gpt();
  llama.rms = llama.tied = true;
  llama.bias = false;
  llama.rope = 10000;
  names.clear();
  for (const NamedParam& p : parameters(Gpt(llama))) names.push_back(p.name);
  EXPECT_THAT(names, ::testing::ElementsAre("wte.weight", "blocks.0.norm1.weight", "blocks.0.attn.qkv.weight",
                                            "blocks.0.attn.o.weight", "blocks.0.norm2.weight",
                                            "blocks.0.fc.weight", "blocks.0.proj.weight",
                                            "blocks.1.norm1.weight", "blocks.1.attn.qkv.weight",
                                            "blocks.1.attn.o.weight", "blocks.1.norm2.weight",
                                            "blocks.1.fc.weight", "blocks.1.proj.weight", "norm_f.weight"));
  GptConfig gated = llama;
  gated.gated = true;
  gated.layers = 1;
  names.clear();
  for (const NamedParam& p : parameters(Gpt(gated))) names.push_back(p.name);
  EXPECT_THAT(names, ::testing::Contains("blocks.0.gate.weight"));
  EXPECT_EQ(names.size(), 9u);
  const Gpt model(small_gpt());
  initialize(model, 1);
  EXPECT_EQ(model(zeros({1, 4}, i32)).shape(), (std::vector<int64_t>{1, 4, 11}));
  EXPECT_THROW(model(zeros({1, 17}, i32)), Error);
}

TEST(Gpts, TrainAndGenerateWithACacheOfNamedLength) {
  GptConfig config = small_gpt();
  config.rope = 100;
  config.dropout = 0.1;
  config.kv_heads = 1;
  const auto step = compile(Training{
      .model = Gpt(config),
      .loss = [](const Gpt& m, Inputs in) { return language_model_loss(m(in["ids"]), in["targets"]); },
      .inputs = {{"ids", {2, 8}, i32}, {"targets", {2, 8}, i32}},
      .optimizer = AdamW{.lr = 1e-2},
      .seed = 3});
  const Tensor text = remainder(arange(18) * 3, 11);
  const Tensor ids = reshape(narrow(text, 0, 0, 16), {2, 8}),
               targets = reshape(narrow(text, 0, 1, 16), {2, 8});
  double first = 0, last = 0;
  for (int i = 0; i < 30; ++i) {
    last = step({{"ids", ids}, {"targets", targets}}).loss();
    if (i == 0) first = last;
  }
  EXPECT_LT(last, 0.6 * first);
  EXPECT_THAT(step.explain(), HasSubstr("blocks.0.attn.qkv: matmul+"));
  const auto whole = step.attach([](const Gpt& m, Inputs in) { return m(in["ids"]); },
                                 {{"ids", {1, dim("length", 1, 16)}, i32}});
  const auto begin = step.attach(
      [](const Gpt& m, Inputs in) {
        Tensor cache;
        const Tensor logits = m(in["ids"], cache);
        return std::pair(logits, cache);
      },
      {{"ids", {1, dim("length", 1, 16)}, i32}});
  const auto next = step.attach(
      [](const Gpt& m, Inputs in) {
        Tensor cache = in["cache"];
        const Tensor logits = m(in["ids"], cache);
        return std::pair(logits, cache);
      },
      {{"ids", {1, 1}, i32}, {"cache", Gpt(config).cache_sizes(1, dim("past", 1, 15))}});
  const Tensor prompt = reshape(narrow(text, 0, 0, 10), {1, 10});
  auto [logits, cache] = begin({{"ids", narrow(prompt, 1, 0, 4)}});
  for (int64_t t = 4; t < 10; ++t) {
    std::tie(logits, cache) = next({{"ids", narrow(prompt, 1, t, 1)}, {"cache", cache}});
    const Tensor wanted = whole({{"ids", narrow(prompt, 1, 0, t + 1)}});
    expect_same(select(logits, 1, 0), select(wanted, 1, t), 1e-4);
  }
  EXPECT_EQ(cache.shape(), (std::vector<int64_t>{4, 1, 1, 10, 4}));
  EXPECT_EQ(next.compiles(), 1u);
}

}  // namespace
}  // namespace anneal::nn
