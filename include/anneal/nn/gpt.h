// SPDX-License-Identifier: MIT
// A GPT: token and position embeddings, blocks that normalize before attention and before the two-layer
// network, a last normalization and a head over the vocabulary.
#pragma once

#include "anneal/nn/attention.h"

namespace anneal::nn {

struct GptConfig {
  int64_t vocabulary = 0, context = 0, width = 0, heads = 0, layers = 0;
  int64_t kv_heads = 0;  // 0: as many as heads
  int64_t hidden = 0;    // of the two-layer network; 0: four times the width
  bool tied = false;     // the head is the token embedding
  bool bias = true, head_bias = false;
  bool rms = false;
  double rope = 0;  // the base of rotated positions, in place of a table of them
  Activation activation = Activation::kGeluTanh;
  bool gated = false;            // the network has a gate; SwiGLU with kSilu
  double dropout = 0;            // of embeddings and of what blocks add
  double attention_dropout = 0;  // of how much positions look at each other
  double deviation = 0.02;       // of new weights
  bool inputs_first = false;     // weights are [inputs, outputs]
};

struct Gpt {
  Embedding wte;
  std::optional<Embedding> wpe;
  std::vector<Block> blocks;
  std::optional<LayerNorm> ln_f;
  std::optional<RMSNorm> norm_f;  // in its place
  std::optional<Linear> head;     // none: tied
  GptConfig config;
  Dropout dropout{0};

  Gpt() = default;
  explicit Gpt(const GptConfig& config, Loc loc = Loc::current());
  // i32 [batch, length] -> logits [batch, length, vocabulary]; the length is at most the context.
  Tensor operator()(In ids) const;
  // The ids continue what the cache holds: [2 * layers, batch, key heads, length, head size], keys and values
  // of each layer; they are added to it.
  Tensor operator()(In ids, Tensor& cache) const;
  // One cache a block: what each of them says.
  Tensor operator()(In ids, std::vector<KvCache>& caches) const;
  Sizes cache_sizes(const Extent& batch, const Extent& length) const;
  ANNEAL_MEMBERS(wte, wpe, blocks, ln_f, norm_f, head)

 private:
  Tensor run(const In& ids, std::vector<KvCache>* caches) const;
};

// The mean over all positions of the cross entropy of logits [batch, length, vocabulary] and targets [batch,
// length].
Tensor language_model_loss(In logits, In targets);

}  // namespace anneal::nn
