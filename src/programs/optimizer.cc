// SPDX-License-Identifier: MIT
#include "programs/optimizer.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "anneal/error.h"
#include "support/nearest.h"

namespace anneal::programs {
namespace {

// What a text may set; an optimizer takes of it what it has.
struct Settings {
  std::string_view name;
  std::optional<double> lr, weight_decay, beta1, beta2, epsilon, momentum;
};

struct Setting {
  std::string_view name;
  std::optional<double> Settings::* member;
};
constexpr Setting kSettings[] = {
    {"lr", &Settings::lr},       {"wd", &Settings::weight_decay}, {"weight_decay", &Settings::weight_decay},
    {"b1", &Settings::beta1},    {"beta1", &Settings::beta1},     {"b2", &Settings::beta2},
    {"beta2", &Settings::beta2}, {"eps", &Settings::epsilon},     {"momentum", &Settings::momentum},
};

[[noreturn]] void fail(const std::string& what) { raise(ErrorCode::kParse, "optimizer: " + what); }

void apply_setting(Settings& settings, std::string_view key, std::string_view value) {
  double v = 0;
  const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), v);
  if (status != std::errc() || end != value.data() + value.size() || !std::isfinite(v))
    fail(std::string(key) + " needs a number, not '" + std::string(value) + "'");
  std::vector<std::string_view> names;
  for (const Setting& setting : kSettings) {
    names.push_back(setting.name);
    if (setting.name != key) continue;
    settings.*setting.member = v;
    return;
  }
  fail("there is no setting " + std::string(key) + support::nearest_hint("; the nearest is ", key, names));
}

Settings read_settings(std::string_view text) {
  Settings out;
  while (!text.empty()) {
    const size_t space = text.find_first_of(" \t");
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (const size_t equals = word.find('='); equals != std::string_view::npos)
      apply_setting(out, word.substr(0, equals), word.substr(equals + 1));
    else if (out.name.empty())
      out.name = word;
  }
  return out;
}

bool all_parameters(std::string_view) { return true; }

// Settings that an optimizer has members for.
template <typename O>
O with(O out, const Settings& s) {
  out.decays = all_parameters;
  if (s.lr) out.lr = *s.lr;
  if (s.weight_decay) out.weight_decay = *s.weight_decay;
  if constexpr (requires { out.beta1; }) {
    out.beta1 = s.beta1.value_or(out.beta1);
    out.beta2 = s.beta2.value_or(out.beta2);
  }
  if constexpr (requires { out.eps; }) out.eps = s.epsilon.value_or(out.eps);
  if constexpr (requires { out.momentum; }) out.momentum = s.momentum.value_or(out.momentum);
  return out;
}

}  // namespace

Optimizer parse_optimizer(std::string_view text) {
  const Settings settings = read_settings(text);
  constexpr double kRate = 1e-3;  // where the text has none
  if (settings.name == "sgd") return with(Sgd{.lr = kRate}, settings);
  if (settings.name == "adam") return with(Adam{.lr = kRate}, settings);
  if (settings.name == "adamw") return with(AdamW{.lr = kRate}, settings);
  if (settings.name == "lion") return with(Lion{.lr = kRate}, settings);
  if (settings.name == "muon") return with(Muon{}, settings);
  if (settings.name.empty()) fail("a name is needed: sgd, adam, adamw, lion or muon");
  fail("there is no optimizer '" + std::string(settings.name) +
       "'; there are sgd, adam, adamw, lion and muon");
}

double learning_rate(const Optimizer& optimizer) {
  return std::visit([](const auto& o) { return o.lr(0); }, optimizer);
}
void set_learning_rate(Optimizer& optimizer, double lr) {
  std::visit([&](auto& o) { o.lr = lr; }, optimizer);
}

}  // namespace anneal::programs
