// SPDX-License-Identifier: MIT
// Recurrent networks against their equations, number by number.
#include "anneal/nn/recurrent.h"

#include <gtest/gtest.h>

#include <cmath>

#include "anneal/anneal.h"

namespace anneal::nn {
namespace {

constexpr size_t kHidden = 3, kFeatures = 2, kLength = 4;

using Row = std::vector<double>;

// W x + b, row by row.
Row affine(const Param& weight, const std::optional<Param>& bias, const Row& x) {
  const std::vector<double> w = weight.tensor().to_vector<double>();
  Row out = bias ? bias->tensor().to_vector<double>() : Row(w.size() / x.size(), 0);
  for (size_t r = 0; r < out.size(); ++r)
    for (size_t i = 0; i < x.size(); ++i) out[r] += w[r * x.size() + i] * x[i];
  return out;
}
double logistic(double v) { return 1 / (1 + std::exp(-v)); }

// All positions of one example through one layer; `cell` makes the next state of the two products.
template <typename Cell>
std::vector<Row> by_hand(const RecurrentLayer& layer, const std::vector<Row>& x, const Cell& cell) {
  Row h(kHidden, 0), c(kHidden, 0);
  std::vector<Row> out;
  for (const Row& row : x) {
    const Row a = affine(layer.weight_ih, layer.bias_ih, row), b = affine(layer.weight_hh, layer.bias_hh, h);
    for (size_t i = 0; i < kHidden; ++i) cell(a, b, i, h[i], c[i]);
    out.push_back(h);
  }
  return out;
}

template <typename Network, typename Cell>
void check(const Network& network, const Cell& cell) {
  initialize(network, 4);
  const Tensor x = randn({2, kLength, kFeatures}, {.seed = 1});
  const RecurrentResult result = network(x);
  const std::vector<double> in = x.to_vector<double>(), out = result.out.to_vector<double>(),
                            last = result.h.to_vector<double>();
  for (size_t n = 0; n < 2; ++n) {
    std::vector<Row> rows;
    for (size_t t = 0; t < kLength; ++t) {
      const size_t at = (n * kLength + t) * kFeatures;
      rows.push_back({in[at], in[at + 1]});
    }
    for (const RecurrentLayer& layer : network.layers) rows = by_hand(layer, rows, cell);
    for (size_t t = 0; t < kLength; ++t)
      for (size_t i = 0; i < kHidden; ++i)
        EXPECT_NEAR(out[(n * kLength + t) * kHidden + i], rows[t][i], 1e-5);
    const size_t top = network.layers.size() - 1;
    for (size_t i = 0; i < kHidden; ++i)
      EXPECT_NEAR(last[(top * 2 + n) * kHidden + i], rows[kLength - 1][i], 1e-5);
  }
  EXPECT_THROW(network(ones({2, 4, 5})), Error);
}

TEST(Recurrent, Rnn) {
  const auto plain = [](const Row& a, const Row& b, size_t i, double& h, double&) {
    h = std::tanh(a[i] + b[i]);
  };
  check(RNN(kFeatures, kHidden), plain);
  check(RNN(kFeatures, kHidden, {.layers = 2, .bias = false}), plain);
  check(RNN(kFeatures, kHidden, {.relu = true}),
        [](const Row& a, const Row& b, size_t i, double& h, double&) { h = std::max(0.0, a[i] + b[i]); });
}

TEST(Recurrent, Lstm) {
  check(LSTM(kFeatures, kHidden, {.layers = 2}),
        [](const Row& a, const Row& b, size_t i, double& h, double& c) {
          const auto gate = [&](size_t g) { return a[g * kHidden + i] + b[g * kHidden + i]; };
          c = logistic(gate(1)) * c + logistic(gate(0)) * std::tanh(gate(2));
          h = logistic(gate(3)) * std::tanh(c);
        });
}

TEST(Recurrent, Gru) {
  check(GRU(kFeatures, kHidden), [](const Row& a, const Row& b, size_t i, double& h, double&) {
    const double r = logistic(a[i] + b[i]), z = logistic(a[kHidden + i] + b[kHidden + i]);
    const double n = std::tanh(a[2 * kHidden + i] + r * b[2 * kHidden + i]);
    h = (1 - z) * n + z * h;
  });
}

TEST(Recurrent, StatesContinue) {
  const LSTM lstm(kFeatures, kHidden, {.layers = 2});
  initialize(lstm, 2);
  const Tensor x = randn({3, 6, kFeatures}, {.seed = 5});
  const RecurrentResult whole = lstm(x), half = lstm(narrow(x, 1, 0, 3));
  const RecurrentResult rest = lstm(narrow(x, 1, 3, 3), half.h, half.c);
  EXPECT_LT(anneal::max(abs(rest.out - narrow(whole.out, 1, 3, 3))).item<double>(), 1e-6);
  EXPECT_LT(anneal::max(abs(rest.c - whole.c)).item<double>(), 1e-6);
}

TEST(Recurrent, BothDirectionsAreTwoNetworks) {
  const GRU both(kFeatures, kHidden, {.layers = 2, .bidirectional = true});
  initialize(both, 6);
  const Tensor x = randn({3, 5, kFeatures}, {.seed = 5});
  // Layer by layer, the second direction over the reversed sequence.
  Tensor y = x;
  std::vector<Tensor> last;
  for (size_t i = 0; i < 2; ++i) {
    GRU forth, back;
    forth.layers = {both.layers[i]};
    back.layers = {both.reversed[i]};
    const RecurrentResult a = forth(y), b = back(flip(y, 1));
    y = cat({a.out, flip(b.out, 1)}, 2);
    last.push_back(a.h);
    last.push_back(b.h);
  }
  const RecurrentResult result = both(x);
  EXPECT_EQ(result.out.shape(), (std::vector<int64_t>{3, 5, 2 * kHidden}));
  EXPECT_LT(anneal::max(abs(result.out - y)).item<double>(), 1e-6);
  EXPECT_LT(anneal::max(abs(result.h - cat(last, 0))).item<double>(), 1e-6);
  std::vector<std::string> names;
  for (const NamedParam& p : parameters(both)) names.push_back(p.name);
  EXPECT_EQ(names.size(), 16u);
  EXPECT_EQ(names[8], "reversed.0.weight_ih");
}

TEST(Recurrent, DropoutLiesBetweenLayers) {
  const Tensor x = randn({3, 5, kFeatures}, {.seed = 5});
  const auto differs = [&](int layers) {
    const LSTM lstm(kFeatures, kHidden, {.layers = layers, .dropout = 0.5});
    initialize(lstm, 2);
    const Tensor plain = lstm(x).out.realize();
    const std::vector<NamedParam> params = parameters(lstm);
    std::vector<Tensor> values;
    for (const NamedParam& p : params) values.push_back(p.param.tensor());
    const Substitute training(params, values, {.train = true, .rng = Rng(1)});
    return anneal::max(abs(lstm(x).out - plain)).item<double>() > 1e-4;
  };
  EXPECT_FALSE(differs(1));
  EXPECT_TRUE(differs(2));
}

}  // namespace
}  // namespace anneal::nn
