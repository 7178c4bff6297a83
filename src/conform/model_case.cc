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

#include "anneal/transforms.h"
#include "conform/entry.h"
#include "conform/ops.h"
#include "programs/gpt.h"
#include "programs/optimizer.h"
#include "programs/sequential.h"
#include "programs/session.h"
#include "support/nearest.h"

namespace anneal::conform {

using Json = nlohmann::json;
using programs::GptConfig;

namespace {

constexpr Tolerance kLateLosses{1e-4};  // steps amplify the rounding of the steps before

// The parameters of the entry: data at first, later what the optimizer makes of them.
class FileParameters final : public programs::Parameters {
 public:
  explicit FileParameters(const Entry& entry) : prefix_(entry.name() + ".param.") {
    for (const io::TensorView& view : entry.tensors().tensors())
      if (view.name.starts_with(prefix_))
        values_.emplace(view.name.substr(prefix_.size()), entry.load(view.name));
    if (values_.empty()) raise(ErrorCode::kData, "there are no tensors " + prefix_ + "*");
  }

  std::map<std::string, Tensor>& values() { return values_; }
  const Tensor* find_value(const std::string& path) const {
    const auto it = values_.find(path);
    return it == values_.end() ? nullptr : &it->second;
  }
  // A parameter that no layer asked for; empty when there is none.
  std::string unused() const {
    for (const auto& [path, value] : values_)
      if (!used_.contains(path)) return path;
    return {};
  }

 private:
  Tensor find(const std::string& path, const std::vector<int64_t>& shape, const programs::Init&) override {
    const Tensor* value = find_value(path);
    if (value == nullptr) return {};
    used_.insert(path);
    if (value->shape() != shape)
      raise(ErrorCode::kShape, "parameter " + path + " has shape " + shape_text(value->shape()) +
                                   ", the model needs " + shape_text(shape));
    return *value;
  }

  std::string prefix_;
  std::map<std::string, Tensor> values_;
  std::set<std::string> used_;
};

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

GptConfig gpt_config(std::string_view text, const FileParameters& parameters) {
  const GptText arch = read_arch(text);
  const auto extent = [&](const std::string& path, size_t axis) -> int64_t {
    const Tensor* value = parameters.find_value(path);
    if (value == nullptr) raise(ErrorCode::kData, "there is no parameter " + path);
    if (value->rank() != 2)
      raise(ErrorCode::kShape, "parameter " + path + " has shape " + shape_text(value->shape()));
    return value->shape()[axis];
  };
  const auto size = [&](const char* name, int64_t fallback) {
    const auto it = arch.sizes.find(name);
    return it == arch.sizes.end() ? fallback : it->second;
  };
  GptConfig config;
  config.vocabulary = size("V", extent("wte.weight", 0));
  config.context = extent("wpe.weight", 0);
  config.width = size("d", extent("wte.weight", 1));
  config.heads = size("heads", 0);
  config.hidden = extent("blocks.0.fc.weight", 0);
  config.layers = size("layers", 0);
  if (config.layers == 0)
    while (parameters.find_value("blocks." + std::to_string(config.layers) + ".fc.weight") != nullptr)
      ++config.layers;
  if (config.heads == 0) raise(ErrorCode::kParse, "arch: the number of heads is missing, as in heads=4");
  config.tied = arch.tied;
  config.head_bias = arch.head_bias;
  config.gelu = arch.exact_gelu ? Gelu::kErf : Gelu::kTanh;
  return config;
}

// -- Running --

class ModelCase {
 public:
  explicit ModelCase(Entry& entry) : entry_(entry), parameters_(entry) {
    const auto it = entry.json().find("args");
    if (it == entry.json().end() || !it->is_object())
      raise(ErrorCode::kData, "a model needs \"args\" with layers or arch");
    const Args args(*it);
    if (args.has("layers"))
      layers_ = programs::parse_layers(args.text("layers"));
    else if (args.has("arch"))
      gpt_ = gpt_config(args.text("arch"), parameters_);
    else
      raise(ErrorCode::kData, "a model needs layers or arch in its arguments");
    loss_ = &find_op(args.text("loss", "cross_entropy"));
    optimizer_ = programs::parse_optimizer(args.text("opt", "adamw"));
    x_ = entry.load(entry.name() + ".x");
    y_ = entry.load(entry.name() + ".y");
  }

  void run() {
    check_first_step();
    check_losses();
  }

 private:
  Tensor logits() {
    Tensor out =
        gpt_ ? programs::gpt(parameters_, *gpt_, x_) : programs::sequential(parameters_, layers_, x_);
    if (const std::string left = parameters_.unused(); !left.empty())
      raise(ErrorCode::kData, "the model does not use the parameter " + left);
    return out;
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
    for (const auto& [path, value] : parameters_.values()) out.push_back(value);
    return out;
  }

  void check_first_step() {
    const Tensor scores = logits();
    std::vector<Tensor> values{scores};
    for (Tensor& t : gradients(loss_of(scores), parameter_list())) values.push_back(std::move(t));
    std::vector<std::pair<std::string, const io::TensorView*>> references{
        {"logits", &entry_.view(entry_.name() + ".logits")}};
    for (const auto& [path, value] : parameters_.values())
      references.emplace_back("grad." + path, &entry_.view(entry_.name() + ".grad." + path));
    const std::vector<programs::Array> arrays = entry_.evaluate(values);
    for (size_t i = 0; i < arrays.size(); ++i)
      entry_.check(references[i].first, *arrays[i], *references[i].second, kTolerance);
  }

  // One step: the loss before it, and the parameters and states after it.
  Tensor step(int64_t number) {
    const Tensor loss = loss_of(logits());
    const std::vector<Tensor> before = parameter_list();
    const std::vector<Tensor> slopes = gradients(loss, before);
    const programs::Optimizer optimizer(optimizer_, full({}, static_cast<double>(number)));
    const size_t kept = optimizer_.states();
    std::vector<Tensor> results{loss};
    for (size_t i = 0; i < before.size(); ++i) {
      std::vector<Tensor> own;
      for (size_t s = 0; s < kept; ++s)
        own.push_back(states_.empty() ? zeros_like(before[i]) : states_[i * kept + s]);
      const auto next = optimizer.update(before[i], slopes[i], own);
      results.push_back(next.parameter);
      results.insert(results.end(), next.states.begin(), next.states.end());
    }
    results = realize(results, {.in_f64 = entry_.in_f64()});
    states_.clear();
    size_t at = 1;
    for (auto& [path, value] : parameters_.values()) {
      value = results[at++];
      for (size_t s = 0; s < kept; ++s) states_.push_back(results[at++]);
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
  FileParameters parameters_;
  std::vector<programs::LayerSpec> layers_;
  std::optional<GptConfig> gpt_;
  const OpEntry* loss_ = nullptr;
  programs::OptimizerSpec optimizer_;
  Tensor x_, y_;
  std::vector<Tensor> states_;
};

}  // namespace

void run_model(Entry& entry) { ModelCase(entry).run(); }

}  // namespace anneal::conform
