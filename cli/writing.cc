// SPDX-License-Identifier: MIT
#include "cli/writing.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "anneal/error.h"
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
  using Clock = std::chrono::steady_clock;
  if (options.top_p > 1) raise(ErrorCode::kArgument, "--top-p is a share: more than 0, at most 1");
  const training::SampleOptions how{.temperature = options.greedy ? 0 : options.temperature,
                                    .top_k = options.top_k,
                                    .top_p = options.top_p};
  support::RandomStream random(static_cast<uint64_t>(options.seed));
  const Clock::time_point begin = Clock::now();
  std::vector<float> logits = generator.feed(prompt);
  const double first = std::chrono::duration<double>(Clock::now() - begin).count();
  const Clock::time_point start = Clock::now();
  std::vector<int32_t> all(prompt.begin(), prompt.end());
  int64_t written = 0;
  bool is_full = false;
  while (written < options.max_tokens) {
    const int32_t id = training::sample(logits, how, random);
    if (end && id == *end) break;
    fmt::print("{}", text_of(id));
    std::fflush(stdout);
    ++written;
    all.push_back(id);
    is_full = generator.length() == generator.context();
    if (written == options.max_tokens || (is_full && !options.slides)) break;
    const int64_t fed = is_full ? std::max<int64_t>(1, generator.context() / 2) : 1;
    if (is_full) generator.clear();
    logits = generator.feed(std::span(all).last(static_cast<size_t>(fed)));
  }
  fmt::print("{}\n", rest());
  if (options.quiet) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (is_full && !options.slides)
    fmt::print(stderr, "the context of {} tokens is full\n", generator.context());
  fmt::print(stderr, "{} tokens read in {:.0f} ms, {} written, {:.1f} tokens/s\n", prompt.size(), 1e3 * first,
             written, written > 1 ? static_cast<double>(written - 1) / std::max(seconds, 1e-9) : 0.0);
}

}  // namespace anneal::cli
