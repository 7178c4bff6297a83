// SPDX-License-Identifier: MIT
// Normalization with learned weights. None of them decays.
#pragma once

#include "anneal/nn/module.h"

namespace anneal::nn {

struct NormOptions {
  std::optional<double> eps = {};  // 1e-5, and 1e-6 for RMSNorm
  bool affine = true;              // with a weight and a bias
  bool bias = true;                // LayerNorm: where it is affine
};

// Over the last axes, which have the extents `shape`.
struct LayerNorm {
  std::optional<Param> weight, bias;
  std::vector<int64_t> shape;
  double eps = 1e-5;

  LayerNorm() = default;
  explicit LayerNorm(int64_t width, const NormOptions& options = {}, Loc loc = Loc::current());
  explicit LayerNorm(std::vector<int64_t> shape, const NormOptions& options = {}, Loc loc = Loc::current());
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(weight, bias)
};

// x / sqrt(mean(x * x) + eps) over the last axis.
struct RMSNorm {
  std::optional<Param> weight;
  int64_t width = 0;
  double eps = 1e-6;

  RMSNorm() = default;
  explicit RMSNorm(int64_t width, const NormOptions& options = {}, Loc loc = Loc::current());
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(weight)
};

// Groups of the channels, which are axis 1.
struct GroupNorm {
  std::optional<Param> weight, bias;
  int64_t groups = 0, channels = 0;
  double eps = 1e-5;

  GroupNorm() = default;
  GroupNorm(int64_t groups, int64_t channels, const NormOptions& options = {}, Loc loc = Loc::current());
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(weight, bias)
};

// Each channel, which is axis 1, over all else. When training by the statistics of the batch, which the
// running ones follow (its variance counts with n / (n - 1), as in PyTorch); otherwise by the running ones.
struct BatchNorm {
  std::optional<Param> weight, bias;
  Buffer running_mean, running_var;
  int64_t channels = 0;
  double eps = 1e-5, momentum = 0.1;

  BatchNorm() = default;
  explicit BatchNorm(int64_t channels, const NormOptions& options = {}, double momentum = 0.1,
                     Loc loc = Loc::current());
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(weight, bias, running_mean, running_var)
};

}  // namespace anneal::nn
