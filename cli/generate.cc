// SPDX-License-Identifier: MIT
// anneal generate: writes with a checkpoint of anneal train nanogpt.
#include <fmt/format.h>

#include <memory>

#include "anneal/files.h"
#include "anneal/tokenizer.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/writing.h"
#include "runtime/backend.h"
#include "training/trainable.h"

namespace anneal::cli {
namespace {

struct GenerateOptions {
  std::string checkpoint, prompt = "\n", device;
  WritingOptions writing{.max_tokens = 300, .top_k = 0, .temperature = 0.8, .slides = true};
};

int run_generate(const GenerateOptions& options) {
  const runtime::Using device({.device = options.device});
  const Checkpoint checkpoint = load_checkpoint(options.checkpoint);
  const nn::GptConfig config = training::gpt_of(checkpoint, options.checkpoint);
  nn::Gpt model(config);
  NamedTensors values;
  for (const auto& [name, value] : checkpoint.tensors)
    if (!name.starts_with("optimizer/")) values.push_back({name, value});
  nn::load_state_dict(model, values);
  const CharTokenizer tokens = CharTokenizer::of(checkpoint.texts.at("alphabet"));
  std::vector<int32_t> ids = tokens.encode(options.prompt);
  if (static_cast<int64_t>(ids.size()) > config.context)
    raise(ErrorCode::kArgument,
          fmt::format("a prompt of {} characters is longer than the model's context of {}", ids.size(),
                      config.context));
  fmt::print("{}", options.prompt == "\n" ? "" : options.prompt);
  gpt2::Generator generator(std::move(model));
  write_tokens(
      generator, ids, options.writing, {}, [&](int32_t id) { return tokens.decode(std::span(&id, 1)); },
      [] { return std::string(); });
  return 0;
}

}  // namespace

Action add_generate(Options& verb) {
  const auto options = std::make_shared<GenerateOptions>();
  verb.option("--ckpt", options->checkpoint, "a checkpoint of anneal train nanogpt");
  verb.required("--ckpt");
  verb.option("--prompt", options->prompt, "how the text begins");
  verb.option("--device", options->device, "what it runs on; anneal doctor lists them");
  add_writing_options(verb, options->writing);
  return [options] { return run_generate(*options); };
}

}  // namespace anneal::cli
