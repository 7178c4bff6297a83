// SPDX-License-Identifier: MIT
// anneal generate: writes with a checkpoint of anneal train nanogpt.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "anneal/files.h"
#include "anneal/tokenizer.h"
#include "bundles/replay.h"
#include "cli/bundles.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/writing.h"
#include "runtime/backend.h"
#include "support/flags.h"
#include "training/trainable.h"

namespace anneal::cli {
namespace {

struct GenerateOptions {
  std::string checkpoint, prompt, device;
  bool bundle = false;
  WritingOptions writing{.max_tokens = 300, .top_k = 0, .temperature = 0.8, .slides = true};
};

int run_generate(const GenerateOptions& options) {
  bundles::ProgramLog programs;
  runtime::Using device({.device = options.device, .made = programs.observer()});
  std::string checkpoint = options.checkpoint;
  if (!std::filesystem::is_regular_file(checkpoint)) {
    checkpoint = bundles::resume_point(open_bundle_not_file(checkpoint));
    if (checkpoint.empty()) raise(ErrorCode::kData, options.checkpoint + " has no checkpoint yet");
  }
  Writer writer = open_generate(checkpoint, options.prompt);
  fmt::print("{}", options.prompt);
  write_recorded(writer, options.writing, {options.bundle, options.device, device.context(), &programs});
  return 0;
}

// Without a prompt: the beginning of a line, or any character where there are no lines.
int32_t begin_of(const CharTokenizer& tokens) {
  return tokens.alphabet().find('\n') == std::string::npos ? 0 : tokens.encode("\n")[0];
}

}  // namespace

Writer open_generate(const std::string& checkpoint_path, const std::string& prompt) {
  const Checkpoint checkpoint = load_checkpoint(checkpoint_path);
  const nn::GptConfig config = training::gpt_of(checkpoint, checkpoint_path);
  nn::Gpt model(config);
  NamedTensors values;
  for (const auto& [name, value] : checkpoint.tensors)
    if (!name.starts_with("optimizer/")) values.push_back({name, value});
  nn::load_state_dict(model, values);
  const CharTokenizer tokens = CharTokenizer::of(checkpoint.texts.at("alphabet"));
  std::vector<int32_t> ids = tokens.encode(prompt);
  if (ids.empty()) ids.push_back(begin_of(tokens));
  check_prompt(ids.size(), "characters", config.context);
  return {.verb = "generate",
          .model = "nanogpt",
          .source = checkpoint_path,
          .generator = std::make_unique<gpt2::Generator>(std::move(model)),
          .prompt = std::move(ids),
          .end = {},
          .text_of = [tokens](int32_t id) { return tokens.decode(std::span(&id, 1)); },
          .rest = [] { return std::string(); },
          .never = {},
          .files = {checkpoint_path}};
}

Action add_generate(Options& verb) {
  const auto options = std::make_shared<GenerateOptions>();
  options->bundle = support::flag_on(support::Flag::kBundle);
  verb.option("--ckpt", options->checkpoint,
              "a checkpoint of anneal train nanogpt, or the run bundle of one");
  verb.required("--ckpt");
  verb.option("--prompt", options->prompt, "how the text begins; a new line when it is not given",
              Empty::kAllowed);
  verb.flag("--bundle", options->bundle, "record the run, to run it again; see anneal runs");
  verb.option("--device", options->device, "what it runs on; anneal doctor lists them");
  add_writing_options(verb, options->writing);
  return [options] { return run_generate(*options); };
}

}  // namespace anneal::cli
