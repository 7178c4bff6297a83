// SPDX-License-Identifier: MIT
// Writing token by token: what a generator gives is drawn from, shown, and fed to it.
// Tested by src/gpt2/writing_test.cc.
#pragma once

#include <functional>
#include <optional>

#include "anneal/gpt2/generator.h"
#include "anneal/sampling.h"

namespace anneal::gpt2 {

struct GenerateOptions {
  int64_t max_tokens = 20;
  SampleOptions sampling = {};
  uint64_t seed = 1;                // of what is drawn
  std::optional<int32_t> end = {};  // the token that ends a text; it is not shown
  bool slides = false;              // where the context is full, go on from its last half
  std::vector<int32_t> never = {};  // ids that are not drawn, as those that stand for no token
};

struct Generated {
  std::vector<int32_t> ids;   // without the prompt
  bool is_full = false;       // ended because there was no room for more
  double prompt_seconds = 0;  // until the first logits were there
  double seconds = 0;         // from then on
  double tokens_per_second() const;
};

// Feeds the prompt, which goes on from what the generator holds, then draws tokens until there are enough,
// the context is full, `end` is drawn, or `show` gives false. `show` gets each as soon as it is drawn.
Generated generate(Generator& generator, std::span<const int32_t> prompt, const GenerateOptions& options = {},
                   const std::function<bool(int32_t)>& show = {});

}  // namespace anneal::gpt2
