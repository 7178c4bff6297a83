// SPDX-License-Identifier: MIT
// Tested by layers_test.cc.
#include "anneal/nn/conv.h"

#include <algorithm>
#include <cmath>

#include "nn/layer.h"

namespace anneal::nn {

namespace {

// The extents of a kernel, one for each axis, with what must hold for channels and groups.
PerAxis checked_kernel(const char* layer, int axes, int64_t inputs, int64_t outputs, PerAxis kernel,
                       int64_t groups, const Loc& loc) {
  const Call call(layer, loc);
  if (kernel.size() == 1) kernel.assign(static_cast<size_t>(axes), kernel[0]);
  if (kernel.size() != static_cast<size_t>(axes))
    call.fail(ErrorCode::kArgument, "a kernel of " + std::to_string(kernel.size()) + " extents, it has " +
                                        std::to_string(axes) + " axes");
  for (int64_t extent : kernel)
    if (extent < 1) call.fail(ErrorCode::kArgument, "a kernel extent of " + std::to_string(extent));
  for (int64_t channels : {inputs, outputs}) {
    if (channels < 1) call.fail(ErrorCode::kArgument, std::to_string(channels) + " channels");
    if (groups < 1 || channels % groups != 0)
      call.fail(ErrorCode::kArgument,
                std::to_string(groups) + " groups do not divide " + std::to_string(channels) + " channels");
  }
  return kernel;
}

std::vector<int64_t> weight_shape(int64_t first, int64_t second, const PerAxis& kernel) {
  std::vector<int64_t> shape{first, second};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  return shape;
}

// By the number of inputs of each output.
Init fan_init(const ConvLayerOptions& with, int64_t channels, const std::vector<int64_t>& shape) {
  double fan = static_cast<double>(channels);
  for (size_t i = 2; i < shape.size(); ++i) fan *= static_cast<double>(shape[i]);
  return with.init.value_or(init::normal(1 / std::sqrt(fan)));
}

// Around the image, by the padding of the options, with what the mode says.
Tensor padded(const Conv& conv, const In& x, size_t axes) {
  const auto at = [](const std::vector<int64_t>& extents, size_t i) {
    return extents[extents.size() == 1 ? 0 : i];
  };
  Pads pads(2, {0, 0});
  for (size_t i = 0; i < axes; ++i) {
    const int64_t all = conv.options.same ? at(conv.options.dilation, i) * (conv.weight.shape()[2 + i] - 1)
                                          : 2 * at(conv.options.padding, i);
    pads.emplace_back(all / 2, all - all / 2);
  }
  switch (conv.pad_mode) {
    case PadMode::kReflect: return pad_reflect(x, pads);
    case PadMode::kReplicate: return pad_replicate(x, pads);
    case PadMode::kCircular: return pad_circular(x, pads);
    case PadMode::kZeros: break;
  }
  return pad(x, pads);
}

}  // namespace

Conv::Conv(int axes, int64_t inputs, int64_t outputs, PerAxis kernel, const ConvLayerOptions& with, Loc loc)
    : options{with.stride, with.padding, with.dilation, with.groups, with.same}, pad_mode(with.pad_mode) {
  kernel = checked_kernel("Conv", axes, inputs, outputs, std::move(kernel), with.groups, loc);
  std::vector<int64_t> shape = weight_shape(outputs, inputs / with.groups, kernel);
  if (with.same &&
      std::any_of(options.stride.begin(), options.stride.end(), [](int64_t s) { return s != 1; })) {
    const Call call("Conv", loc);
    call.fail(ErrorCode::kArgument, "same is a padding of its own, and takes a stride of 1");
  }
  const Init init = fan_init(with, shape[1], shape);
  weight = Param(std::move(shape), init, {}, loc);
  if (with.bias) bias = Param({outputs}, init::zeros(), {}, loc);
}

Tensor Conv::operator()(In x) const {
  const detail::Layer layer(*this, "conv", x);
  const Tensor w = weight;
  layer.needs(1, weight.shape()[1] * options.groups, "channels");
  const size_t axes = weight.shape().size() - 2;
  const auto convolve = axes == 1 ? conv1d : axes == 2 ? conv2d : conv3d;
  if (pad_mode == PadMode::kZeros || x.tensor().rank() != static_cast<int>(axes) + 2)
    return convolve(x, w, detail::maybe(bias), options);
  ConvOptions without = options;
  without.padding = {0};
  without.same = false;
  return convolve(padded(*this, x, axes), w, detail::maybe(bias), without);
}

ConvTranspose::ConvTranspose(int axes, int64_t inputs, int64_t outputs, PerAxis kernel,
                             const ConvLayerOptions& with, Loc loc)
    : options{with.stride, with.padding, with.output_padding, with.dilation, with.groups} {
  kernel = checked_kernel("ConvTranspose", axes, inputs, outputs, std::move(kernel), with.groups, loc);
  std::vector<int64_t> shape = weight_shape(inputs, outputs / with.groups, kernel);
  const Init init = fan_init(with, inputs, shape);
  weight = Param(std::move(shape), init, {.inputs_first = true}, loc);
  if (with.bias) bias = Param({outputs}, init::zeros(), {}, loc);
}

Tensor ConvTranspose::operator()(In x) const {
  const detail::Layer layer(*this, "conv_transpose", x);
  const Tensor w = weight;
  layer.needs(1, weight.shape()[0], "channels");
  const size_t axes = weight.shape().size() - 2;
  return (axes == 1   ? conv_transpose1d
          : axes == 2 ? conv_transpose2d
                      : conv_transpose3d)(x, w, detail::maybe(bias), options);
}

Tensor MaxPool::operator()(In x) const {
  const detail::Layer layer(*this, "max_pool", x);
  return max_pool(x, axes, options);
}
Tensor AvgPool::operator()(In x) const {
  const detail::Layer layer(*this, "avg_pool", x);
  return avg_pool(x, axes, options);
}
Tensor AdaptiveAvgPool::operator()(In x) const {
  const detail::Layer layer(*this, "adaptive_avg_pool", x);
  return adaptive_avg_pool(x, output);
}
Tensor AdaptiveMaxPool::operator()(In x) const {
  const detail::Layer layer(*this, "adaptive_max_pool", x);
  return adaptive_max_pool(x, output);
}
Tensor Flatten::operator()(In x) const {
  const detail::Layer layer(*this, "flatten", x);
  return flatten(x, first, last);
}

}  // namespace anneal::nn
