// SPDX-License-Identifier: MIT
// A GPT that writes: tokens go in, the logits of what comes next come out, and keys and values of what came
// before are kept on the device. Two programs serve all lengths, one for many tokens and one for a single
// token; memory does not grow. Tested by src/gpt2/generator_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "anneal/nn/gpt.h"

namespace anneal::gpt2 {

class Generator {
 public:
  // The model's parameters must have values. `context`: the most tokens; 0: all that the model can look at.
  explicit Generator(nn::Gpt model, int64_t context = 0);

  // What comes after all tokens so far: a number for each of the vocabulary. Raises when they do not fit.
  std::vector<float> feed(std::span<const int32_t> ids);
  void clear() { length_ = 0; }

  int64_t length() const { return length_; }
  int64_t context() const { return context_; }
  size_t compiles() const;

 private:
  struct Programs;
  std::shared_ptr<const Programs> programs_;
  std::vector<Tensor> caches_;  // keys and values of each block
  int64_t length_ = 0, context_;
};

}  // namespace anneal::gpt2
