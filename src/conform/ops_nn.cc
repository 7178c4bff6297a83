// SPDX-License-Identifier: MIT
// Convolution, pooling, normalization, attention and losses.
#include <algorithm>

#include "conform/ops.h"

namespace anneal::conform {
namespace {

using Integers = std::vector<int64_t>;

Integers spread(Integers values, size_t axes) {
  if (values.size() == 1) values.assign(axes, values[0]);
  return values;
}

// -- Convolution --

template <size_t axes>
Outputs conv_op(const OpCall& c) {
  ConvOptions options{c.args.integers("stride", Integers{1}),
                      {0},
                      c.args.integers("dilation", Integers{1}),
                      c.args.integer("groups", 1),
                      false};
  if (c.args.is_text("padding")) {
    const std::string padding = c.args.text("padding");
    options.same = padding == "same";
    if (!options.same && padding != "valid") Args::fail("padding", "numbers, same or valid are needed");
  } else {
    options.padding = c.args.integers("padding", Integers{0});
  }
  constexpr auto conv = axes == 1 ? conv1d : axes == 2 ? conv2d : conv3d;
  return conv(c.x(), c.in[1], c.maybe(2), options);
}

template <size_t axes>
Outputs conv_transpose_op(const OpCall& c) {
  const ConvTransposeOptions options{c.args.integers("stride", Integers{1}),
                                     c.args.integers("padding", Integers{0}),
                                     c.args.integers("output_padding", Integers{0}),
                                     c.args.integers("dilation", Integers{1}), c.args.integer("groups", 1)};
  constexpr auto conv = axes == 1 ? conv_transpose1d : axes == 2 ? conv_transpose2d : conv_transpose3d;
  return conv(c.x(), c.in[1], c.maybe(2), options);
}

// -- Pooling --

PoolOptions pool_options(const OpCall& c, size_t axes) {
  PoolOptions options{.kernel = spread(c.args.integers("kernel|kernel_size"), axes)};
  options.stride = c.args.integers("stride", options.kernel);
  if (options.stride.empty()) options.stride = options.kernel;
  options.padding = c.args.integers("padding", Integers{0});
  options.dilation = c.args.integers("dilation", Integers{1});
  options.ceil_mode = c.args.flag("ceil_mode", false);
  options.count_padding = c.args.flag("count_include_pad", true);
  return options;
}
template <int axes>
Outputs max_pool_op(const OpCall& c) {
  return max_pool(c.x(), axes, pool_options(c, axes));
}
template <int axes>
Outputs avg_pool_op(const OpCall& c) {
  return avg_pool(c.x(), axes, pool_options(c, axes));
}
template <size_t axes, Tensor (*pool)(In, const Integers&)>
Outputs adaptive_op(const OpCall& c) {
  return pool(c.x(), spread(c.args.integers("output_size|output|size|outputs"), axes));
}

Outputs interpolate(const OpCall& c, const std::string& mode) {
  InterpolateOptions options;
  options.size = c.args.integers("size|output_size", Integers{});
  if (options.size.empty()) options.scale = c.args.numbers("scale|scale_factor|factor");
  const auto axes = static_cast<size_t>(std::max(1, c.x().rank() - 2));
  options.size = spread(options.size, axes);
  if (options.scale.size() == 1) options.scale.assign(axes, options.scale[0]);
  if (mode == "linear" || mode == "bilinear" || mode == "trilinear")
    options.mode = Interpolation::kLinear;
  else if (mode != "nearest")
    Args::fail("mode", "nearest, linear, bilinear or trilinear is needed, not " + mode);
  options.align_corners = c.args.flag("align_corners", false);
  return anneal::interpolate(c.x(), options);
}

// -- Normalization --

int normalized_axes(const OpCall& c) {
  if (c.args.has("normalized_shape|shape"))
    return static_cast<int>(c.args.integers("normalized_shape|shape").size());
  return c.in.size() > 1 ? std::max(1, c.in[1].rank()) : 1;
}
Outputs layer_norm_op(const OpCall& c) {
  return layer_norm(c.x(), c.maybe(1), c.maybe(2), c.args.eps(1e-5), normalized_axes(c));
}
Outputs rms_norm_op(const OpCall& c) {
  return rms_norm(c.x(), c.maybe(1), c.args.eps(1.1920928955078125e-07), normalized_axes(c));
}
Outputs group_norm_op(const OpCall& c) {
  return group_norm(c.x(), c.args.integer("groups|num_groups"), c.maybe(1), c.maybe(2), c.args.eps(1e-5));
}
Outputs instance_norm_op(const OpCall& c) {
  return instance_norm(c.x(), c.maybe(1), c.maybe(2), c.args.eps(1e-5));
}
// Inputs: x, weight, bias by the batch's own statistics; x, mean, var, weight, bias by given ones.
Outputs batch_norm_op(const OpCall& c) {
  const double eps = c.args.eps(1e-5);
  c.args.number("momentum", 0.1);
  const bool training = c.args.flag("training", false);
  const size_t first = c.in.size() > 3 ? 3 : 1;
  if (training) return batch_norm_train(c.x(), c.maybe(first), c.maybe(first + 1), eps).out;
  if (c.in.size() < 3) raise(ErrorCode::kArgument, "without training, mean and var are needed as inputs");
  return batch_norm(c.x(), c.in[1], c.in[2], c.maybe(3), c.maybe(4), eps);
}
Outputs normalize_op(const OpCall& c) {
  return normalize(c.x(), c.args.axis(1), c.args.number("p", 2), c.args.eps(1e-12));
}
Outputs cosine_similarity_op(const OpCall& c) {
  return cosine_similarity(c.in[0], c.in[1], c.args.axis(1), c.args.eps(1e-8));
}

// -- Attention: a mask may follow q, k and v; integers are truth values --
Outputs attention_op(const OpCall& c) {
  AttentionOptions options;
  options.causal = c.args.flag("is_causal|causal", false);
  c.args.number("dropout_p", 0);
  c.args.flag("enable_gqa", false);
  if (c.args.has("scale")) options.scale = c.args.number("scale");
  if (c.in.size() > 3) options.mask = is_float(c.in[3].dtype()) ? c.in[3] : truth(c.in[3]);
  return scaled_dot_product_attention(c.in[0], c.in[1], c.in[2], options);
}

// -- Losses --

Reduction reduction_of(const OpCall& c) {
  const std::string name = c.args.text("reduction", "mean");
  if (name == "mean") return Reduction::kMean;
  if (name == "sum") return Reduction::kSum;
  if (name == "none") return Reduction::kNone;
  Args::fail("reduction", "mean, sum or none is needed, not " + name);
}

Outputs cross_entropy_op(const OpCall& c) {
  const double smoothing = c.args.number("label_smoothing", 0);
  return cross_entropy(c.in[0], c.in[1], {smoothing, c.args.integer("ignore_index", -100), reduction_of(c)});
}
Outputs nll_op(const OpCall& c) {
  return nll_loss(c.in[0], c.in[1], c.args.integer("ignore_index", -100), reduction_of(c));
}
template <Tensor (*fn)(In, In, Reduction)>
Outputs loss_op(const OpCall& c) {
  return fn(c.in[0], c.in[1], reduction_of(c));
}
Outputs huber_op(const OpCall& c) {
  return huber_loss(c.in[0], c.in[1], c.args.number("delta", 1), reduction_of(c));
}
Outputs smooth_l1_op(const OpCall& c) {
  return smooth_l1_loss(c.in[0], c.in[1], c.args.number("beta", 1), reduction_of(c));
}
Outputs kl_div_op(const OpCall& c) {
  const bool in_logs = c.args.flag("log_target", false);
  if (c.args.text("reduction", "mean") == "batchmean")
    return kl_div(c.in[0], c.in[1], Reduction::kSum, in_logs) / static_cast<double>(c.x().size(0).value());
  return kl_div(c.in[0], c.in[1], reduction_of(c), in_logs);
}
Outputs poisson_nll_op(const OpCall& c) {
  return poisson_nll_loss(c.in[0], c.in[1], c.args.flag("log_input", true), c.args.eps(1e-8),
                          reduction_of(c));
}
Outputs gaussian_nll_op(const OpCall& c) {
  return gaussian_nll_loss(c.in[0], c.in[1], c.in[2], c.args.eps(1e-6), reduction_of(c));
}

constexpr OpEntry kNnOps[] = {
    {"conv1d", 2, 3, conv_op<1>},
    {"conv2d", 2, 3, conv_op<2>},
    {"conv3d", 2, 3, conv_op<3>},
    {"conv_transpose1d", 2, 3, conv_transpose_op<1>},
    {"conv_transpose2d", 2, 3, conv_transpose_op<2>},
    {"conv_transpose3d", 2, 3, conv_transpose_op<3>},
    {"max_pool1d", 1, 1, max_pool_op<1>},
    {"max_pool2d", 1, 1, max_pool_op<2>},
    {"max_pool3d", 1, 1, max_pool_op<3>},
    {"avg_pool1d", 1, 1, avg_pool_op<1>},
    {"avg_pool2d", 1, 1, avg_pool_op<2>},
    {"avg_pool3d", 1, 1, avg_pool_op<3>},
    {"adaptive_avg_pool1d", 1, 1, adaptive_op<1, adaptive_avg_pool>},
    {"adaptive_avg_pool2d", 1, 1, adaptive_op<2, adaptive_avg_pool>},
    {"adaptive_avg_pool3d", 1, 1, adaptive_op<3, adaptive_avg_pool>},
    {"adaptive_max_pool1d", 1, 1, adaptive_op<1, adaptive_max_pool>},
    {"adaptive_max_pool2d", 1, 1, adaptive_op<2, adaptive_max_pool>},
    {"adaptive_max_pool3d", 1, 1, adaptive_op<3, adaptive_max_pool>},
    {"interpolate", 1, 1, [](const OpCall& c) { return interpolate(c, c.args.text("mode", "nearest")); }},
    {"interpolate_nearest", 1, 1, [](const OpCall& c) { return interpolate(c, "nearest"); }},
    {"interpolate_linear", 1, 1, [](const OpCall& c) { return interpolate(c, "linear"); }},
    {"interpolate_bilinear", 1, 1, [](const OpCall& c) { return interpolate(c, "linear"); }},
    {"interpolate_trilinear", 1, 1, [](const OpCall& c) { return interpolate(c, "linear"); }},
    {"layer_norm", 1, 3, layer_norm_op},
    {"rms_norm", 1, 2, rms_norm_op},
    {"group_norm", 1, 3, group_norm_op},
    {"instance_norm", 1, 3, instance_norm_op},
    {"batch_norm", 1, 5, batch_norm_op},
    {"normalize", 1, 1, normalize_op},
    {"cosine_similarity", 2, 2, cosine_similarity_op},
    {"sdpa", 3, 4, attention_op},
    {"sdpa_mask", 4, 4, attention_op},
    {"cross_entropy", 2, 2, cross_entropy_op},
    {"nll_loss", 2, 2, nll_op},
    {"mse_loss", 2, 2, loss_op<mse_loss>},
    {"l1_loss", 2, 2, loss_op<l1_loss>},
    {"huber_loss", 2, 2, huber_op},
    {"smooth_l1_loss", 2, 2, smooth_l1_op},
    {"bce_with_logits", 2, 2, loss_op<bce_with_logits>},
    {"binary_cross_entropy", 2, 2, loss_op<binary_cross_entropy>},
    {"kl_div", 2, 2, kl_div_op},
    {"soft_margin_loss", 2, 2, loss_op<soft_margin_loss>},
    {"poisson_nll_loss", 2, 2, poisson_nll_op},
    {"gaussian_nll_loss", 3, 3, gaussian_nll_op},
};

}  // namespace

std::span<const OpEntry> nn_ops() { return kNnOps; }

}  // namespace anneal::conform
