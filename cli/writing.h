// SPDX-License-Identifier: MIT
// Writing token by token, for the verbs that do: how tokens are drawn, and how they are shown.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "anneal/gpt2/generator.h"

namespace anneal::cli {

class Options;

struct WritingOptions {
  int64_t max_tokens = 20, top_k = 40, seed = 1;
  double temperature = 1, top_p = 1;
  bool greedy = false, quiet = false;
  bool slides = false;  // where the context is full, go on from its last half
};
void add_writing_options(Options& verb, WritingOptions& options);

// Feeds the prompt, then draws and shows tokens until there are enough, the context is full, or `end` is
// drawn. Then a line on stderr says how fast that was. `text_of` gives what can be shown of a token now,
// `rest` what is left.
void write_tokens(gpt2::Generator& generator, std::span<const int32_t> prompt, const WritingOptions& options,
                  std::optional<int32_t> end, const std::function<std::string(int32_t)>& text_of,
                  const std::function<std::string()>& rest);

}  // namespace anneal::cli
