// SPDX-License-Identifier: MIT
// Normalisation and attention.
#pragma once

#include "anneal/tensor.h"

namespace anneal {

// -- Normalisation --
using MaybeTensor = std::optional<Tensor>;
Tensor layer_norm(In x, const MaybeTensor& weight = {}, const MaybeTensor& bias = {}, double eps = 1e-5,
                  int axes = 1);
Tensor rms_norm(In x, const MaybeTensor& weight = {}, double eps = 1e-6, int axes = 1);
Tensor group_norm(In x, int64_t groups, const MaybeTensor& weight = {}, const MaybeTensor& bias = {},
                  double eps = 1e-5);
Tensor instance_norm(In x, const MaybeTensor& weight = {}, const MaybeTensor& bias = {},
                     double eps = 1e-5);  // each channel of each image alone
struct BatchNorm {
  Tensor out, mean, var;  // of the batch; var is biased
};
BatchNorm batch_norm_train(In x, const MaybeTensor& weight = {}, const MaybeTensor& bias = {},
                           double eps = 1e-5);
Tensor batch_norm(In x, In mean, In var, const MaybeTensor& weight = {}, const MaybeTensor& bias = {},
                  double eps = 1e-5);
Tensor normalize(In x, int axis = 1, double p = 2,
                 double eps = 1e-12);  // by the p-norm, which is at least eps
Tensor cosine_similarity(In a, In b, int axis = 1, double eps = 1e-8);  // lengths are at least eps

// -- Attention --
struct AttentionOptions {
  MaybeTensor mask = {};  // bool: true takes part; float: added to the scores
  bool causal = false;
  std::optional<double> scale = {};  // 1 / sqrt(head size)
  MaybeTensor factor = {};           // times the weights, after the softmax: dropout of them
};
Tensor scaled_dot_product_attention(In q, In k, In v, const AttentionOptions& options = {});

}  // namespace anneal
