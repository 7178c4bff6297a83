// SPDX-License-Identifier: MIT
// Entries with op "model": <name>.param.*, .x, .y, .logits, .grad.* (of the first loss) and .losses (each
// before the step that follows it), with `args`:
//   layers  "Linear(6,16) ReLU Linear(16,3)", see programs/sequential.h; or
//   arch    "pre-LN GPT, fused qkv Linear, gelu tanh, untied head without bias; V=19 L=12 d=32 heads=4
//   layers=2" loss    the name of a loss of the op table opt     "adamw lr=1e-2 wd=0", see
//   programs/optimizer.h
// Sizes that the text does not give come from the parameters.
#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "anneal/nn.h"
#include "anneal/transforms.h"
#include "conform/entry.h"
#include "conform/ops.h"
#include "nn/trace.h"
#include "nn/update.h"
#include "programs/optimizer.h"
#include "programs/sequential.h"
#include "programs/session.h"
#include "support/nearest.h"

namespace anneal::conform {

using Json = nlohmann::json;

namespace {

constexpr Tolerance kLateLosses{1e-4};  // steps amplify the rounding of the steps before

// The parameters of the entry by path: data at first, later what the optimizer makes of them.
using Values = std::map<std::string, Tensor>;

Values load_values(const Entry& entry) {
  const std::string prefix = entry.name() + ".param.";
  Values out;
  for (const io::TensorView& view : entry.tensors().tensors())
    if (view.name.starts_with(prefix)) out.emplace(view.name.substr(prefix.size()), entry.load(view.name));
  if (out.empty()) raise(ErrorCode::kData, "there are no tensors " + prefix + "*");
  return out;
}

// Raises where the model and the entry do not have the same parameters.
void check_parameters(const std::vector<nn::NamedParam>& params, const Values& values) {
  std::set<std::string> used;
  for (const nn::NamedParam& p : params) {
    const auto it = values.find(p.name);
    if (it == values.end()) raise(ErrorCode::kName, "there is no parameter " + p.name);
    if (it->second.shape() != p.param.shape())
      raise(ErrorCode::kShape, "parameter " + p.name + " has shape " + shape_text(it->second.shape()) +
                                   ", the model needs " + shape_text(p.param.shape()));
    used.insert(p.name);
  }
  for (const auto& [path, value] : values)
    if (!used.contains(path)) raise(ErrorCode::kData, "the model does not use the parameter " + path);
}

// -- The text of a GPT --

struct GptText {
  std::map<std::string, int64_t> sizes;  // V, L, d, heads, layers
  bool exact_gelu = false, tied = false, head_bias = false;
};

void read_phrase(std::string_view phrase, GptText& out) {
  constexpr std::string_view kPhrases[] = {"pre-LN GPT",
                                           "fused qkv Linear",
                                           "gelu tanh",
                                           "gelu",
                                           "gelu erf",
                                           "untied head without bias",
                                           "untied head with bias",
                                           "untied head",
                                           "tied head"};
  if (std::find(std::begin(kPhrases), std::end(kPhrases), phrase) == std::end(kPhrases))
    raise(ErrorCode::kParse,
          "arch: " + io::in_quotes(phrase) + " is not known" +
              support::nearest_hint("; the nearest is \"", phrase.substr(0, 100), kPhrases, "\""));
  if (phrase == "gelu" || phrase == "gelu erf") out.exact_gelu = true;
  if (phrase == "tied head") out.tied = true;
  if (phrase == "untied head with bias") out.head_bias = true;
}

void read_size(std::string_view word, GptText& out) {
  const size_t equals = word.find('=');
  int64_t v = 0;
  const std::string_view digits =
      equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
  if (digits.empty() || status != std::errc() || end != digits.data() + digits.size() || v < 1 ||
      v > 1'000'000'000)
    raise(ErrorCode::kParse, "arch: a size such as heads=4 is needed, not " + io::in_quotes(word));
  out.sizes[std::string(word.substr(0, equals))] = v;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Phrases with commas, a semicolon, sizes with blanks.
GptText read_arch(std::string_view text) {
  GptText out;
  const size_t semicolon = text.find(';');
  std::string_view phrases = text.substr(0, semicolon);
  std::string_view sizes =
      semicolon == std::string_view::npos ? std::string_view() : text.substr(semicolon + 1);
  while (!phrases.empty()) {
    const size_t comma = phrases.find(',');
    read_phrase(trimmed(phrases.substr(0, comma)), out);
    phrases = comma == std::string_view::npos ? std::string_view() : phrases.substr(comma + 1);
  }
  for (sizes = trimmed(sizes); !sizes.empty(); sizes = trimmed(sizes)) {
    const size_t blank = sizes.find_first_of(" \t,");
    if (blank != 0) read_size(sizes.substr(0, blank), out);
    sizes = blank == std::string_view::npos ? std::string_view() : sizes.substr(blank + 1);
  }
  return out;
}

nn::GptConfig gpt_config(std::string_view text, const Values& values) {
  const GptText arch = read_arch(text);
  const auto extent = [&](const std::string& path, size_t axis) -> int64_t {
    const auto value = values.find(path);
    if (value == values.end()) raise(ErrorCode::kData, "there is no parameter " + path);
    if (value->second.rank() != 2)
      raise(ErrorCode::kShape, "parameter " + path + " has shape " + shape_text(value->second.shape()));
    return value->second.shape()[axis];
  };
  const auto size = [&](const char* name, int64_t fallback) {
    const auto it = arch.sizes.find(name);
    return it == arch.sizes.end() ? fallback : it->second;
  };
  nn::GptConfig config;
  config.vocabulary = size("V", extent("wte.weight", 0));
  config.context = extent("wpe.weight", 0);
  config.width = size("d", extent("wte.weight", 1));
  config.heads = size("heads", 0);
  config.hidden = extent("blocks.0.fc.weight", 0);
  config.layers = size("layers", 0);
  if (config.layers == 0)
    while (values.contains("blocks." + std::to_string(config.layers) + ".fc.weight")) ++config.layers;
  if (config.heads == 0) raise(ErrorCode::kParse, "arch: the number of heads is missing, as in heads=4");
  config.tied = arch.tied;
  config.head_bias = arch.head_bias;
  config.bias = values.contains("blocks.0.fc.bias");
  config.activation = arch.exact_gelu ? nn::Activation::kGelu : nn::Activation::kGeluTanh;
  return config;
}

// -- Running --

class ModelCase {
 public:
  explicit ModelCase(Entry& entry) : entry_(entry), values_(load_values(entry)) {
    const auto it = entry.json().find("args");
    if (it == entry.json().end() || !it->is_object())
      raise(ErrorCode::kData, "a model needs \"args\" with layers or arch");
    const Args args(*it);
    if (args.has("layers"))
      model_.emplace(programs::make_sequential(programs::parse_layers(args.text("layers")),
                                               [&](const std::string& path) { return has(path); }));
    else if (args.has("arch"))
      model_.emplace(nn::Gpt(gpt_config(args.text("arch"), values_)));
    else
      raise(ErrorCode::kData, "a model needs layers or arch in its arguments");
    loss_ = &find_op(args.text("loss", "cross_entropy"));
    optimizer_ = programs::parse_optimizer(args.text("opt", "adamw"));
    x_ = entry.load(entry.name() + ".x");
    y_ = entry.load(entry.name() + ".y");
    nn::detail::Gatherer gatherer;
    model_->anneal_walk(gatherer);
    params_ = std::move(gatherer.found.params);
    check_parameters(params_, values_);
  }

  void run() {
    check_first_step();
    check_losses();
  }

 private:
  // A layer lacks a bias where the entry has its weight alone; a layer that is missing is missed as a whole.
  bool has(const std::string& path) const {
    const std::string layer = path.substr(0, path.rfind('.') + 1);
    const auto first = values_.lower_bound(layer);
    return values_.contains(path) || first == values_.end() || !first->first.starts_with(layer);
  }

  Tensor logits() {
    const nn::Substitute now(params_, parameter_list());
    return (*model_)(x_);
  }

  Tensor loss_of(const Tensor& scores) {
    static const Json kNoArguments = Json::object();
    const Args args(kNoArguments);
    std::vector<Tensor> inputs{scores, y_};
    if (scores.rank() > 2 && y_.rank() == scores.rank() - 1) inputs = {flatten(scores, 0, -2), flatten(y_)};
    return loss_->apply({inputs, args}).values[0];
  }

  std::vector<Tensor> parameter_list() {
    std::vector<Tensor> out;
    for (const nn::NamedParam& p : params_) out.push_back(values_.at(p.name));
    return out;
  }

  void check_first_step() {
    const Tensor scores = logits();
    std::vector<Tensor> values{scores};
    for (Tensor& t : gradients(loss_of(scores), parameter_list())) values.push_back(std::move(t));
    std::vector<std::pair<std::string, const io::TensorView*>> references{
        {"logits", &entry_.view(entry_.name() + ".logits")}};
    for (const nn::NamedParam& p : params_)
      references.emplace_back("grad." + p.name, &entry_.view(entry_.name() + ".grad." + p.name));
    const std::vector<programs::Array> arrays = entry_.evaluate(values);
    for (size_t i = 0; i < arrays.size(); ++i)
      entry_.check(references[i].first, *arrays[i], *references[i].second, kTolerance);
  }

  // One step: the loss before it, and the parameters and states after it.
  Tensor step(int64_t number) {
    const Tensor loss = loss_of(logits());
    const std::vector<Tensor> before = parameter_list();
    const std::vector<Tensor> slopes = gradients(loss, before);
    const Tensor rate = full({}, programs::learning_rate(optimizer_), f32);
    const nn::detail::Updater updater(optimizer_, {full({}, static_cast<double>(number)), rate, rate});
    std::vector<Tensor> results{loss};
    for (size_t i = 0; i < before.size(); ++i) {
      const nn::detail::Target target{params_[i].name, true, params_[i].param.state()->is_table,
                                      before[i].rank()};
      std::vector<Tensor>& own = kept_[params_[i].name];
      if (own.empty()) own.assign(nn::detail::kept_names(optimizer_, target).size(), zeros_like(before[i]));
      const auto next = updater.update(target, before[i], slopes[i], own);
      results.push_back(next.parameter);
      results.insert(results.end(), next.kept.begin(), next.kept.end());
    }
    results = realize(results, {.in_f64 = entry_.in_f64()});
    size_t at = 1;
    for (const nn::NamedParam& p : params_) {
      values_[p.name] = results[at++];
      for (Tensor& kept : kept_[p.name]) kept = results[at++];
    }
    return results[0];
  }

  void check_losses() {
    const io::TensorView& view = entry_.view(entry_.name() + ".losses");
    if (view.shape.size() != 1 || !is_float(view.dtype))
      raise(ErrorCode::kData, "losses: a list of floats is needed");
    const auto size = static_cast<size_t>(dtype_size(view.dtype));
    const int64_t count = view.shape[0];
    for (int64_t i = 0; i < count; ++i) {
      const io::TensorView one{
          view.name, view.dtype, {}, view.data.subspan(static_cast<size_t>(i) * size, size)};
      const Tensor loss = step(i + 1);
      const programs::Array array = entry_.evaluate({loss})[0];
      entry_.check("loss " + std::to_string(i), *array, one, 2 * i < count ? kTolerance : kLateLosses);
    }
  }

  Entry& entry_;
  Values values_;
  std::optional<nn::AnyLayer> model_;
  std::vector<nn::NamedParam> params_;
  const OpEntry* loss_ = nullptr;
  Optimizer optimizer_;
  Tensor x_, y_;
  std::map<std::string, std::vector<Tensor>> kept_;  // by the optimizer, beside each parameter
};

}  // namespace

void run_model(Entry& entry) { ModelCase(entry).run(); }

}  // namespace anneal::conform
