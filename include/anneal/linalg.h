// SPDX-License-Identifier: MIT
// Products of tensors, and matrices.
#pragma once

#include <string_view>
#include <vector>

#include "anneal/tensor.h"

namespace anneal {

Tensor matmul(In a, In b);  // vectors, matrices and batches of any ranks
Tensor dot(In a, In b);
Tensor outer(In a, In b);
// Sums over the last `axes` axes of a and as many first ones of b, or over the axes named, in their order.
Tensor tensordot(In a, In b, int axes = 2);
Tensor tensordot(In a, In b, const Axes& axes_of_a, const Axes& axes_of_b);
Tensor kron(In a, In b);                                    // of equal ranks
Tensor cross(In a, In b, int axis = -1);                    // of vectors of 3 along the axis
Tensor cdist(In a, In b, double p = 2);                     // rows of a against rows of b, by their p-norm
Tensor addmm(In x, In a, In b, In beta = 1, In alpha = 1);  // beta * x + alpha * matmul(a, b)
Tensor addr(In x, In a, In b, In beta = 1, In alpha = 1);   // beta * x + alpha * outer(a, b)
// x times the transposed weight [out, in], and y[o] = sum over i, j of a[i] weight[o, i, j] b[j].
Tensor linear(In x, In weight, const std::optional<Tensor>& bias = {});
Tensor bilinear(In a, In b, In weight, const std::optional<Tensor>& bias = {});
Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands, Loc loc = Loc::current());
Tensor trace(In x);
Tensor diag(In x, int64_t diagonal = 0);  // a vector to a matrix, a matrix to its diagonal
Tensor diagonal(In x, int64_t offset = 0, int a = 0, int b = 1);  // of the axes a and b, as the last axis
Tensor diag_embed(In x, int64_t offset = 0);                      // vectors along the last axis to matrices
Tensor tril(In x, int64_t diagonal = 0);
Tensor triu(In x, int64_t diagonal = 0);

}  // namespace anneal
