// SPDX-License-Identifier: MIT
#include "programs/optimizer.h"

#include <charconv>
#include <cmath>
#include <string>

#include "support/nearest.h"

namespace anneal::programs {
namespace {

constexpr std::string_view kKindNames[] = {"sgd", "adam", "adamw"};

struct Setting {
  std::string_view name;
  double OptimizerSpec::* member;
};
constexpr Setting kSettings[] = {
    {"lr", &OptimizerSpec::lr},
    {"wd", &OptimizerSpec::weight_decay},
    {"weight_decay", &OptimizerSpec::weight_decay},
    {"b1", &OptimizerSpec::beta1},
    {"beta1", &OptimizerSpec::beta1},
    {"b2", &OptimizerSpec::beta2},
    {"beta2", &OptimizerSpec::beta2},
    {"eps", &OptimizerSpec::epsilon},
    {"momentum", &OptimizerSpec::momentum},
};

[[noreturn]] void fail(const std::string& what) { raise(ErrorCode::kParse, "optimizer: " + what); }

void apply_setting(OptimizerSpec& spec, std::string_view key, std::string_view value) {
  double v = 0;
  const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), v);
  if (status != std::errc() || end != value.data() + value.size() || !std::isfinite(v))
    fail(std::string(key) + " needs a number, not '" + std::string(value) + "'");
  std::vector<std::string_view> names;
  for (const Setting& setting : kSettings) {
    names.push_back(setting.name);
    if (setting.name != key) continue;
    spec.*setting.member = v;
    return;
  }
  fail("there is no setting " + std::string(key) + support::nearest_hint("; the nearest is ", key, names));
}

}  // namespace

OptimizerSpec parse_optimizer(std::string_view text) {
  OptimizerSpec spec;
  bool named = false;
  while (!text.empty()) {
    const size_t space = text.find_first_of(" \t");
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (const size_t equals = word.find('='); equals != std::string_view::npos) {
      apply_setting(spec, word.substr(0, equals), word.substr(equals + 1));
    } else if (!word.empty() && !named) {
      named = true;
      size_t kind = 0;
      while (kind < std::size(kKindNames) && kKindNames[kind] != word) ++kind;
      if (kind == std::size(kKindNames))
        fail("there is no optimizer '" + std::string(word) + "'; there are sgd, adam and adamw");
      spec.kind = static_cast<OptimizerKind>(kind);
      if (spec.kind != OptimizerKind::kAdamW) spec.weight_decay = 0;
    }
  }
  if (!named) fail("a name is needed: sgd, adam or adamw");
  return spec;
}

Optimizer::Optimizer(const OptimizerSpec& spec, const Tensor& step) : spec_(spec) {
  if (spec.kind == OptimizerKind::kSgd) return;
  // 1 - beta^step without loss of digits. Both corrections move out of the parameters' arithmetic:
  // lr / c1 * m / (sqrt(v) / sqrt(c2) + eps) = (lr * sqrt(c2) / c1) * m / (sqrt(v) + eps * sqrt(c2)).
  const Tensor t = cast(step, f32);
  const Tensor c1 = neg(expm1(t * std::log(spec.beta1))), root = sqrt(neg(expm1(t * std::log(spec.beta2))));
  step_size_ = root * spec.lr / c1;
  epsilon_ = root * spec.epsilon;
}

Optimizer::Next Optimizer::update_sgd(const Tensor& parameter, const Tensor& gradient,
                                      const std::vector<Tensor>& states) const {
  const Tensor g = spec_.weight_decay == 0 ? gradient : gradient + parameter * spec_.weight_decay;
  if (spec_.momentum == 0) return {parameter - g * spec_.lr, {}};
  const Tensor velocity = states[0] * spec_.momentum + g;
  return {parameter - velocity * spec_.lr, {velocity}};
}

Optimizer::Next Optimizer::update(const Tensor& parameter, const Tensor& gradient,
                                  const std::vector<Tensor>& states) const {
  if (spec_.kind == OptimizerKind::kSgd) return update_sgd(parameter, gradient, states);
  const bool decoupled = spec_.kind == OptimizerKind::kAdamW && spec_.weight_decay != 0;
  const bool in_gradient = spec_.kind == OptimizerKind::kAdam && spec_.weight_decay != 0;
  const Tensor g = in_gradient ? gradient + parameter * spec_.weight_decay : gradient;
  const Tensor m = states[0] + (g - states[0]) * (1 - spec_.beta1);
  const Tensor v = states[1] * spec_.beta2 + g * g * (1 - spec_.beta2);
  const Tensor kept = decoupled ? parameter * (1 - spec_.lr * spec_.weight_decay) : parameter;
  return {kept - m * step_size_ / (sqrt(v) + epsilon_), {m, v}};
}

}  // namespace anneal::programs
