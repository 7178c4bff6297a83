// SPDX-License-Identifier: MIT
// Functions over tensors. Numbers stand on either side; shapes broadcast as in numpy; names and defaults
// follow PyTorch where it has the function. Every one is differentiable unless its result is not a float.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "anneal/tensor.h"

namespace anneal {

namespace detail {
// Raises "name: what", and says where in the user's program.
[[noreturn]] void fail(std::string_view name, ErrorCode code, const std::string& what, const Loc& loc);
}  // namespace detail

// -- Creation --
Tensor full(const Sizes& sizes, In value);  // the type of the number: i32, f32 or bool
Tensor full(const Sizes& sizes, In value, DType dtype);
Tensor zeros(const Sizes& sizes, DType dtype = f32, Loc loc = Loc::current());
Tensor ones(const Sizes& sizes, DType dtype = f32, Loc loc = Loc::current());
Tensor full_like(In x, In value);
Tensor zeros_like(In x);
Tensor ones_like(In x);
Tensor eye(const Extent& rows, DType dtype = f32, Loc loc = Loc::current());
Tensor eye(const Extent& rows, const Extent& columns, DType dtype = f32, Loc loc = Loc::current());
Tensor arange(const Extent& stop, DType dtype = i32, Loc loc = Loc::current());
Tensor arange(double start, double stop, double step = 1, DType dtype = f32, Loc loc = Loc::current());
Tensor linspace(double start, double stop, int64_t count, DType dtype = f32, Loc loc = Loc::current());
Tensor tri(const Extent& rows, const Extent& columns, int64_t diagonal = 0, DType dtype = f32,
           Loc loc = Loc::current());
Tensor from_bytes(std::span<const std::byte> data, const std::vector<int64_t>& shape, DType dtype,
                  Loc loc = Loc::current());
template <typename T>
Tensor from_data(const std::vector<T>& data, const std::vector<int64_t>& shape, Loc loc = Loc::current()) {
  if constexpr (std::is_same_v<T, bool>) {  // which holds its elements as bits
    const std::vector<uint8_t> bytes(data.begin(), data.end());
    return from_bytes(std::as_bytes(std::span<const uint8_t>(bytes)), shape, boolean, loc);
  } else {
    return from_bytes(std::as_bytes(std::span<const T>(data)), shape, Tensor::dtype_of<T>(), loc);
  }
}
// tensor({1.f, 2.f}), tensor({{1, 2}, {3, 4}}): literals.
template <typename T>
Tensor tensor(std::initializer_list<T> values, Loc loc = Loc::current()) {
  return from_data(std::vector<T>(values), {static_cast<int64_t>(values.size())}, loc);
}
template <typename T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> rows, Loc loc = Loc::current()) {
  std::vector<T> data;
  for (const auto& row : rows) {
    if (row.size() != rows.begin()->size())
      detail::fail("tensor", ErrorCode::kShape, "the rows have different lengths", loc);
    data.insert(data.end(), row.begin(), row.end());
  }
  return from_data(data,
                   {static_cast<int64_t>(rows.size()),
                    static_cast<int64_t>(data.size() / std::max<size_t>(1, rows.size()))},
                   loc);
}
// An input that is bound later, by number or name: for programs that are compiled, printed or interpreted.
Tensor input(int64_t number, const Sizes& sizes, DType dtype = f32, std::string_view name = {},
             Loc loc = Loc::current());

// -- Elementwise, one operand --
Tensor neg(In x);
Tensor abs(In x);
Tensor sign(In x);
Tensor reciprocal(In x);
Tensor sqrt(In x);
Tensor rsqrt(In x);
Tensor square(In x);
Tensor exp(In x);
Tensor exp2(In x);
Tensor expm1(In x);
Tensor log(In x);
Tensor log2(In x);
Tensor log10(In x);
Tensor log1p(In x);
Tensor sin(In x);
Tensor cos(In x);
Tensor tan(In x);
Tensor asin(In x);
Tensor acos(In x);
Tensor atan(In x);
Tensor sinh(In x);
Tensor cosh(In x);
Tensor tanh(In x);
Tensor asinh(In x);
Tensor acosh(In x);
Tensor atanh(In x);
Tensor erf(In x);
Tensor floor(In x);
Tensor ceil(In x);
Tensor round(In x);  // halves to even
Tensor trunc(In x);
Tensor frac(In x);
Tensor isnan(In x);
Tensor isinf(In x);
Tensor isfinite(In x);
Tensor logical_not(In x);
Tensor bitwise_not(In x);
Tensor cast(In x, DType dtype);
Tensor bitcast(In x, DType dtype);
Tensor stop_gradient(In x);

// -- Activations --
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

// -- Elementwise, two and three operands --
Tensor add(In a, In b);
Tensor sub(In a, In b);
Tensor mul(In a, In b);
Tensor div(In a, In b);  // true division: integers become f32
Tensor floordiv(In a, In b);
Tensor remainder(In a, In b);  // the sign of b
Tensor truncdiv(In a, In b);
Tensor fmod(In a, In b);  // the sign of a
Tensor pow(In a, In b);
Tensor maximum(In a, In b);
Tensor minimum(In a, In b);
Tensor atan2(In y, In x);
Tensor hypot(In a, In b);
Tensor logaddexp(In a, In b);
Tensor lt(In a, In b);
Tensor le(In a, In b);
Tensor gt(In a, In b);
Tensor ge(In a, In b);
Tensor eq(In a, In b);
Tensor ne(In a, In b);
Tensor logical_and(In a, In b);
Tensor logical_or(In a, In b);
Tensor logical_xor(In a, In b);
Tensor bitwise_and(In a, In b);
Tensor bitwise_or(In a, In b);
Tensor bitwise_xor(In a, In b);
Tensor shift_left(In a, In b);
Tensor shift_right(In a, In b);
Tensor where(In condition, In a, In b);
Tensor clamp(In x, std::optional<double> low, std::optional<double> high);
Tensor masked_fill(In x, In mask, In value);
Tensor lerp(In a, In b, In weight);

inline Tensor operator-(In x) { return neg(std::move(x)); }
inline Tensor operator!(In x) { return logical_not(std::move(x)); }
inline Tensor operator~(In x) { return bitwise_not(std::move(x)); }
inline Tensor operator+(In a, In b) { return add(std::move(a), std::move(b)); }
inline Tensor operator-(In a, In b) { return sub(std::move(a), std::move(b)); }
inline Tensor operator*(In a, In b) { return mul(std::move(a), std::move(b)); }
inline Tensor operator/(In a, In b) { return div(std::move(a), std::move(b)); }
inline Tensor operator%(In a, In b) { return remainder(std::move(a), std::move(b)); }
inline Tensor operator<(In a, In b) { return lt(std::move(a), std::move(b)); }
inline Tensor operator<=(In a, In b) { return le(std::move(a), std::move(b)); }
inline Tensor operator>(In a, In b) { return gt(std::move(a), std::move(b)); }
inline Tensor operator>=(In a, In b) { return ge(std::move(a), std::move(b)); }
inline Tensor operator==(In a, In b) { return eq(std::move(a), std::move(b)); }
inline Tensor operator!=(In a, In b) { return ne(std::move(a), std::move(b)); }
inline Tensor operator&(In a, In b) { return bitwise_and(std::move(a), std::move(b)); }
inline Tensor operator|(In a, In b) { return bitwise_or(std::move(a), std::move(b)); }
inline Tensor operator^(In a, In b) { return bitwise_xor(std::move(a), std::move(b)); }
inline Tensor operator<<(In a, In b) { return shift_left(std::move(a), std::move(b)); }
inline Tensor operator>>(In a, In b) { return shift_right(std::move(a), std::move(b)); }

// -- Reductions: over all axes when none is given --
Tensor sum(In x, const Axes& axes = {}, bool keepdim = false);  // bool is counted in i32
Tensor mean(In x, const Axes& axes = {}, bool keepdim = false);
Tensor prod(In x, const Axes& axes = {}, bool keepdim = false);
// Over no elements: the least value of the type for max (-inf, or false), the greatest for min.
Tensor max(In x, const Axes& axes = {}, bool keepdim = false);
Tensor min(In x, const Axes& axes = {}, bool keepdim = false);
Tensor var(In x, const Axes& axes = {}, bool keepdim = false, double correction = 1);
Tensor std(In x, const Axes& axes = {}, bool keepdim = false, double correction = 1);
Tensor logsumexp(In x, const Axes& axes = {}, bool keepdim = false);
Tensor norm(In x, const Axes& axes = {}, bool keepdim = false);
Tensor any(In x, const Axes& axes = {}, bool keepdim = false);
Tensor all(In x, const Axes& axes = {}, bool keepdim = false);
Tensor argmax(In x, std::optional<int> axis = std::nullopt,
              bool keepdim = false);  // i32; of the flattened x when no axis
Tensor argmin(In x, std::optional<int> axis = std::nullopt, bool keepdim = false);

// -- Along one axis --
Tensor softmax(In x, int axis = -1);
Tensor log_softmax(In x, int axis = -1);
Tensor cumsum(In x, int axis = -1);
Tensor cumprod(In x, int axis = -1);
Tensor cummax(In x, int axis = -1);
Tensor cummin(In x, int axis = -1);
Tensor argsort(In x, int axis = -1, bool descending = false);
Tensor sort(In x, int axis = -1, bool descending = false);
struct TopK {
  Tensor values, indices;
};
TopK topk(In x, int64_t k, int axis = -1, bool largest = true);

// -- Linear algebra --
Tensor matmul(In a, In b);  // vectors, matrices and batches of any ranks
Tensor dot(In a, In b);
Tensor outer(In a, In b);
Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands, Loc loc = Loc::current());
Tensor trace(In x);
Tensor diag(In x, int64_t diagonal = 0);  // a vector to a matrix, a matrix to its diagonal
Tensor tril(In x, int64_t diagonal = 0);
Tensor triu(In x, int64_t diagonal = 0);

// -- Movement: index arithmetic, never a copy --
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
Tensor flip(In x, const Axes& axes);
Tensor roll(In x, const std::vector<int64_t>& shifts, const Axes& axes);
Tensor slice(In x, const std::vector<Index>& indices);
Tensor narrow(In x, int axis, const Extent& start, const Extent& length);
using Pads = std::vector<std::pair<int64_t, int64_t>>;  // before and after, an axis
Tensor pad(In x, const Pads& pads, In value = 0);       // negative amounts cut
Tensor pad_reflect(In x, const Pads& pads);
Tensor pad_replicate(In x, const Pads& pads);
Tensor cat(const std::vector<Tensor>& parts, int axis = 0, Loc loc = Loc::current());
Tensor stack(const std::vector<Tensor>& parts, int axis = 0, Loc loc = Loc::current());
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

// -- Indexing by data. A position outside its axis reads 0 and is not written --
Tensor gather(In x, int axis, In index);          // PyTorch's gather
Tensor take_along_dim(In x, In index, int axis);  // broadcasts the axes that are not indexed
Tensor index_select(In x, int axis, In index);
Tensor embedding(In index, In weight);
Tensor scatter(In x, int axis, In index, In values);
Tensor scatter_add(In x, int axis, In index, In values);
Tensor one_hot(In index, int64_t classes, DType dtype = f32);

// -- Convolution and pooling: one value for every axis, or one for each --
struct ConvOptions {
  std::vector<int64_t> stride = {1}, padding = {0}, dilation = {1};
  int64_t groups = 1;
};
Tensor conv1d(In x, In weight, const std::optional<Tensor>& bias = {}, const ConvOptions& options = {});
Tensor conv2d(In x, In weight, const std::optional<Tensor>& bias = {}, const ConvOptions& options = {});
Tensor conv3d(In x, In weight, const std::optional<Tensor>& bias = {}, const ConvOptions& options = {});
struct ConvTransposeOptions {
  std::vector<int64_t> stride = {1}, padding = {0}, output_padding = {0}, dilation = {1};
  int64_t groups = 1;
};
Tensor conv_transpose1d(In x, In weight, const std::optional<Tensor>& bias = {},
                        const ConvTransposeOptions& options = {});
Tensor conv_transpose2d(In x, In weight, const std::optional<Tensor>& bias = {},
                        const ConvTransposeOptions& options = {});
Tensor conv_transpose3d(In x, In weight, const std::optional<Tensor>& bias = {},
                        const ConvTransposeOptions& options = {});
struct PoolOptions {
  std::vector<int64_t> kernel = {2}, stride = {}, padding = {0}, dilation = {1};  // no stride: the kernel
  bool ceil_mode = false;
  bool count_padding = true;  // avg_pool only
};
// The last kernel.size() axes; one kernel extent means two axes, as in images, unless `axes` says otherwise.
Tensor max_pool(In x, int axes, const PoolOptions& options);
Tensor avg_pool(In x, int axes, const PoolOptions& options);
inline Tensor max_pool2d(In x, const PoolOptions& options = {}) { return max_pool(std::move(x), 2, options); }
inline Tensor avg_pool2d(In x, const PoolOptions& options = {}) { return avg_pool(std::move(x), 2, options); }
Tensor adaptive_avg_pool(In x, const std::vector<int64_t>& output);
Tensor adaptive_max_pool(In x, const std::vector<int64_t>& output);
enum class Interpolation { kNearest, kLinear };  // kLinear over two axes is bilinear
struct InterpolateOptions {
  std::vector<int64_t> size = {};  // or
  std::vector<double> scale = {};
  Interpolation mode = Interpolation::kNearest;
  bool align_corners = false;
};
Tensor interpolate(In x, const InterpolateOptions& options);  // the axes after batch and channel

// -- Normalisation --
using MaybeTensor = std::optional<Tensor>;
Tensor layer_norm(In x, const MaybeTensor& weight = {}, const MaybeTensor& bias = {}, double eps = 1e-5,
                  int axes = 1);
Tensor rms_norm(In x, const MaybeTensor& weight = {}, double eps = 1e-6, int axes = 1);
Tensor group_norm(In x, int64_t groups, const MaybeTensor& weight = {}, const MaybeTensor& bias = {},
                  double eps = 1e-5);
struct BatchNorm {
  Tensor out, mean, var;  // of the batch; var is biased
};
BatchNorm batch_norm_train(In x, const MaybeTensor& weight = {}, const MaybeTensor& bias = {},
                           double eps = 1e-5);
Tensor batch_norm(In x, In mean, In var, const MaybeTensor& weight = {}, const MaybeTensor& bias = {},
                  double eps = 1e-5);

// -- Attention --
struct AttentionOptions {
  MaybeTensor mask = {};  // bool: true takes part; float: added to the scores
  bool causal = false;
  std::optional<double> scale = {};  // 1 / sqrt(head size)
};
Tensor scaled_dot_product_attention(In q, In k, In v, const AttentionOptions& options = {});

// -- Losses --
enum class Reduction { kMean, kSum, kNone };
struct CrossEntropyOptions {
  double label_smoothing = 0;
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::kMean;
};
// Both: classes are on axis 1, or the last of [N, C]. The loss of a target outside [0, C) that is not
// ignore_index is NaN, and with it the mean and the sum.
Tensor cross_entropy(In logits, In targets, const CrossEntropyOptions& options = {});
Tensor nll_loss(In log_probabilities, In targets, int64_t ignore_index = -100,
                Reduction reduction = Reduction::kMean);
Tensor mse_loss(In x, In target, Reduction reduction = Reduction::kMean);
Tensor l1_loss(In x, In target, Reduction reduction = Reduction::kMean);
Tensor huber_loss(In x, In target, double delta = 1, Reduction reduction = Reduction::kMean);
Tensor smooth_l1_loss(In x, In target, double beta = 1, Reduction reduction = Reduction::kMean);
Tensor bce_with_logits(In logits, In target, Reduction reduction = Reduction::kMean);
Tensor kl_div(In log_probabilities, In target, Reduction reduction = Reduction::kMean,
              bool log_target = false);
Tensor dropout(In x, double p, uint64_t seed);

}  // namespace anneal
