// SPDX-License-Identifier: MIT
// Normalisation and attention.
#include <cmath>

#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"
#include "tensor/extents.h"
#include "tensor/shared.h"

namespace anneal {

using ir::Dim;
using ir::Node;

namespace {

Axes last(int axes) {
  Axes out;
  for (int i = 0; i < axes; ++i) out.push_back(-1 - i);
  return out;
}

// That a weight or a bias broadcasts to x.
void check_fits(const Call& call, const Tensor& v, std::string_view what, const Tensor& x) {
  const Node n = call.required(v, "the " + std::string(what));
  const ir::Shape from = call.g.shape(n), to = call.g.shape(node_of(x));
  bool fits = from.size() <= to.size();
  for (size_t i = 1; fits && i <= from.size(); ++i)
    fits = from[from.size() - i].is(1) ||
           ir::dim_equal(call.g, from[from.size() - i], to[to.size() - i]) != ir::Tri::kFalse;
  if (!fits)
    call.fail(ErrorCode::kShape, "the " + std::string(what) + " of shape " + ir::shape_text(call.g, from) +
                                     " does not fit " + ir::shape_text(call.g, to));
}

Tensor scaled(const Call& call, Tensor y, const MaybeTensor& weight, const MaybeTensor& bias) {
  if (weight) {
    check_fits(call, *weight, "weight", y);
    y = y * *weight;
  }
  if (!bias) return y;
  check_fits(call, *bias, "bias", y);
  return y + *bias;
}

void check_eps(const Call& call, double eps) {
  if (!(eps >= 0))
    call.fail(ErrorCode::kArgument, "eps is " + number_text(eps) + ": it must not be negative");
}

// A vector over channels, as [1, C, 1...] against x.
Tensor per_channel(const Call& call, const Tensor& v, const Tensor& x) {
  const Node n = call.required(v, "a weight or bias");
  const ir::Shape shape = call.g.shape(node_of(x));
  if (call.g.rank(n) != 1 || ir::dim_equal(call.g, call.g.shape(n)[0], shape[1]) == ir::Tri::kFalse)
    call.fail(ErrorCode::kShape,
              "a vector of " + ir::dim_text(call.g, shape[1]) + " channels is needed, not " + v.type());
  std::vector<Dim> dims(shape.size() - 1, Dim(1));
  dims[0] = shape[1];
  return wrap(call.b.reshape(n, dims));
}

MaybeTensor per_channel(const Call& call, const MaybeTensor& v, const Tensor& x) {
  return v ? MaybeTensor(per_channel(call, *v, x)) : v;
}

// x as wide as sums are: statistics of narrow floats are taken in f32.
Tensor widened(const Call& call, const In& x) {
  const Node n = call.float_node(x);
  return wrap(call.b.cast(n, accumulation_dtype(call.g.dtype(n))));
}

}  // namespace

Tensor layer_norm(In x, const MaybeTensor& weight, const MaybeTensor& bias, double eps, int axes) {
  const Call call("layer_norm", {&x}, {&weight, &bias});
  check_eps(call, eps);
  const Tensor t = widened(call, x);
  if (axes < 1 || axes > t.rank())
    call.fail(ErrorCode::kArgument,
              std::to_string(axes) + " axes of a tensor of rank " + std::to_string(t.rank()));
  const Tensor centred = t - mean(t, last(axes), true);
  const Tensor normal = centred * rsqrt(mean(square(centred), last(axes), true) + eps);
  return scaled(call, cast(normal, call.g.dtype(call.float_node(x))), weight, bias);
}

Tensor rms_norm(In x, const MaybeTensor& weight, double eps, int axes) {
  const Call call("rms_norm", {&x}, {&weight});
  check_eps(call, eps);
  const Tensor t = widened(call, x);
  if (axes < 1 || axes > t.rank())
    call.fail(ErrorCode::kArgument,
              std::to_string(axes) + " axes of a tensor of rank " + std::to_string(t.rank()));
  const Tensor normal = t * rsqrt(mean(square(t), last(axes), true) + eps);
  return scaled(call, cast(normal, call.g.dtype(call.float_node(x))), weight, {});
}

Tensor group_norm(In x, int64_t groups, const MaybeTensor& weight, const MaybeTensor& bias, double eps) {
  const Call call("group_norm", {&x}, {&weight, &bias});
  check_eps(call, eps);
  const Tensor t = widened(call, x);
  if (t.rank() < 2) call.fail(ErrorCode::kShape, "takes [batch, channels, ...], not " + t.type());
  const Extent channels = t.size(1);
  const std::optional<Dim> part = groups < 1 ? std::nullopt : whole_quotient(call, to_dim(channels), groups);
  if (!part)
    call.fail(ErrorCode::kArgument, channels.str() + " channels do not divide into " +
                                        std::to_string(groups) + " groups" +
                                        (channels.is_const() ? "" : " at every binding"));
  const Sizes whole = t.sizes();
  Sizes split = whole;
  split[1] = to_extent(*part);
  split.insert(split.begin() + 1, groups);
  const Tensor parted = reshape(t, split);
  const Axes inner = last(parted.rank() - 2);
  const Tensor centred = parted - mean(parted, inner, true);
  const Tensor normal = reshape(centred * rsqrt(mean(square(centred), inner, true) + eps), whole);
  return scaled(call, cast(normal, call.g.dtype(call.float_node(x))), per_channel(call, weight, t),
                per_channel(call, bias, t));
}

Tensor instance_norm(In x, const MaybeTensor& weight, const MaybeTensor& bias, double eps) {
  const Call call("instance_norm", {&x}, {&weight, &bias});
  check_eps(call, eps);
  const Tensor t = widened(call, x);
  if (t.rank() < 3) call.fail(ErrorCode::kShape, "takes [batch, channels, space...], not " + t.type());
  const Axes space = last(t.rank() - 2);
  const Tensor centred = t - mean(t, space, true);
  const Tensor normal = centred * rsqrt(mean(square(centred), space, true) + eps);
  return scaled(call, cast(normal, call.g.dtype(call.float_node(x))), per_channel(call, weight, t),
                per_channel(call, bias, t));
}

Tensor normalize(In x, int axis, double p, double eps) {
  const Call call("normalize", {&x});
  check_eps(call, eps);
  const Tensor t = wrap(call.float_node(x));
  return t / maximum(norm(t, axis, true, p), eps);
}

Tensor cosine_similarity(In a, In b, int axis, double eps) {
  const Call call("cosine_similarity", {&a, &b});
  check_eps(call, eps);
  const Tensor x = wrap(call.float_node(a)), y = wrap(call.float_node(b));
  return sum(x * y, axis) / (maximum(norm(x, axis), eps) * maximum(norm(y, axis), eps));
}

Tensor batch_norm(In x, In mean_in, In var_in, const MaybeTensor& weight, const MaybeTensor& bias,
                  double eps) {
  const Call call("batch_norm", {&x, &mean_in, &var_in}, {&weight, &bias});
  check_eps(call, eps);
  const Tensor t = widened(call, x);
  if (t.rank() < 2) call.fail(ErrorCode::kShape, "takes [batch, channels, ...], not " + t.type());
  const Tensor centre = per_channel(call, wrap(call.node(mean_in)), t),
               spread = per_channel(call, wrap(call.node(var_in)), t);
  const Tensor normal = (t - centre) * rsqrt(spread + eps);
  return scaled(call, cast(normal, call.g.dtype(call.float_node(x))), per_channel(call, weight, t),
                per_channel(call, bias, t));
}

BatchNorm batch_norm_train(In x, const MaybeTensor& weight, const MaybeTensor& bias, double eps) {
  const Call call("batch_norm_train", {&x}, {&weight, &bias});
  check_eps(call, eps);
  const Tensor t = widened(call, x);
  if (t.rank() < 2) call.fail(ErrorCode::kShape, "takes [batch, channels, ...], not " + t.type());
  Axes others{0};
  for (int i = 2; i < t.rank(); ++i) others.push_back(i);
  const Tensor centre = mean(t, others), spread = var(t, others, false, 0);
  return {batch_norm(x, centre, spread, weight, bias, eps), centre, spread};
}

// -- Attention --

namespace {
void check_fits(const Call& call, const std::string& what, const Tensor& mask, const Tensor& scores) {
  const std::vector<Dim> from = call.shape(call.required(mask, what)), to = call.shape(node_of(scores));
  for (size_t i = 1; i <= std::min(from.size(), to.size()); ++i) {
    const Dim a = from[from.size() - i], b = to[to.size() - i];
    if (!a.is(1) && !b.is(1) && ir::dim_equal(call.g, a, b) == ir::Tri::kFalse)
      call.fail(ErrorCode::kShape, what + " of shape " + ir::shape_text(call.g, from) +
                                       " does not fit the scores " + ir::shape_text(call.g, to) +
                                       ", which are [..., queries, keys]");
  }
}

void check_heads(const Call& call, const Tensor& q, const Tensor& k, const Tensor& v) {
  const auto differ = [&](const Extent& a, const Extent& b) {
    return ir::dim_equal(call.g, to_dim(a), to_dim(b)) == ir::Tri::kFalse;
  };
  if (differ(q.size(-1), k.size(-1)))
    call.fail(ErrorCode::kShape, "the head sizes differ, " + q.size(-1).str() + " of the queries and " +
                                     k.size(-1).str() + " of the keys: k must be [..., length, " +
                                     q.size(-1).str() + "]");
  if (differ(k.size(-2), v.size(-2)))
    call.fail(ErrorCode::kShape,
              "the lengths differ, " + k.size(-2).str() + " keys and " + v.size(-2).str() + " values");
}
}  // namespace

Tensor scaled_dot_product_attention(In q, In k, In v, const AttentionOptions& options) {
  const Call call("scaled_dot_product_attention", {&q, &k, &v}, {&options.mask, &options.factor});
  const Tensor query = wrap(call.float_node(q)), value = wrap(call.float_node(v));
  Tensor key = wrap(call.float_node(k)), values = value;
  if (query.rank() < 2 || key.rank() < 2 || values.rank() < 2)
    call.fail(ErrorCode::kShape, "takes [..., length, head size], not " + query.type() + ", " + key.type() +
                                     " and " + values.type());
  check_heads(call, query, key, value);
  const Extent head = query.size(-1);
  if (options.mask && options.causal) call.fail(ErrorCode::kArgument, "takes a mask or causal, not both");
  // Grouped queries: several query heads share a key head.
  if (query.rank() >= 3 && key.rank() == query.rank()) {
    const Extent heads = query.size(-3), shared = key.size(-3);
    if (heads.is_const() && shared.is_const() && shared.value() > 1 && heads.value() != shared.value()) {
      if (heads.value() % shared.value() != 0)
        call.fail(ErrorCode::kShape, std::to_string(heads.value()) + " query heads do not divide over " +
                                         std::to_string(shared.value()) + " key heads");
      key = repeat_interleave(key, heads.value() / shared.value(), -3);
      values = repeat_interleave(values, heads.value() / shared.value(), -3);
    }
  }
  Tensor scores = matmul(query, transpose(key));
  if (options.scale || head.is_const())
    scores = scores * (options.scale ? *options.scale : 1 / std::sqrt(static_cast<double>(head.value())));
  else
    scores = scores * rsqrt(number_of(call, to_dim(head), scores.dtype()));
  const DType t = scores.dtype();
  if (options.causal)
    scores = where(tri(scores.size(-2), scores.size(-1), 0, boolean), scores,
                   wrap(call.b.constant_float(-HUGE_VAL, t)));
  if (options.mask) {
    const Tensor& mask = *options.mask;
    check_fits(call, "the mask", mask, scores);
    scores = is_bool(mask.dtype()) ? where(mask, scores, wrap(call.b.constant_float(-HUGE_VAL, t)))
                                   : scores + mask;
  }
  // A row that nothing may attend to gives 0, not NaN.
  Tensor high = stop_gradient(max(scores, -1, true));
  high = where(high == -HUGE_VAL, 0, high);
  const Tensor e = exp(scores - high), total = sum(e, -1, true);
  Tensor weights = options.mask ? e / where(total == 0, 1, total) : e / total;
  if (options.factor) {
    check_fits(call, "the factor", *options.factor, scores);
    weights = weights * *options.factor;
  }
  return matmul(weights, values);
}

}  // namespace anneal
