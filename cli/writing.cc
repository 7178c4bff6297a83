// SPDX-License-Identifier: MIT
#include "cli/writing.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "anneal/error.h"
#include "anneal/gpt2/writing.h"
#include "bundles/recorder.h"
#include "cli/options.h"
#include "runtime/context.h"

namespace anneal::cli {

void add_writing_options(Options& verb, WritingOptions& options) {
  verb.option("--max-tokens", options.max_tokens, "how many tokens to write", Range::kNotNegative);
  verb.option("--temperature", options.temperature,
              "1 draws as the model says, less is bolder on what is likely, 0 is --greedy",
              Range::kNotNegative);
  verb.option("--top-k", options.top_k, "draw from so many of the likeliest; 0: from all",
              Range::kNotNegative);
  verb.option("--top-p", options.top_p, "draw from the fewest whose probabilities come to this",
              Range::kPositive);
  verb.flag("--greedy", options.greedy, "always the likeliest");
  verb.option("--seed", options.seed, "of what is drawn", Range::kNotNegative);
  verb.flag("--plain", options.quiet, "the text alone, no speed");
}

void check_prompt(size_t length, std::string_view unit, int64_t context) {
  if (static_cast<int64_t>(length) > context)
    raise(ErrorCode::kArgument,
          fmt::format("the prompt has {} {}, and the model looks at {} at most: give it the last part alone",
                      length, unit, context));
}

void write_tokens(Writer& writer, const WritingOptions& options) {
  if (options.top_p > 1) raise(ErrorCode::kArgument, "--top-p is a share: more than 0, at most 1");
  const gpt2::GenerateOptions how{.max_tokens = options.max_tokens,
                                  .sampling = {.temperature = options.greedy ? 0 : options.temperature,
                                               .top_k = options.top_k,
                                               .top_p = options.top_p},
                                  .seed = static_cast<uint64_t>(options.seed),
                                  .end = writer.end,
                                  .slides = options.slides,
                                  .never = writer.never};
  const gpt2::Generated written = gpt2::generate(*writer.generator, writer.prompt, how, [&](int32_t id) {
    const std::string text = writer.text_of(id);
    if (options.is_shown) {
      fmt::print("{}", text);
      std::fflush(stdout);
    }
    if (options.on_token) options.on_token(id, text);
    return true;
  });
  if (options.is_shown) fmt::print("{}\n", writer.rest());
  std::fflush(stdout);  // before what follows on the other stream
  if (options.quiet) return;
  if (written.is_full) fmt::print(stderr, "the context of {} tokens is full\n", writer.generator->context());
  fmt::print(stderr, "{} tokens read in {:.0f} ms, {} written, {:.1f} tokens/s\n", writer.prompt.size(),
             1e3 * written.prompt_seconds, written.ids.size(), written.tokens_per_second());
}

void write_recorded(Writer& writer, WritingOptions options, const Recording& recording) {
  std::unique_ptr<bundles::Recorder> recorder;
  if (recording.on) {
    bundles::Manifest manifest =
        bundles::manifest_of_now(runtime::device_name({.device = recording.device}), recording.context);
    manifest.kind = bundles::Kind::kGenerate;
    bundles::Config config{.verb = writer.verb, .model = writer.model, .device = manifest.device};
    config.settings = values_of(options);
    config.settings["source"] = std::filesystem::absolute(writer.source).lexically_normal().string();
    config.data = bundles::described(writer.files);
    config.prompt = writer.prompt;
    config.flags = bundles::flags_of_now();
    recorder =
        std::make_unique<bundles::Recorder>(std::move(manifest), std::move(config), *recording.programs);
    if (!options.quiet) fmt::print(stderr, "bundle: {}\n", recorder->folder());
    options.on_token = [&](int32_t id, const std::string& text) { recorder->token(id, text); };
  }
  try {
    write_tokens(writer, options);
    if (recorder != nullptr) recorder->end(bundles::State::kCompleted);
  } catch (const std::exception& error) {
    if (recorder != nullptr) recorder->try_end(error.what());
    throw;
  }
}

std::map<std::string, bundles::Value> values_of(const WritingOptions& options) {
  return {{"max_tokens", options.max_tokens},   {"top_k", options.top_k},   {"top_p", options.top_p},
          {"temperature", options.temperature}, {"greedy", options.greedy}, {"seed", options.seed},
          {"weights", options.weights},         {"slides", options.slides}};
}

WritingOptions writing_options(const bundles::Config& config) {
  WritingOptions out;
  out.max_tokens = config.get("max_tokens", out.max_tokens);
  out.top_k = config.get("top_k", out.top_k);
  out.top_p = config.get("top_p", out.top_p);
  out.temperature = config.get("temperature", out.temperature);
  out.greedy = config.get("greedy", out.greedy);
  out.seed = config.get("seed", out.seed);
  out.slides = config.get("slides", out.slides);
  out.weights = config.get("weights", out.weights);
  return out;
}

}  // namespace anneal::cli
