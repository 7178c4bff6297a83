// SPDX-License-Identifier: MIT
// Losses, and dropout.
#include <cmath>

#include "anneal/random.h"
#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"
#include "tensor/shared.h"

namespace anneal {

using ir::Dim;
using ir::Node;

namespace {

Tensor reduced(const Tensor& t, Reduction reduction) {
  switch (reduction) {
    case Reduction::kMean: return mean(t);
    case Reduction::kSum: return sum(t);
    case Reduction::kNone: return t;
  }
  return t;
}

// [N, C] or [C] with classes last, [N, C, ...] with classes on axis 1: brought to classes last.
struct Classified {
  Tensor scores;   // [..., C]
  Tensor targets;  // [...]
};
Classified classes_last(const Call& call, const In& scores, const In& targets) {
  Tensor s = wrap(call.float_node(scores));
  const Tensor t = wrap(call.node(targets));
  if (!is_int(t.dtype()))
    call.fail(ErrorCode::kDType,
              "the targets are " + std::string(dtype_name(t.dtype())) + ", they must be class numbers");
  if (s.rank() < 1 || t.rank() != s.rank() - 1)
    call.fail(ErrorCode::kShape, "targets " + t.type() + " for scores " + s.type() +
                                     ": the targets have every axis but the classes");
  // Classes on axis 1 as in PyTorch; [B, T, C] against [B, T] is accepted where it cannot mean anything else.
  const auto fits = [&](int class_axis) {
    const ir::Shape a = call.g.shape(node_of(s)), b = call.g.shape(node_of(t));
    for (size_t i = 0, j = 0; i < a.size(); ++i)
      if (i != static_cast<size_t>(class_axis) && ir::dim_equal(call.g, a[i], b[j++]) == ir::Tri::kFalse)
        return false;
    return true;
  };
  if (s.rank() > 2 && fits(1)) {
    s = movedim(s, {1}, {-1});
  } else if (!fits(s.rank() - 1)) {
    call.fail(ErrorCode::kShape, "targets " + t.type() + " do not fit scores " + s.type());
  }
  return {s, t};
}

// Where the label counts. An ignore_index that the labels' type does not have is met by none of them.
Tensor is_kept(const Tensor& labels, int64_t ignore_index) {
  const DType t = labels.dtype();
  const bool fits =
      ir::Scalar::from_int(ignore_index, t).as_int(t) == ignore_index && (t != u64 || ignore_index >= 0);
  return fits ? labels != ignore_index : cast(ones_like(labels), boolean);
}

// NaN for the rows whose label is no class: a gather gives 0 there, which would pass for a score.
Tensor nan_unless_class(const Call& call, const Tensor& losses, const Tensor& labels, const Tensor& scores) {
  const Tensor classes = number_of(call, call.g.shape(node_of(scores)).back(), i64);
  const Tensor label = cast(labels, i64);  // a u64 above the range of i64 becomes negative
  return where((label >= 0) & (label < classes), losses, NAN);
}

// The weighted mean over what is not ignored.
Tensor reduce_kept(const Tensor& losses, const Tensor& kept, Reduction reduction) {
  const Tensor masked = where(kept, losses, 0);
  if (reduction == Reduction::kMean) return sum(masked) / cast(sum(kept), losses.dtype());
  return reduced(masked, reduction);
}

// Against probabilities instead of class numbers.
Tensor soft_cross_entropy(const Call& call, const Tensor& logits, const Tensor& target,
                          const CrossEntropyOptions& options) {
  const ir::Shape shape = call.g.shape(node_of(logits)), given = call.g.shape(node_of(target));
  bool fits = shape.size() == given.size() && !shape.empty();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = ir::dim_equal(call.g, shape[i], given[i]) != ir::Tri::kFalse;
  if (!fits)
    call.fail(ErrorCode::kDType, "the targets are " + target.type() +
                                     ", they must be class numbers, or probabilities of the shape of " +
                                     logits.type());
  const int axis = shape.size() < 2 ? 0 : 1;
  const DType wide = accumulation_dtype(logits.dtype());
  Tensor p = cast(target, wide);
  if (options.label_smoothing > 0) {
    const Tensor classes = number_of(call, shape[static_cast<size_t>(axis)], wide);
    p = p * (1 - options.label_smoothing) + options.label_smoothing / classes;
  }
  const Tensor losses = -sum(p * log_softmax(cast(logits, wide), axis), axis);
  return cast(reduced(losses, options.reduction), logits.dtype());
}

}  // namespace

Tensor cross_entropy(In logits, In targets, const CrossEntropyOptions& options) {
  const Call call("cross_entropy", {&logits, &targets});
  if (options.label_smoothing < 0 || options.label_smoothing > 1)
    call.fail(ErrorCode::kArgument, "label_smoothing must lie in [0, 1]");
  if (const Tensor p = wrap(call.node(targets)); is_float(p.dtype()))
    return soft_cross_entropy(call, wrap(call.float_node(logits)), p, options);
  const auto [scores, labels] = classes_last(call, logits, targets);
  const DType own = scores.dtype(), wide = accumulation_dtype(own);
  const Tensor x = cast(scores, wide);
  // loss = logsumexp(x) - x[target]: no probability is stored.
  const Tensor lse = logsumexp(x, -1);
  const Tensor chosen = squeeze(gather(x, -1, unsqueeze(labels, -1)), -1);
  Tensor losses = lse - chosen;
  if (options.label_smoothing > 0)
    losses = (1 - options.label_smoothing) * losses + options.label_smoothing * (lse - mean(x, -1));
  losses = nan_unless_class(call, losses, labels, scores);
  return cast(reduce_kept(losses, is_kept(labels, options.ignore_index), options.reduction), own);
}

Tensor nll_loss(In log_probabilities, In targets, int64_t ignore_index, Reduction reduction) {
  const Call call("nll_loss", {&log_probabilities, &targets});
  const auto [scores, labels] = classes_last(call, log_probabilities, targets);
  const Tensor chosen = squeeze(gather(scores, -1, unsqueeze(labels, -1)), -1);
  const Tensor losses = nan_unless_class(call, -chosen, labels, scores);
  return reduce_kept(losses, is_kept(labels, ignore_index), reduction);
}

Tensor mse_loss(In x, In target, Reduction reduction) {
  const Call call("mse_loss", {&x, &target});
  return reduced(square(x - target), reduction);
}

Tensor l1_loss(In x, In target, Reduction reduction) {
  const Call call("l1_loss", {&x, &target});
  return reduced(abs(x - target), reduction);
}

Tensor huber_loss(In x, In target, double delta, Reduction reduction) {
  const Call call("huber_loss", {&x, &target});
  if (!(delta > 0)) call.fail(ErrorCode::kArgument, "delta must be positive");
  const Tensor d = x - target, a = abs(d);
  return reduced(where(a <= delta, 0.5 * d * d, delta * (a - 0.5 * delta)), reduction);
}

Tensor smooth_l1_loss(In x, In target, double beta, Reduction reduction) {
  const Call call("smooth_l1_loss", {&x, &target});
  if (beta == 0) return l1_loss(x, target, reduction);
  return huber_loss(x, target, beta, reduction) / beta;
}

Tensor bce_with_logits(In logits, In target, Reduction reduction) {
  const Call call("bce_with_logits", {&logits, &target});
  const DType t = call.float_dtype({&logits, &target});
  const Tensor x = wrap(call.node(logits, t)), y = wrap(call.node(target, t));
  return reduced((1 - y) * x + softplus(-x, 1, HUGE_VAL), reduction);
}

// Logarithms are cut at -100, as in PyTorch, and have no slope below.
Tensor binary_cross_entropy(In probability, In target, Reduction reduction) {
  const Call call("binary_cross_entropy", {&probability, &target});
  const DType t = call.float_dtype({&probability, &target});
  const Tensor p = wrap(call.node(probability, t)), y = wrap(call.node(target, t));
  const auto log_of = [](const Tensor& q) {
    const Tensor none = q <= 0, value = log(where(none, 1, q));
    return where(none | (value < -100.0), -100.0, value);
  };
  return reduced(-(y * log_of(p) + (1 - y) * log_of(1 - p)), reduction);
}

Tensor soft_margin_loss(In x, In target, Reduction reduction) {
  const Call call("soft_margin_loss", {&x, &target});
  return reduced(softplus(-(x * target), 1, HUGE_VAL), reduction);
}

Tensor poisson_nll_loss(In x, In target, bool log_input, double eps, Reduction reduction) {
  const Call call("poisson_nll_loss", {&x, &target});
  const DType t = call.float_dtype({&x, &target});
  const Tensor rate = wrap(call.node(x, t)), y = wrap(call.node(target, t));
  return reduced(log_input ? exp(rate) - y * rate : rate - y * log(rate + eps), reduction);
}

Tensor gaussian_nll_loss(In x, In target, In var, double eps, Reduction reduction) {
  const Call call("gaussian_nll_loss", {&x, &target, &var});
  if (!(eps > 0)) call.fail(ErrorCode::kArgument, "eps must be positive");
  const DType t = call.float_dtype({&x, &target, &var});
  const Tensor spread = maximum(wrap(call.node(var, t)), eps);
  const Tensor apart = wrap(call.node(x, t)) - wrap(call.node(target, t));
  return reduced((log(spread) + square(apart) / spread) * 0.5, reduction);
}

Tensor kl_div(In log_probabilities, In target, Reduction reduction, bool log_target) {
  const Call call("kl_div", {&log_probabilities, &target});
  const Tensor t = wrap(call.node(target, call.float_dtype({&log_probabilities, &target})));
  if (log_target) return reduced(exp(t) * (t - log_probabilities), reduction);
  // 0 * log 0 is 0 here, and so is its derivative.
  const Tensor entropy = where(t > 0, t * log(where(t > 0, t, 1)), 0);
  return reduced(entropy - t * log_probabilities, reduction);
}

Tensor dropout(In x, double p, uint64_t seed) {
  const Call call("dropout", {&x});
  const Tensor t = wrap(call.float_node(x));
  if (!(p >= 0 && p <= 1)) call.fail(ErrorCode::kArgument, "p must lie in [0, 1]");
  if (p == 0) return t;
  const Tensor kept = Rng(seed).bernoulli(1 - p, t.sizes());
  return where(kept, p < 1 ? t * (1 / (1 - p)) : zeros_like(t), 0);
}

}  // namespace anneal
