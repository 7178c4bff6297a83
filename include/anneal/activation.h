// SPDX-License-Identifier: MIT
// Activations: functions of each element that layers end with.
#pragma once

#include "anneal/tensor.h"

namespace anneal {

Tensor relu(In x);
Tensor relu6(In x);
Tensor leaky_relu(In x, double slope = 0.01);
Tensor elu(In x, double alpha = 1);
Tensor celu(In x, double alpha = 1);
Tensor selu(In x);
enum class Gelu { kErf, kTanh };
Tensor gelu(In x, Gelu form = Gelu::kErf);
Tensor sigmoid(In x);
Tensor log_sigmoid(In x);
Tensor hardsigmoid(In x);
Tensor hardswish(In x);
Tensor hardtanh(In x, double low = -1, double high = 1);
Tensor silu(In x);
Tensor mish(In x);
Tensor softplus(In x, double beta = 1, double threshold = 20);
Tensor softsign(In x);
Tensor prelu(In x, In slope);     // one slope, or one for each channel, which are axis 1
Tensor glu(In x, int axis = -1);  // the first half of the axis times the sigmoid of the second
Tensor tanhshrink(In x);
Tensor softshrink(In x, double lambda = 0.5);
Tensor hardshrink(In x, double lambda = 0.5);
Tensor threshold(In x, double threshold, In value);  // x where it is greater, and value elsewhere

}  // namespace anneal
