// SPDX-License-Identifier: MIT
// Layers, optimizers and schedules beside PyTorch's, by the values in tests/golden/nn/pytorch.safetensors,
// which tests/pytorch_layers.py wrote.
#include <gtest/gtest.h>

#include <cmath>

#include "anneal/functions.h"
#include "anneal/nn.h"
#include "anneal/resume.h"
#include "tests/support/test_golden.h"

namespace anneal {
namespace {

const TensorMap& stored() {
  static const TensorMap all = load_safetensors(test::golden_path("nn/pytorch.safetensors"));
  return all;
}
const Tensor& stored(const std::string& name) { return stored().at(name); }

void expect_close(const Tensor& got, const std::string& name, double tolerance = 2e-5) {
  const Tensor& want = stored(name);
  ASSERT_EQ(got.shape(), want.shape()) << name;
  const double scale = std::max(1.0, max(abs(want)).item<double>());
  EXPECT_LE(max(abs(got - want)).item<double>(), tolerance * scale) << name;
}

// Its parameters, by our names for them.
template <typename M, typename Rename>
void take(const M& model, const std::string& name, const Rename& ours) {
  NamedTensors values;
  const std::string prefix = name + "/p/";
  for (const auto& [key, value] : stored())
    if (key.starts_with(prefix)) values.push_back({ours(key.substr(prefix.size())), value});
  nn::load_state_dict(model, values);
}
template <typename M>
void check_layer(const M& model, const std::string& name) {
  take(model, name, [](const std::string& key) { return key; });
  expect_close(model(stored(name + "/x")), name + "/y0");
}

TEST(PyTorch, Convolutions) {
  const std::pair<const char*, nn::PadMode> modes[] = {{"zeros", nn::PadMode::kZeros},
                                                       {"reflect", nn::PadMode::kReflect},
                                                       {"replicate", nn::PadMode::kReplicate},
                                                       {"circular", nn::PadMode::kCircular}};
  for (const auto& [name, mode] : modes)
    check_layer(nn::Conv2d(4, 6, 3, {.stride = 2, .padding = {1, 2}, .groups = 2, .pad_mode = mode}),
                std::string("conv2d_") + name);
  check_layer(nn::Conv1d(4, 3, 4, {.dilation = 2, .same = true, .pad_mode = nn::PadMode::kCircular}),
              "conv1d_same");
  check_layer(nn::ConvTranspose2d(
                  4, 6, 3, {.stride = 2, .padding = 1, .output_padding = 1, .dilation = 2, .groups = 2}),
              "conv_transpose2d");
}

TEST(PyTorch, Norms) {
  check_layer(nn::LayerNorm(6), "layer_norm");
  check_layer(nn::GroupNorm(2, 4), "group_norm");
  const nn::BatchNorm norm(4);
  nn::initialize(norm, 1);
  norm.weight->set(stored("batch_norm/weight"));
  const std::vector<nn::NamedParam> params = nn::parameters(norm);
  std::vector<Tensor> values;
  for (const nn::NamedParam& p : params) values.push_back(p.param.tensor());
  {
    const nn::Substitute training(params, values, {.train = true});
    expect_close(norm(stored("batch_norm/x")), "batch_norm/trained");
    values = training.next();
  }
  expect_close(values[2], "batch_norm/running_mean");
  expect_close(values[3], "batch_norm/running_var");
  const nn::Substitute evaluating(params, values);
  expect_close(norm(stored("batch_norm/x")), "batch_norm/evaluated");
}

TEST(PyTorch, Pooling) {
  const Tensor& x = stored("pool/x");
  const PoolOptions options{
      .kernel = {3}, .stride = {2}, .padding = {1}, .ceil_mode = true, .count_padding = false};
  expect_close(nn::MaxPool{2, options}(x), "pool/max");
  expect_close(nn::AvgPool{2, options}(x), "pool/avg");
  expect_close(nn::AdaptiveAvgPool{{3, 2}}(x), "pool/adaptive");
}

// weight_ih_l1_reverse -> reversed.1.weight_ih
std::string recurrent_name(std::string key) {
  constexpr std::string_view kReverse = "_reverse";
  const bool is_reversed = key.ends_with(kReverse);
  if (is_reversed) key.resize(key.size() - kReverse.size());
  const size_t at = key.rfind("_l");
  return (is_reversed ? "reversed." : "layers.") + key.substr(at + 2) + "." + key.substr(0, at);
}

TEST(PyTorch, RecurrentNetworks) {
  const nn::LSTM lstm(3, 5, {.layers = 2, .bidirectional = true});
  take(lstm, "lstm", recurrent_name);
  const nn::RecurrentResult all = lstm(stored("lstm/x"));
  expect_close(all.out, "lstm/y0");
  expect_close(all.h, "lstm/y1");
  expect_close(all.c, "lstm/y2");
  const nn::GRU gru(3, 5, {.layers = 2, .bidirectional = true});
  take(gru, "gru", recurrent_name);
  expect_close(gru(stored("gru/x")).out, "gru/y0");
  expect_close(gru(stored("gru/x")).h, "gru/y1");
  const nn::RNN rnn(3, 5, {.layers = 2, .relu = true});
  take(rnn, "rnn", recurrent_name);
  expect_close(rnn(stored("rnn/x")).out, "rnn/y0");
}

TEST(PyTorch, Attention) {
  const auto ours = [](const std::string& key) {
    return key.starts_with("in_proj_") ? "qkv." + key.substr(8) : "o." + key.substr(9);
  };
  const nn::MultiheadAttention attn({.width = 12, .heads = 3}),
      causal({.width = 12, .heads = 3, .causal = true});
  take(attn, "attention", ours);
  take(causal, "attention", ours);
  const Tensor& x = stored("attention/x");
  const Tensor lengths = from_data(std::vector<int32_t>{3, 5}, {2, 1, 1, 1});
  expect_close(attn(x, reshape(arange(5), {1, 1, 1, 5}) < lengths), "attention/padded");
  expect_close(causal(x), "attention/causal");
}

struct TwoLayers {
  Param w0{{3, 4}, nn::init::values(stored("optim/w0"))};
  Param w1{{3}, nn::init::values(stored("optim/w1"))};
  Param w2{{2, 3}, nn::init::values(stored("optim/w2"))};
  Tensor operator()(const Tensor& x) const {
    return matmul(tanh(matmul(x, transpose(w0)) + w1), transpose(w2));
  }
};

void check_optimizer(const std::string& name, Optimizer optimizer, const Clip& clip = {}) {
  const auto step = compile(
      Training{.model = TwoLayers{},
               .loss = [](const TwoLayers& m, Inputs in) { return mean(square(m(in["x"]) - in["y"])); },
               .inputs = {{"x", {6, 4}}, {"y", {6, 2}}},
               .optimizer = std::move(optimizer),
               .clip = clip});
  for (int i = 0; i < 6; ++i) step({{"x", stored("optim/x")}, {"y", stored("optim/y")}});
  for (const char* w : {"w0", "w1", "w2"}) expect_close(step.parameter(w), "optim/" + name + "/" + w, 1e-4);
}

TEST(PyTorch, Optimizers) {
  check_optimizer("sgd", Sgd{.lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.1});
  check_optimizer(
      "sgd_all_decay",
      Sgd{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .decays = [](std::string_view) { return true; }});
  check_optimizer("adam", Adam{.lr = 0.05, .weight_decay = 0.1});
  check_optimizer("adamw", AdamW{.lr = 0.05, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .weight_decay = 0.1});
  check_optimizer("clip_norm", Sgd{.lr = 0.1}, {.norm = 0.5});
  check_optimizer("clip_value", Sgd{.lr = 0.1}, {.value = 0.1});
}

TEST(PyTorch, Schedules) {
  check_optimizer("cosine", Sgd{.lr = cosine_schedule(0.1, 6, 0.01)});
  check_optimizer("staircase", Sgd{.lr = staircase(0.1, 0.5, 2)});
  check_optimizer("multi_step", Sgd{.lr = multi_step(0.1, 0.3, {1, 4})});
  check_optimizer("linear", Sgd{.lr = linear_schedule(0.1, 0.025, 4)});
}

}  // namespace
}  // namespace anneal
