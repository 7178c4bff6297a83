// SPDX-License-Identifier: MIT
// Layers over the last axis, and dropout.
#pragma once

#include "anneal/nn/module.h"

namespace anneal::nn {

struct LinearOptions {
  bool bias = true;
  bool inputs_first = false;           // the weight is [inputs, outputs], not [outputs, inputs]
  std::optional<Init> init = {};       // of the weight; by itself normal, of deviation 1 / sqrt(inputs)
  std::optional<Init> bias_init = {};  // zeros
  DType dtype = f32;
};
// x * weight^T + bias.
struct Linear {
  Param weight;
  std::optional<Param> bias;
  bool inputs_first = false;

  Linear() = default;
  Linear(int64_t inputs, int64_t outputs, const LinearOptions& options = {}, Loc loc = Loc::current());
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(weight, bias)
};

// Rows of a table, by integers.
struct Embedding {
  Param weight;  // [count, width]

  Embedding() = default;
  Embedding(int64_t count, int64_t width, const Init& init = init::normal(), DType dtype = f32,
            Loc loc = Loc::current());
  Tensor operator()(In index) const;
  Tensor logits(In x) const;  // x * weight^T: a tied head
  ANNEAL_MEMBERS(weight)
};

// When training each element is 0 with probability p and else divided by 1 - p; what is dropped follows from
// the seed, the number of the step and how many draws came before. Otherwise the identity.
struct Dropout {
  double p = 0.5;
  Tensor operator()(In x) const;
};

// x where it is positive, and elsewhere times a learned slope: one, or one for each channel.
struct PRelu {
  Param weight;

  PRelu() = default;
  explicit PRelu(int64_t channels, double slope = 0.25, Loc loc = Loc::current());
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(weight)
};

enum class Activation { kRelu, kGelu, kGeluTanh, kSilu, kTanh, kSigmoid, kNone };
Tensor activate(Activation which, In x);

struct MlpOptions {
  Activation activation = Activation::kRelu;
  bool bias = true;
  double dropout = 0;  // behind each activation
};
// Linear layers with an activation between them: Mlp({2, 64, 64, 3}).
struct Mlp {
  std::vector<Linear> layers;
  Activation activation = Activation::kRelu;
  Dropout dropout{0};

  Mlp() = default;
  explicit Mlp(const std::vector<int64_t>& widths, const MlpOptions& options = {}, Loc loc = Loc::current());
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(layers)
};

struct GatedMlpOptions {
  Activation activation = Activation::kSilu;
  bool bias = false;
  std::optional<Init> init = {};  // of the weights
};
// down(activation(gate(x)) * up(x)): SwiGLU, and with other activations GeGLU, ReGLU and so on.
struct GatedMlp {
  Linear gate, up, down;
  Activation activation = Activation::kSilu;

  GatedMlp() = default;
  GatedMlp(int64_t width, int64_t hidden, const GatedMlpOptions& options = {}, Loc loc = Loc::current());
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(gate, up, down)
};

}  // namespace anneal::nn
