// SPDX-License-Identifier: MIT
#include "programs/gpt.h"

#include <cmath>

namespace anneal::programs {
namespace {

class Gpt {
 public:
  Gpt(Parameters& parameters, const GptConfig& config)
      : parameters_(parameters),
        config_(config),
        hidden_(config.hidden != 0 ? config.hidden : 4 * config.width) {}

  Tensor logits(const Tensor& ids) {
    const int64_t width = config_.width;
    const Tensor tokens = table("wte", config_.vocabulary);
    const Tensor places = table("wpe", config_.context);
    Tensor x = embedding(ids, tokens) + narrow(places, 0, 0, ids.size(1));
    for (int64_t i = 0; i < config_.layers; ++i) {
      const Module blocks(parameters_, config_.names.block);
      const Module block(parameters_, std::to_string(i));
      x = x + attention(layer_norm(parameters_, config_.names.first_norm, x, width));
      x = x + network(layer_norm(parameters_, config_.names.second_norm, x, width));
    }
    x = layer_norm(parameters_, "ln_f", x, width);
    if (!config_.tied)
      return linear(parameters_, "head", x,
                    {.inputs = width,
                     .outputs = config_.vocabulary,
                     .deviation = config_.deviation,
                     .bias = config_.head_bias});
    const Module head(parameters_, "head");
    return matmul(x, transpose(tokens));
  }

 private:
  Tensor table(std::string_view name, int64_t rows) {
    const Module module(parameters_, name);
    return parameters_.get("weight", {rows, config_.width}, {.deviation = config_.deviation});
  }

  Tensor dense(std::string_view name, const Tensor& x, int64_t inputs, int64_t outputs) {
    return linear(parameters_, name, x,
                  {.inputs = inputs,
                   .outputs = outputs,
                   .deviation = config_.deviation,
                   .inputs_first = config_.names.inputs_first});
  }

  Tensor attention(const Tensor& x) {
    const int64_t width = config_.width, heads = config_.heads;
    const Extent batch = x.size(0), length = x.size(1);
    const Module module(parameters_, "attn");
    const Tensor qkv = dense(config_.names.qkv, x, width, 3 * width);
    const auto part = [&](int64_t i) {
      return permute(reshape(narrow(qkv, 2, i * width, width), {batch, length, heads, width / heads}),
                     {0, 2, 1, 3});
    };
    const Tensor mixed = scaled_dot_product_attention(part(0), part(1), part(2), {.causal = true});
    const Tensor joined = reshape(permute(mixed, {0, 2, 1, 3}), {batch, length, width});
    return dense(config_.names.attention_out, joined, width, width);
  }

  Tensor network(const Tensor& x) {
    const Tensor wide = gelu(dense(config_.names.widen, x, config_.width, hidden_), config_.gelu);
    return dense(config_.names.narrow, wide, hidden_, config_.width);
  }

  Parameters& parameters_;
  const GptConfig& config_;
  const int64_t hidden_;
};

}  // namespace

Tensor gpt(Parameters& parameters, const GptConfig& config, const Tensor& ids) {
  if (config.heads < 1 || config.width % config.heads != 0)
    raise(ErrorCode::kArgument, "gpt: a width of " + std::to_string(config.width) + " does not divide into " +
                                    std::to_string(config.heads) + " heads");
  return Gpt(parameters, config).logits(ids);
}

Tensor language_model_loss(const Tensor& logits, const Tensor& targets) {
  return cross_entropy(flatten(logits, 0, 1), flatten(targets));
}

}  // namespace anneal::programs
