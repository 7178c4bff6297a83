// SPDX-License-Identifier: MIT
// Attention over a sequence, the block that transformers are made of, and the keys and values of what came
// before.
#pragma once

#include "anneal/nn/linear.h"
#include "anneal/nn/norm.h"

namespace anneal::nn {

// Keys and values of earlier positions, each [batch, key heads, length, head size]; empty at first. As an
// input of an attached forward its length may be a named dimension. With `used` there is room for more than
// have come so far, and what comes is written behind those: as state of a captured function that takes no
// more time or memory as it fills.
struct KvCache {
  Tensor k, v;
  std::optional<Extent> used = {};
  bool empty() const { return !k.defined(); }
  Extent length() const { return used ? *used : empty() ? Extent(0) : k.size(2); }
};

struct AttentionConfig {
  int64_t width = 0, heads = 0;
  int64_t kv_heads = 0;  // that groups of heads share; 0: as many as heads
  bool causal = false;
  double rope = 0;  // the base of rotated positions, such as 10000; 0: none
  bool bias = true;
  bool inputs_first = false;      // weights are [inputs, outputs]
  std::optional<Init> init = {};  // of the weights
  double dropout = 0;             // of how much positions look at each other, when training
};

// Self-attention over [batch, length, width].
struct MultiheadAttention {
  Linear qkv, o;
  AttentionConfig config;

  MultiheadAttention() = default;
  explicit MultiheadAttention(const AttentionConfig& config, Loc loc = Loc::current());
  Tensor operator()(In x) const;
  // The mask fits [batch, heads, queries, keys]: bool, where true takes part, or added to the scores. Besides
  // what `causal` leaves out.
  Tensor operator()(In x, In mask) const;
  // x continues what the cache holds, and is added to it.
  Tensor operator()(In x, KvCache& cache) const;
  ANNEAL_MEMBERS(qkv, o)
};

// Rotated by its position: [..., length, head size], positions counted from `first`.
Tensor rope(In x, double base = 10000, const Extent& first = 0);

struct BlockConfig {
  AttentionConfig attention;
  int64_t hidden = 0;  // 0: four times the width
  Activation activation = Activation::kGeluTanh;
  bool gated = false;  // the network is activation(gate(x)) * fc(x), then proj: with kSilu, SwiGLU
  bool rms = false;    // RMSNorm in place of LayerNorm
  double dropout = 0;  // of what is added to x
};

// x + attention(norm(x)), then x + network(norm(x)).
struct Block {
  std::optional<LayerNorm> ln1, ln2;
  std::optional<RMSNorm> norm1, norm2;  // in their place
  MultiheadAttention attn;
  std::optional<Linear> gate;
  Linear fc, proj;
  Activation activation = Activation::kGeluTanh;
  Dropout dropout{0};

  Block() = default;
  explicit Block(const BlockConfig& config, Loc loc = Loc::current());
  Tensor operator()(In x) const;
  Tensor operator()(In x, KvCache& cache) const;
  ANNEAL_MEMBERS(ln1, norm1, attn, ln2, norm2, gate, fc, proj)

 private:
  Tensor run(const In& x, KvCache* cache) const;
};

}  // namespace anneal::nn
