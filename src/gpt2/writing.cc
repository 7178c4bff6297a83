// SPDX-License-Identifier: MIT
#include "anneal/gpt2/writing.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "anneal/error.h"

namespace anneal::gpt2 {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void rule_out(std::vector<float>& logits, const std::vector<int32_t>& ids) {
  for (const int32_t id : ids) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size())
      raise(ErrorCode::kArgument, "generate: never " + std::to_string(id) + ": there is no such id");
    logits[static_cast<size_t>(id)] = -std::numeric_limits<float>::infinity();
  }
}

}  // namespace

double Generated::tokens_per_second() const {  // the first token came with the prompt
  return ids.size() > 1 ? static_cast<double>(ids.size() - 1) / std::max(seconds, 1e-9) : 0;
}

Generated generate(Generator& generator, std::span<const int32_t> prompt, const GenerateOptions& options,
                   const std::function<bool(int32_t)>& show) {
  Sampler sampler(options.sampling, options.seed);
  Generated out;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<float> logits = generator.feed(prompt);
  out.prompt_seconds = seconds_since(begin);
  const auto start = std::chrono::steady_clock::now();
  std::vector<int32_t> all(prompt.begin(), prompt.end());
  while (static_cast<int64_t>(out.ids.size()) < options.max_tokens) {
    rule_out(logits, options.never);
    const int32_t id = sampler(logits);
    if (options.end && id == *options.end) break;
    out.ids.push_back(id);
    all.push_back(id);
    if (show && !show(id)) break;
    if (static_cast<int64_t>(out.ids.size()) == options.max_tokens) break;
    const bool is_full = generator.length() == generator.context();
    if (is_full && !options.slides) {
      out.is_full = true;
      break;
    }
    // What the generator held before the prompt is not known here, so there may be less than half of it.
    const int64_t half = std::max<int64_t>(1, generator.context() / 2);
    const int64_t fed = is_full ? std::min(half, static_cast<int64_t>(all.size())) : 1;
    if (is_full) generator.clear();
    logits = generator.feed(std::span(all).last(static_cast<size_t>(fed)));
  }
  out.seconds = seconds_since(start);
  return out;
}

}  // namespace anneal::gpt2
