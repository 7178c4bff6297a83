// SPDX-License-Identifier: MIT
// Convolutions, and what has no parameters beside them: pooling and flattening.
#pragma once

#include "anneal/conv.h"
#include "anneal/nn/module.h"

namespace anneal::nn {

// One extent for every axis, or one for each: 3, {3, 5}.
class PerAxis : public std::vector<int64_t> {
 public:
  PerAxis(int64_t extent) : std::vector<int64_t>{extent} {}  // NOLINT
  PerAxis(std::initializer_list<int64_t> extents) : std::vector<int64_t>(extents) {}
  PerAxis(std::vector<int64_t> extents) : std::vector<int64_t>(std::move(extents)) {}  // NOLINT
};

enum class PadMode { kZeros, kReflect, kReplicate, kCircular };

struct ConvLayerOptions {
  PerAxis stride = 1, padding = 0, output_padding = 0, dilation = 1;  // output_padding: transposed ones
  int64_t groups = 1;
  bool same = false;                   // padding as keeps the extents; not transposed ones
  PadMode pad_mode = PadMode::kZeros;  // not transposed ones
  bool bias = true;
  std::optional<Init> init = {};  // of the weight; by itself normal, of deviation 1 / sqrt(fan-in)
};

// x [batch, inputs, ...] to [batch, outputs, ...]; the weight is [outputs, inputs / groups, kernel...].
struct Conv {
  Param weight;
  std::optional<Param> bias;
  ConvOptions options;
  PadMode pad_mode = PadMode::kZeros;

  Conv() = default;
  Conv(int axes, int64_t inputs, int64_t outputs, PerAxis kernel, const ConvLayerOptions& options, Loc loc);
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(weight, bias)
};
struct Conv1d : Conv {
  Conv1d() = default;
  Conv1d(int64_t inputs, int64_t outputs, PerAxis kernel, const ConvLayerOptions& with = {},
         Loc loc = Loc::current())
      : Conv(1, inputs, outputs, std::move(kernel), with, loc) {}
};
struct Conv2d : Conv {
  Conv2d() = default;
  Conv2d(int64_t inputs, int64_t outputs, PerAxis kernel, const ConvLayerOptions& with = {},
         Loc loc = Loc::current())
      : Conv(2, inputs, outputs, std::move(kernel), with, loc) {}
};
struct Conv3d : Conv {
  Conv3d() = default;
  Conv3d(int64_t inputs, int64_t outputs, PerAxis kernel, const ConvLayerOptions& with = {},
         Loc loc = Loc::current())
      : Conv(3, inputs, outputs, std::move(kernel), with, loc) {}
};

// The adjoint of a convolution; the weight is [inputs, outputs / groups, kernel...].
struct ConvTranspose {
  Param weight;
  std::optional<Param> bias;
  ConvTransposeOptions options;

  ConvTranspose() = default;
  ConvTranspose(int axes, int64_t inputs, int64_t outputs, PerAxis kernel, const ConvLayerOptions& options,
                Loc loc);
  Tensor operator()(In x) const;
  ANNEAL_MEMBERS(weight, bias)
};
struct ConvTranspose1d : ConvTranspose {
  ConvTranspose1d() = default;
  ConvTranspose1d(int64_t inputs, int64_t outputs, PerAxis kernel, const ConvLayerOptions& with = {},
                  Loc loc = Loc::current())
      : ConvTranspose(1, inputs, outputs, std::move(kernel), with, loc) {}
};
struct ConvTranspose2d : ConvTranspose {
  ConvTranspose2d() = default;
  ConvTranspose2d(int64_t inputs, int64_t outputs, PerAxis kernel, const ConvLayerOptions& with = {},
                  Loc loc = Loc::current())
      : ConvTranspose(2, inputs, outputs, std::move(kernel), with, loc) {}
};
struct ConvTranspose3d : ConvTranspose {
  ConvTranspose3d() = default;
  ConvTranspose3d(int64_t inputs, int64_t outputs, PerAxis kernel, const ConvLayerOptions& with = {},
                  Loc loc = Loc::current())
      : ConvTranspose(3, inputs, outputs, std::move(kernel), with, loc) {}
};

// Over the last `axes` axes.
struct MaxPool {
  int axes = 2;
  PoolOptions options;
  Tensor operator()(In x) const;
};
struct AvgPool {
  int axes = 2;
  PoolOptions options;
  Tensor operator()(In x) const;
};
struct AdaptiveAvgPool {
  std::vector<int64_t> output = {1, 1};
  Tensor operator()(In x) const;
};
struct AdaptiveMaxPool {
  std::vector<int64_t> output = {1, 1};
  Tensor operator()(In x) const;
};
inline MaxPool max_pool2d(PerAxis kernel) { return {2, {.kernel = std::move(kernel)}}; }
inline AvgPool avg_pool2d(PerAxis kernel) { return {2, {.kernel = std::move(kernel)}}; }

struct Flatten {
  int first = 1, last = -1;
  Tensor operator()(In x) const;
};

}  // namespace anneal::nn
