// SPDX-License-Identifier: MIT
// Indexing by data. A position outside its axis reads 0 and is not written.
#pragma once

#include "anneal/tensor.h"

namespace anneal {

Tensor gather(In x, int axis, In index);          // PyTorch's gather
Tensor take_along_dim(In x, In index, int axis);  // broadcasts the axes that are not indexed
Tensor index_select(In x, int axis, In index);
Tensor take(In x, In index);  // of the flattened x
Tensor embedding(In index, In weight);
Tensor scatter(In x, int axis, In index, In values);
Tensor scatter_add(In x, int axis, In index, In values);
// Whole slices: position index[i] of the axis gets slice i of the values.
Tensor index_add(In x, int axis, In index, In values);
Tensor index_copy(In x, int axis, In index, In values);
Tensor one_hot(In index, int64_t classes, DType dtype = f32);

}  // namespace anneal
