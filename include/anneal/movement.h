// SPDX-License-Identifier: MIT
// Shapes and parts of tensors: index arithmetic, never a copy.
#pragma once

#include <vector>

#include "anneal/tensor.h"

namespace anneal {

Tensor reshape(In x, const Sizes& sizes);
Tensor view(In x, const Sizes& sizes);
Tensor flatten(In x, int first = 0, int last = -1);
Tensor unflatten(In x, int axis, const Sizes& sizes);
Tensor unsqueeze(In x, int axis);
Tensor squeeze(In x, const Axes& axes = {});
Tensor permute(In x, const std::vector<int>& axes);
Tensor transpose(In x, int a = -2, int b = -1);
Tensor movedim(In x, const std::vector<int>& from, const std::vector<int>& to);
Tensor expand(In x, const Sizes& sizes);  // -1 keeps an extent
Tensor broadcast_to(In x, const Sizes& sizes);
Tensor expand_as(In x, In other);
Tensor flip(In x, const Axes& axes);
Tensor rot90(In x, int64_t turns = 1, int a = 0, int b = 1);  // from the axis a towards b
Tensor roll(In x, const std::vector<int64_t>& shifts, const Axes& axes);
Tensor slice(In x, const std::vector<Index>& indices);
Tensor select(In x, int axis, int64_t position);  // one position, without its axis
Tensor narrow(In x, int axis, const Extent& start, const Extent& length);
using Pads = std::vector<std::pair<int64_t, int64_t>>;  // before and after, an axis
Tensor pad(In x, const Pads& pads, In value = 0);       // negative amounts cut
Tensor pad_reflect(In x, const Pads& pads);
Tensor pad_replicate(In x, const Pads& pads);
Tensor pad_circular(In x, const Pads& pads);  // with what is at the other end
Tensor cat(const std::vector<Tensor>& parts, int axis = 0, Loc loc = Loc::current());
Tensor stack(const std::vector<Tensor>& parts, int axis = 0, Loc loc = Loc::current());
Tensor hstack(const std::vector<Tensor>& parts, Loc loc = Loc::current());  // on axis 1, of vectors 0
Tensor vstack(const std::vector<Tensor>& parts, Loc loc = Loc::current());  // on axis 0, vectors as rows
std::vector<Tensor> unbind(In x, int axis = 0);                             // every position of the axis
std::vector<Tensor> split(In x, const Sizes& sizes, int axis = 0);
namespace detail {
std::vector<Tensor> split_every(In x, const Extent& size, int axis);
}  // namespace detail
template <typename T>
  requires(std::is_integral_v<T> || std::is_same_v<T, Extent>)  // {7} is a list of one size, not a number
std::vector<Tensor> split(In x, T size, int axis = 0) {
  return detail::split_every(std::move(x), size, axis);
}
// As many equal parts, the last ones shorter where the extent does not divide; a symbolic one must.
std::vector<Tensor> chunk(In x, int64_t chunks, int axis = 0);
Tensor tile(In x, const std::vector<int64_t>& reps);
Tensor repeat_interleave(In x, int64_t repeats, int axis);
Tensor pixel_shuffle(In x, int64_t factor);    // [N, C f f, H, W] to [N, C, H f, W f]
Tensor pixel_unshuffle(In x, int64_t factor);  // and back

}  // namespace anneal
