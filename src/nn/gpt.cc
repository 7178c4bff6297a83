// SPDX-License-Identifier: MIT
// Tested by attention_test.cc, and by PyTorch's values (conform).
#include "anneal/nn/gpt.h"

#include "nn/layer.h"

namespace anneal::nn {

Gpt::Gpt(const GptConfig& with, Loc loc) : config(with), dropout{with.dropout} {
  GptConfig& c = config;
  if (c.kv_heads == 0) c.kv_heads = c.heads;
  const Init init = init::normal(c.deviation);
  wte = Embedding(c.vocabulary, c.width, init, f32, loc);
  if (c.rope == 0) wpe = Embedding(c.context, c.width, init, f32, loc);
  const BlockConfig block{.attention = {.width = c.width,
                                        .heads = c.heads,
                                        .kv_heads = c.kv_heads,
                                        .causal = true,
                                        .rope = c.rope,
                                        .bias = c.bias,
                                        .inputs_first = c.inputs_first,
                                        .init = init,
                                        .dropout = c.attention_dropout},
                          .hidden = c.hidden,
                          .activation = c.activation,
                          .gated = c.gated,
                          .rms = c.rms,
                          .dropout = c.dropout};
  for (int64_t i = 0; i < c.layers; ++i) blocks.emplace_back(block, loc);
  if (c.rms)
    norm_f.emplace(c.width, NormOptions{}, loc);
  else
    ln_f.emplace(c.width, NormOptions{.bias = c.bias}, loc);
  if (!c.tied) head = Linear(c.width, c.vocabulary, {.bias = c.head_bias, .init = init}, loc);
}

Tensor Gpt::run(const In& ids, std::vector<KvCache>* caches) const {
  const detail::Layer layer(*this, "gpt", ids, detail::Makeup::kOfLayers);
  layer.needs_rank(2, "ids [batch, length]");
  const Extent before = caches == nullptr || caches->empty() ? Extent(0) : (*caches)[0].length();
  const Extent length = ids.tensor().size(1);
  if (length.is_const() && before.is_const() && length.value() + before.value() > config.context)
    layer.fail(ErrorCode::kShape, "has a context of " + std::to_string(config.context) + ", and was given " +
                                      std::to_string(length.value() + before.value()) + " positions");
  Tensor x = wte(ids.tensor());
  if (wpe) x = x + narrow(wpe->weight.tensor(), 0, before, length);
  if (config.dropout != 0) x = dropout(x);
  for (size_t i = 0; i < blocks.size(); ++i)
    x = caches == nullptr ? blocks[i](x) : blocks[i](x, (*caches)[i]);
  x = ln_f ? (*ln_f)(x) : (*norm_f)(x);
  return head ? (*head)(x) : wte.logits(x);
}

Tensor Gpt::operator()(In ids) const { return run(ids, nullptr); }

Tensor Gpt::operator()(In ids, Tensor& cache) const {
  std::vector<KvCache> caches(blocks.size());
  for (size_t i = 0; cache.defined() && i < blocks.size(); ++i)
    caches[i] = {select(cache, 0, static_cast<int64_t>(2 * i)),
                 select(cache, 0, static_cast<int64_t>(2 * i + 1))};
  const Tensor logits = run(ids, &caches);
  std::vector<Tensor> parts;
  for (const KvCache& c : caches) {
    parts.push_back(c.k);
    parts.push_back(c.v);
  }
  cache = stack(parts);
  return logits;
}

Tensor Gpt::operator()(In ids, std::vector<KvCache>& caches) const {
  if (caches.size() != blocks.size()) {
    const detail::Layer layer(*this, "gpt", ids, detail::Makeup::kOfLayers);
    layer.fail(ErrorCode::kArgument, "has " + std::to_string(blocks.size()) + " blocks, and was given " +
                                         std::to_string(caches.size()) + " caches");
  }
  return run(ids, &caches);
}

Sizes Gpt::cache_sizes(const Extent& batch, const Extent& length) const {
  return {2 * config.layers, batch, config.kv_heads, length, config.width / config.heads};
}

Tensor language_model_loss(In logits, In targets) {
  return cross_entropy(flatten(logits, 0, 1), flatten(targets));
}

}  // namespace anneal::nn
