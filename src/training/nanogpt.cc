// SPDX-License-Identifier: MIT
// nanogpt: a GPT that reads and writes characters.
#include <cstdio>

#include "anneal/nn.h"
#include "anneal/sampling.h"
#include "anneal/tokenizer.h"
#include "programs/models.h"
#include "training/models.h"
#include "training/sources.h"
#include "training/text_data.h"

namespace anneal::training {
namespace {

constexpr int64_t kWarmup = 50, kSampled = 300;

nn::GptConfig config_of(const Settings& s, int64_t vocabulary) {
  programs::ModelSizes sizes = programs::resized(
      programs::kNanoGpt.trained, {.layers = s.layers, .heads = s.heads, .width = s.width, .block = s.block},
      "nanogpt");
  sizes.vocabulary = vocabulary;
  const nn::GptConfig config = programs::gpt_config(sizes);
  check_size(config);
  return config;
}

class NanoGpt final : public Trainable {
 public:
  NanoGpt(const Settings& settings, const Text& text, CharTokenizer tokens)
      : Trainable(settings),
        tokens_(std::move(tokens)),
        origin_(text.origin),
        note_(text.note),
        path_(text.path),
        config_(config_of(settings, tokens_.size())),
        batch_(given_or(settings.batch, programs::kNanoGpt.trained.batch)),
        data_(tokens_.encode(text.text), config_.context),
        step_(compile(Training{
            .model = nn::Gpt(config_),
            .loss = [](const nn::Gpt& m,
                       Inputs in) { return nn::language_model_loss(m(in["ids"]), in["targets"]); },
            .inputs = {{"ids", {batch_, config_.context}, i32}, {"targets", {batch_, config_.context}, i32}},
            .optimizer = AdamW{.lr = schedule(settings), .beta2 = 0.99, .weight_decay = 0.1},
            .seed = settings.seed,
            .clip = {.norm = 1},
            .nan_trap = settings.nan_trap})) {}

  const AnyStep& step() const override { return step_; }
  NamedTensors batch(int64_t step) const override { return data_.batch(batch_, settings_.seed, step); }
  int64_t items(int64_t) const override { return batch_ * config_.context; }
  double item_bytes() const override { return 2 * sizeof(int32_t); }
  std::string_view unit() const override { return "tokens"; }
  std::vector<std::string> data_files() const override { return {path_}; }
  std::vector<std::string> about() const override {
    std::vector<std::string> out = {
        std::to_string(config_.layers) + " layers of width " + std::to_string(config_.width) + ", " +
            std::to_string(config_.heads) + " heads, " + std::to_string(config_.context) +
            " characters at a time, " + size_of(step_),
        origin_ + ", " + std::to_string(tokens_.size()) + " different characters"};
    if (!note_.empty()) out.push_back(note_);
    return out;
  }
  std::vector<std::string> finish() const override {
    char loss[64];
    std::snprintf(loss, sizeof loss, "validation loss: %.4f, over the last tenth of the text",
                  validation_loss());
    return {loss, "sample:", sample_text()};
  }

 protected:
  void describe(Checkpoint& out) const override {
    out.texts["model"] = "nanogpt";
    out.texts["alphabet"] = tokens_.alphabet();
    out.integers["layers"] = config_.layers;
    out.integers["heads"] = config_.heads;
    out.integers["dmodel"] = config_.width;
    out.integers["block"] = config_.context;
    out.integers["batch"] = batch_;
  }

 private:
  static Schedule schedule(const Settings& s) {
    const double peak = s.lr != 0 ? s.lr : 3e-3;
    return warmup_cosine(peak, std::min(kWarmup, std::max<int64_t>(s.steps / 10, 1)), s.steps, 0.05 * peak);
  }

  double validation_loss() const {
    const auto loss = step_.attach(
        [](const nn::Gpt& m, Inputs in) { return nn::language_model_loss(m(in["ids"]), in["targets"]); },
        {{"ids", {batch_, config_.context}, i32}, {"targets", {batch_, config_.context}, i32}});
    const int64_t batches = data_.held_out_batches(batch_);
    double sum = 0;
    for (int64_t i = 0; i < batches; ++i)
      sum += static_cast<double>(loss(data_.held_out(batch_, i)).item<float>());
    return sum / static_cast<double>(batches);
  }

  std::string sample_text() const {
    const auto next = step_.attach(
        [](const nn::Gpt& m, Inputs in) {
          const Tensor logits = m(in["ids"]);
          return narrow(logits, 1, logits.size(1) - 1, 1).reshape({logits.size(2)});
        },
        {{"ids", {1, dim("length", 1, config_.context)}, i32}});
    Sampler sampler({.temperature = 0.8}, settings_.seed);
    const std::optional<int32_t> line_end = end_of_line();
    std::vector<int32_t> ids = {line_end.value_or(0)};
    for (int64_t i = 0; i < kSampled; ++i) {
      const auto length = std::min<int64_t>(static_cast<int64_t>(ids.size()), config_.context);
      const std::vector<int32_t> last(ids.end() - length, ids.end());
      const std::vector<float> logits = next({{"ids", from_data(last, {1, length})}}).to_vector<float>();
      ids.push_back(sampler(logits));
    }
    return tokens_.decode(std::span(ids).subspan(1));
  }
  std::optional<int32_t> end_of_line() const {
    const size_t at = tokens_.alphabet().find('\n');
    if (at == std::string::npos) return {};
    return tokens_.encode("\n")[0];
  }

  CharTokenizer tokens_;
  std::string origin_, note_, path_;
  nn::GptConfig config_;
  int64_t batch_;
  TextData data_;
  Step<nn::Gpt> step_;
};

}  // namespace

std::unique_ptr<Trainable> make_nanogpt(const Settings& settings) {
  const Text text = find_text(settings.data);
  const Settings known = with_data(settings, text.sha256, text.origin);
  CharTokenizer tokens = CharTokenizer::of(settings.alphabet.empty() ? text.text : settings.alphabet);
  if (!settings.alphabet.empty()) {
    const std::string all = CharTokenizer::of(text.text).alphabet() + settings.alphabet;
    if (const int64_t unknown = CharTokenizer::of(all).size() - tokens.size(); unknown != 0)
      raise(ErrorCode::kData, text.origin + ": " + std::to_string(unknown) +
                                  " of its characters are not among the " + std::to_string(tokens.size()) +
                                  " that the checkpoint's model knows, those of its first text");
  }
  return std::make_unique<NanoGpt>(known, text, std::move(tokens));
}

}  // namespace anneal::training
