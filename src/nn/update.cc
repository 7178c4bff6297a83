// SPDX-License-Identifier: MIT
#include "nn/update.h"

#include <cmath>

#include "support/check.h"

namespace anneal::nn::detail {
namespace {

bool decays(const NameFilter& filter, const Target& target) {
  return filter ? filter(target.name) : target.decays;
}

bool is_matrix(const Muon& o, const Target& target) {
  return target.rank == 2 && (o.matrices ? o.matrices(target.name) : !target.is_table);
}

// The gradient with the decay that is part of it.
Tensor with_decay(double decay, const NameFilter& filter, const Target& t, const Tensor& p, const Tensor& g) {
  return decay != 0 && decays(filter, t) ? g + p * decay : g;
}

// The parameter less the decay that is its own.
Tensor decayed(double decay, const NameFilter& filter, const Target& t, const Tensor& p, const Tensor& lr) {
  return decay != 0 && decays(filter, t) ? p * (1 - lr * decay) : p;
}

// X (a I + b A + c A A) with A = X X^T, a few times: the singular values come near 1.
Tensor orthogonal(const Tensor& matrix, int steps) {
  const bool tall = matrix.shape()[0] > matrix.shape()[1];
  Tensor x = tall ? transpose(matrix) : matrix;
  x = x / (sqrt(sum(square(x))) + 1e-7);
  for (int i = 0; i < steps; ++i) {
    const Tensor a = matmul(x, transpose(x));
    x = x * 3.4445 + matmul(a * -4.7750 + matmul(a, a) * 2.0315, x);
  }
  return tall ? transpose(x) : x;
}

}  // namespace

std::vector<std::string> kept_names(const Optimizer& optimizer, const Target& target) {
  struct Names {
    const Target& target;
    std::vector<std::string> operator()(const Sgd& o) const {
      return o.momentum != 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{};
    }
    std::vector<std::string> operator()(const Adam&) const { return {"m", "v"}; }
    std::vector<std::string> operator()(const AdamW&) const { return {"m", "v"}; }
    std::vector<std::string> operator()(const Lion&) const { return {"m"}; }
    std::vector<std::string> operator()(const Muon& o) const {
      return is_matrix(o, target) ? std::vector<std::string>{"momentum"} : std::vector<std::string>{"m", "v"};
    }
  };
  return std::visit(Names{target}, optimizer);
}

void check(const Call& call, const Optimizer& optimizer, const Clip& clip) {
  if (!(clip.norm >= 0) || !(clip.value >= 0))
    call.fail(ErrorCode::kArgument, "clip is " + std::to_string(clip.norm) + " by norm and " +
                                        std::to_string(clip.value) + " by value: neither can be negative");
  if (const auto* sgd = std::get_if<Sgd>(&optimizer); sgd != nullptr && sgd->nesterov && sgd->momentum == 0)
    call.fail(ErrorCode::kArgument, "Sgd: nesterov is a way of momentum, which is 0");
}

std::vector<Schedule*> schedules(Optimizer& optimizer) {
  if (auto* muon = std::get_if<Muon>(&optimizer)) return {&muon->lr, &muon->rest.lr};
  return {std::visit([](auto& o) { return &o.lr; }, optimizer)};
}

// 1 - beta^step without loss of digits. Both corrections move out of the parameters' arithmetic:
// lr / c1 * m / (sqrt(v) / sqrt(c2) + eps) = (lr * sqrt(c2) / c1) * m / (sqrt(v) + eps * sqrt(c2)).
Updater::AdamScalars Updater::adam_scalars(const Tensor& lr, double beta1, double beta2, double eps) const {
  const Tensor& t = scalars_.step;
  const Tensor c1 = neg(expm1(t * std::log(beta1))), root = sqrt(neg(expm1(t * std::log(beta2))));
  return {root * lr / c1, root * eps};
}

Updater::Updater(const Optimizer& optimizer, const StepScalars& scalars)
    : optimizer_(optimizer), scalars_(scalars) {
  if (const auto* adam = std::get_if<Adam>(&optimizer))
    adam_ = adam_scalars(scalars.lr, adam->beta1, adam->beta2, adam->eps);
  if (const auto* adamw = std::get_if<AdamW>(&optimizer))
    adam_ = adam_scalars(scalars.lr, adamw->beta1, adamw->beta2, adamw->eps);
  if (const auto* muon = std::get_if<Muon>(&optimizer))
    adam_ = adam_scalars(scalars.rest_lr, muon->rest.beta1, muon->rest.beta2, muon->rest.eps);
}

Updater::Next Updater::apply(const Sgd& o, const Target& t, const Tensor& p, const Tensor& g,
                             const std::vector<Tensor>& kept) const {
  const Tensor slope = with_decay(o.weight_decay, o.decays, t, p, g);
  if (o.momentum == 0) return {p - slope * scalars_.lr, {}};
  const Tensor velocity = kept[0] * o.momentum + slope;
  return {p - (o.nesterov ? slope + velocity * o.momentum : velocity) * scalars_.lr, {velocity}};
}

namespace {

struct Moments {
  Tensor m, v;
};
Moments moments(const Tensor& g, const std::vector<Tensor>& kept, double beta1, double beta2) {
  return {kept[0] + (g - kept[0]) * (1 - beta1), kept[1] * beta2 + g * g * (1 - beta2)};
}

}  // namespace

Updater::Next Updater::apply(const Adam& o, const Target& t, const Tensor& p, const Tensor& g,
                             const std::vector<Tensor>& kept) const {
  const auto [m, v] = moments(with_decay(o.weight_decay, o.decays, t, p, g), kept, o.beta1, o.beta2);
  return {p - m * adam_.step_size / (sqrt(v) + adam_.epsilon), {m, v}};
}

Updater::Next Updater::apply(const AdamW& o, const Target& t, const Tensor& p, const Tensor& g,
                             const std::vector<Tensor>& kept) const {
  const auto [m, v] = moments(g, kept, o.beta1, o.beta2);
  const Tensor& lr = std::holds_alternative<Muon>(optimizer_) ? scalars_.rest_lr : scalars_.lr;
  const Tensor left = decayed(o.weight_decay, o.decays, t, p, lr);
  return {left - m * adam_.step_size / (sqrt(v) + adam_.epsilon), {m, v}};
}

Updater::Next Updater::apply(const Lion& o, const Target& t, const Tensor& p, const Tensor& g,
                             const std::vector<Tensor>& kept) const {
  const Tensor direction = sign(kept[0] * o.beta1 + g * (1 - o.beta1));
  const Tensor left = decayed(o.weight_decay, o.decays, t, p, scalars_.lr);
  return {left - direction * scalars_.lr, {kept[0] * o.beta2 + g * (1 - o.beta2)}};
}

Updater::Next Updater::apply(const Muon& o, const Target& t, const Tensor& p, const Tensor& g,
                             const std::vector<Tensor>& kept) const {
  if (!is_matrix(o, t)) return apply(o.rest, t, p, g, kept);
  const Tensor velocity = kept[0] * o.momentum + g;
  const Tensor direction = orthogonal(o.nesterov ? g + velocity * o.momentum : velocity, o.steps);
  const std::vector<int64_t> shape = p.shape();
  const double scale =
      std::sqrt(std::max(1.0, static_cast<double>(shape[0]) / static_cast<double>(shape[1])));
  const Tensor left = decayed(o.weight_decay, o.decays, t, p, scalars_.lr);
  return {left - direction * scale * scalars_.lr, {velocity}};
}

Updater::Next Updater::update(const Target& target, const Tensor& parameter, const Tensor& gradient,
                              const std::vector<Tensor>& kept) const {
  // Narrow parameters are updated in f32, in which the state is kept.
  const DType t = parameter.dtype(), work = t == f64 ? f64 : f32;
  Next next = std::visit(
      [&](const auto& o) { return apply(o, target, cast(parameter, work), cast(gradient, work), kept); },
      optimizer_);
  next.parameter = cast(next.parameter, t);
  for (Tensor& k : next.kept) k = cast(k, work);
  return next;
}

std::vector<Tensor> clipped(const Clip& clip, std::vector<Tensor> gradients) {
  if (clip.value > 0)
    for (Tensor& g : gradients) g = clamp(g, In(-clip.value), In(clip.value));
  if (clip.norm > 0) {
    Tensor total;
    for (const Tensor& g : gradients) {
      const Tensor own = sum(square(g.dtype() == f64 ? g : cast(g, f32)));
      total = total.defined() ? total + own : own;
    }
    const Tensor scale = minimum(clip.norm / (sqrt(total) + 1e-6), 1);
    for (Tensor& g : gradients) g = g * (g.dtype() == f64 ? scale : cast(scale, f32));
  }
  return gradients;
}

}  // namespace anneal::nn::detail
