// SPDX-License-Identifier: MIT
// Convolution, pooling and interpolation. Options hold one value for every axis, or one for each.
#pragma once

#include <vector>

#include "anneal/tensor.h"

namespace anneal {

struct ConvOptions {
  std::vector<int64_t> stride = {1}, padding = {0}, dilation = {1};
  int64_t groups = 1;
  bool same = false;  // padding as keeps the extents, the odd element at the end; of stride 1
};
Tensor conv1d(In x, In weight, const std::optional<Tensor>& bias = {}, const ConvOptions& options = {});
Tensor conv2d(In x, In weight, const std::optional<Tensor>& bias = {}, const ConvOptions& options = {});
Tensor conv3d(In x, In weight, const std::optional<Tensor>& bias = {}, const ConvOptions& options = {});
struct ConvTransposeOptions {
  std::vector<int64_t> stride = {1}, padding = {0}, output_padding = {0}, dilation = {1};
  int64_t groups = 1;
};
Tensor conv_transpose1d(In x, In weight, const std::optional<Tensor>& bias = {},
                        const ConvTransposeOptions& options = {});
Tensor conv_transpose2d(In x, In weight, const std::optional<Tensor>& bias = {},
                        const ConvTransposeOptions& options = {});
Tensor conv_transpose3d(In x, In weight, const std::optional<Tensor>& bias = {},
                        const ConvTransposeOptions& options = {});
struct PoolOptions {
  std::vector<int64_t> kernel = {2}, stride = {}, padding = {0}, dilation = {1};  // no stride: the kernel
  bool ceil_mode = false;
  bool count_padding = true;  // avg_pool only
};
// The last kernel.size() axes; one kernel extent means two axes, as in images, unless `axes` says otherwise.
Tensor max_pool(In x, int axes, const PoolOptions& options);
Tensor avg_pool(In x, int axes, const PoolOptions& options);
Tensor max_pool2d(In x, const PoolOptions& options = {});
Tensor avg_pool2d(In x, const PoolOptions& options = {});
Tensor adaptive_avg_pool(In x, const std::vector<int64_t>& output);
Tensor adaptive_max_pool(In x, const std::vector<int64_t>& output);
enum class Interpolation { kNearest, kLinear };  // kLinear over two axes is bilinear
struct InterpolateOptions {
  std::vector<int64_t> size = {};  // or
  std::vector<double> scale = {};
  Interpolation mode = Interpolation::kNearest;
  bool align_corners = false;
};
Tensor interpolate(In x, const InterpolateOptions& options);  // the axes after batch and channel

}  // namespace anneal
