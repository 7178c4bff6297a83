// SPDX-License-Identifier: MIT
// Losses, and dropout.
#pragma once

#include "anneal/tensor.h"

namespace anneal {

enum class Reduction { kMean, kSum, kNone };
struct CrossEntropyOptions {
  double label_smoothing = 0;
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::kMean;
};
// Both: classes are on axis 1, or the last of [N, C]. The loss of a target outside [0, C) that is not
// ignore_index is NaN, and with it the mean and the sum. Targets of cross_entropy may be probabilities too:
// floats of the shape of the logits.
Tensor cross_entropy(In logits, In targets, const CrossEntropyOptions& options = {});
Tensor nll_loss(In log_probabilities, In targets, int64_t ignore_index = -100,
                Reduction reduction = Reduction::kMean);
Tensor mse_loss(In x, In target, Reduction reduction = Reduction::kMean);
Tensor l1_loss(In x, In target, Reduction reduction = Reduction::kMean);
Tensor huber_loss(In x, In target, double delta = 1, Reduction reduction = Reduction::kMean);
Tensor smooth_l1_loss(In x, In target, double beta = 1, Reduction reduction = Reduction::kMean);
Tensor bce_with_logits(In logits, In target, Reduction reduction = Reduction::kMean);
Tensor binary_cross_entropy(In probability, In target,
                            Reduction reduction = Reduction::kMean);               // logs >= -100
Tensor soft_margin_loss(In x, In target, Reduction reduction = Reduction::kMean);  // targets are 1 and -1
Tensor poisson_nll_loss(In x, In target, bool log_input = true, double eps = 1e-8,
                        Reduction reduction = Reduction::kMean);
Tensor gaussian_nll_loss(In x, In target, In var, double eps = 1e-6, Reduction reduction = Reduction::kMean);
Tensor kl_div(In log_probabilities, In target, Reduction reduction = Reduction::kMean,
              bool log_target = false);
Tensor dropout(In x, double p, uint64_t seed);

}  // namespace anneal
