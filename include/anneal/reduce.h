// SPDX-License-Identifier: MIT
// Reductions, softmax, running folds and orders.
#pragma once

#include "anneal/tensor.h"

namespace anneal {

// -- Reductions: over all axes when none is given --
Tensor sum(In x, const Axes& axes = {}, bool keepdim = false);  // bool is counted in i32
Tensor mean(In x, const Axes& axes = {}, bool keepdim = false);
Tensor prod(In x, const Axes& axes = {}, bool keepdim = false);
// Over no elements: the least value of the type for max (-inf, or false), the greatest for min.
Tensor max(In x, const Axes& axes = {}, bool keepdim = false);
Tensor min(In x, const Axes& axes = {}, bool keepdim = false);
Tensor var(In x, const Axes& axes = {}, bool keepdim = false, double correction = 1);
Tensor std(In x, const Axes& axes = {}, bool keepdim = false, double correction = 1);
struct VarMean {
  Tensor var, mean;
};
VarMean var_mean(In x, const Axes& axes = {}, bool keepdim = false, double correction = 1);
struct StdMean {
  Tensor std, mean;
};
StdMean std_mean(In x, const Axes& axes = {}, bool keepdim = false, double correction = 1);
struct MinMax {
  Tensor min, max;
};
MinMax aminmax(In x, const Axes& axes = {}, bool keepdim = false);
Tensor nansum(In x, const Axes& axes = {}, bool keepdim = false);         // NaN counts as 0
Tensor count_nonzero(In x, const Axes& axes = {}, bool keepdim = false);  // i32
Tensor logsumexp(In x, const Axes& axes = {}, bool keepdim = false);
// The p-norm; of p = infinity the greatest size, of -infinity the least, of 0 how many elements are not 0.
Tensor norm(In x, const Axes& axes = {}, bool keepdim = false, double p = 2);
Tensor any(In x, const Axes& axes = {}, bool keepdim = false);
Tensor all(In x, const Axes& axes = {}, bool keepdim = false);
Tensor argmax(In x, std::optional<int> axis = std::nullopt,
              bool keepdim = false);  // i32; of the flattened x when no axis
Tensor argmin(In x, std::optional<int> axis = std::nullopt, bool keepdim = false);

// -- Along one axis --
Tensor softmax(In x, int axis = -1);
Tensor log_softmax(In x, int axis = -1);
Tensor softmin(In x, int axis = -1);
Tensor cumsum(In x, int axis = -1);
Tensor cumprod(In x, int axis = -1);
Tensor cummax(In x, int axis = -1);
Tensor cummin(In x, int axis = -1);
Tensor cummax_indices(In x, int axis = -1);  // where the running maximum was last reached, i32
Tensor cummin_indices(In x, int axis = -1);
Tensor logcumsumexp(In x, int axis = -1);  // compares every position with all before it
Tensor argsort(In x, int axis = -1, bool descending = false);
Tensor sort(In x, int axis = -1, bool descending = false);
struct TopK {
  Tensor values, indices;
};
TopK topk(In x, int64_t k, int axis = -1, bool largest = true);
TopK kthvalue(In x, int64_t k, int axis = -1, bool keepdim = false);  // the k-th smallest, from 1
TopK median(In x, int axis, bool keepdim = false);                    // the lower one of two
Tensor median(In x);                                                  // of all elements

}  // namespace anneal
