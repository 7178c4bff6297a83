// SPDX-License-Identifier: MIT
// Tested by layers_test.cc.
#include "anneal/nn/norm.h"

#include "nn/layer.h"
#include "tensor/shared.h"

namespace anneal::nn {

namespace {

std::optional<Param> norm_param(bool wanted, const std::vector<int64_t>& shape, double value,
                                const Loc& loc) {
  if (!wanted) return std::nullopt;
  return Param(shape, init::constant(value), {.decay = false}, loc);
}

void check_channels(const char* layer, int64_t channels, const Loc& loc) {
  if (channels >= 1) return;
  const Call call(layer, loc);
  call.fail(ErrorCode::kArgument, std::to_string(channels) + " channels: there must be 1 or more");
}

}  // namespace

LayerNorm::LayerNorm(int64_t width, const NormOptions& options, Loc loc)
    : LayerNorm(std::vector<int64_t>{width}, options, loc) {}
LayerNorm::LayerNorm(std::vector<int64_t> extents, const NormOptions& options, Loc loc)
    : weight(norm_param(options.affine, extents, 1, loc)),
      bias(norm_param(options.affine && options.bias, extents, 0, loc)),
      shape(std::move(extents)),
      eps(options.eps.value_or(1e-5)) {
  for (int64_t extent : shape) check_channels("LayerNorm", extent, loc);
}

Tensor LayerNorm::operator()(In x) const {
  const detail::Layer layer(*this, "layer_norm", x);
  for (size_t i = 0; i < shape.size(); ++i)
    layer.needs(static_cast<int>(i) - static_cast<int>(shape.size()), shape[i], "features");
  return layer_norm(x, detail::maybe(weight), detail::maybe(bias), eps, static_cast<int>(shape.size()));
}

RMSNorm::RMSNorm(int64_t extent, const NormOptions& options, Loc loc)
    : weight(norm_param(options.affine, {extent}, 1, loc)), width(extent), eps(options.eps.value_or(1e-6)) {
  check_channels("RMSNorm", extent, loc);
}

Tensor RMSNorm::operator()(In x) const {
  const detail::Layer layer(*this, "rms_norm", x);
  layer.needs(-1, width, "features");
  return rms_norm(x, detail::maybe(weight), eps);
}

GroupNorm::GroupNorm(int64_t number, int64_t width, const NormOptions& options, Loc loc)
    : weight(norm_param(options.affine, {width}, 1, loc)),
      bias(norm_param(options.affine, {width}, 0, loc)),
      groups(number),
      channels(width),
      eps(options.eps.value_or(1e-5)) {
  check_channels("GroupNorm", width, loc);
  if (number < 1 || width % number != 0) {
    const Call call("GroupNorm", loc);
    call.fail(ErrorCode::kArgument,
              std::to_string(number) + " groups do not divide " + std::to_string(width) + " channels");
  }
}

Tensor GroupNorm::operator()(In x) const {
  const detail::Layer layer(*this, "group_norm", x);
  layer.needs(1, channels, "channels");
  return group_norm(x, groups, detail::maybe(weight), detail::maybe(bias), eps);
}

BatchNorm::BatchNorm(int64_t width, const NormOptions& options, double follow, Loc loc)
    : weight(norm_param(options.affine, {width}, 1, loc)),
      bias(norm_param(options.affine, {width}, 0, loc)),
      running_mean({width}, init::zeros(), f32, loc),
      running_var({width}, init::ones(), f32, loc),
      channels(width),
      eps(options.eps.value_or(1e-5)),
      momentum(follow) {
  check_channels("BatchNorm", width, loc);
}

Tensor BatchNorm::operator()(In x) const {
  const detail::Layer layer(*this, "batch_norm", x);
  layer.needs(1, channels, "channels");
  if (!is_training())
    return batch_norm(x, running_mean.tensor(), running_var.tensor(), detail::maybe(weight),
                      detail::maybe(bias), eps);
  const anneal::BatchNorm made = batch_norm_train(x, detail::maybe(weight), detail::maybe(bias), eps);
  // Of n numbers the spread of what they were drawn from is n / (n - 1) times their own.
  Extent each = 1;
  for (int axis = 0; axis < x.tensor().rank(); ++axis)
    if (axis != 1) each = each * x.tensor().size(axis);
  const Tensor count = number_of(Call("batch_norm", {&x}), to_dim(each), f32);
  const Tensor var = made.var * (count / maximum(count - 1, 1));
  const auto follow = [&](const Buffer& running, const Tensor& batch) {
    running.set(running.tensor() * (1 - momentum) + stop_gradient(batch) * momentum);
  };
  follow(running_mean, made.mean);
  follow(running_var, var);
  return made.out;
}

}  // namespace anneal::nn
