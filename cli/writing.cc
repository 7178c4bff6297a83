// SPDX-License-Identifier: MIT
#include "cli/writing.h"

#include <fmt/format.h>

#include <cstdio>

#include "anneal/error.h"
#include "anneal/gpt2/writing.h"
#include "cli/options.h"

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

void write_tokens(gpt2::Generator& generator, std::span<const int32_t> prompt, const WritingOptions& options,
                  std::optional<int32_t> end, const std::function<std::string(int32_t)>& text_of,
                  const std::function<std::string()>& rest) {
  if (options.top_p > 1) raise(ErrorCode::kArgument, "--top-p is a share: more than 0, at most 1");
  const gpt2::GenerateOptions how{.max_tokens = options.max_tokens,
                                  .sampling = {.temperature = options.greedy ? 0 : options.temperature,
                                               .top_k = options.top_k,
                                               .top_p = options.top_p},
                                  .seed = static_cast<uint64_t>(options.seed),
                                  .end = end,
                                  .slides = options.slides};
  const gpt2::Generated written = gpt2::generate(generator, prompt, how, [&](int32_t id) {
    fmt::print("{}", text_of(id));
    std::fflush(stdout);
    return true;
  });
  fmt::print("{}\n", rest());
  std::fflush(stdout);  // before what follows on the other stream
  if (options.quiet) return;
  if (written.is_full) fmt::print(stderr, "the context of {} tokens is full\n", generator.context());
  fmt::print(stderr, "{} tokens read in {:.0f} ms, {} written, {:.1f} tokens/s\n", prompt.size(),
             1e3 * written.prompt_seconds, written.ids.size(), written.tokens_per_second());
}

}  // namespace anneal::cli
