// SPDX-License-Identifier: MIT
// A GPT: token and position embeddings, blocks that normalize before attention and before the two-layer
// network, a last normalization and a head over the vocabulary. One definition for the built-in programs, for
// reference sets and for checkpoints in the GPT-2 layout: they differ in names and in the order of weight
// axes. Tested by programs_test.cc and by PyTorch's values (conform).
#pragma once

#include "programs/module.h"

namespace anneal::programs {

// qkv and attention_out stand below the module attn.
struct GptNames {
  std::string_view block, first_norm, qkv, attention_out, second_norm, widen, narrow;
  bool inputs_first = false;  // weights are [inputs, outputs]
};
// blocks.0.ln1, .attn.qkv, .attn.o, .ln2, .fc, .proj
inline constexpr GptNames kPlainNames = {"blocks", "ln1", "qkv", "o", "ln2", "fc", "proj"};
// h.0.ln_1, .attn.c_attn, .attn.c_proj, .ln_2, .mlp.c_fc, .mlp.c_proj
inline constexpr GptNames kGpt2Names = {"h",    "ln_1",     "c_attn",     "c_proj",
                                        "ln_2", "mlp.c_fc", "mlp.c_proj", true};

struct GptConfig {
  int64_t vocabulary = 0, context = 0, width = 0, heads = 0, layers = 0;
  int64_t hidden = 0;  // of the two-layer network; 0: four times the width
  bool tied = false;   // the head is the token embedding
  bool head_bias = false;
  Gelu gelu = Gelu::kTanh;
  double deviation = 0.02;  // of new weights
  GptNames names = kPlainNames;
};

// i32 [batch, length] -> logits [batch, length, vocabulary]; the length is at most the context.
Tensor gpt(Parameters& parameters, const GptConfig& config, const Tensor& ids);

// The mean over all positions of the cross entropy of logits [batch, length, vocabulary] and targets [batch,
// length].
Tensor language_model_loss(const Tensor& logits, const Tensor& targets);

}  // namespace anneal::programs
