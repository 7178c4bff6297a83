// SPDX-License-Identifier: MIT
// Tested by attention_test.cc.
#include "anneal/nn/attention.h"

#include <cmath>

#include "nn/layer.h"
#include "tensor/shared.h"

namespace anneal::nn {

MultiheadAttention::MultiheadAttention(const AttentionConfig& with, Loc loc) : config(with) {
  const Call call("MultiheadAttention", loc);
  AttentionConfig& c = config;
  if (c.kv_heads == 0) c.kv_heads = c.heads;
  if (c.heads < 1 || c.width < 1 || c.width % c.heads != 0)
    call.fail(ErrorCode::kArgument, "a width of " + std::to_string(c.width) + " does not divide into " +
                                        std::to_string(c.heads) + " heads");
  if (c.kv_heads < 1 || c.heads % c.kv_heads != 0)
    call.fail(ErrorCode::kArgument, std::to_string(c.heads) + " heads do not divide over " +
                                        std::to_string(c.kv_heads) + " key heads");
  if (c.rope != 0 && c.width / c.heads % 2 != 0)
    call.fail(ErrorCode::kArgument,
              "rotated positions need an even head size, not " + std::to_string(c.width / c.heads));
  const LinearOptions linear{.bias = c.bias, .inputs_first = c.inputs_first, .init = c.init};
  if (!(c.dropout >= 0 && c.dropout <= 1))
    call.fail(ErrorCode::kArgument, "a dropout of " + std::to_string(c.dropout) + " is not within [0, 1]");
  qkv = Linear(c.width, c.width + 2 * c.kv_heads * (c.width / c.heads), linear, loc);
  o = Linear(c.width, c.width, linear, loc);
}

namespace {

Tensor positions(const In& x, const Extent& first, const Extent& length) {
  const Call call("attention", {&x});
  return arange(length) + number_of(call, to_dim(first), i32);
}

struct Projected {
  Tensor q, k, v;  // [batch, heads, length, head size]
};
Projected project(const MultiheadAttention& layer, const In& x, const Extent& before) {
  const AttentionConfig& c = layer.config;
  const int64_t size = c.width / c.heads;
  const Extent batch = x.tensor().size(0), length = x.tensor().size(1);
  const Tensor qkv = layer.qkv(x.tensor());
  const auto part = [&](int64_t first, int64_t heads) {
    return permute(reshape(narrow(qkv, 2, first * size, heads * size), {batch, length, heads, size}),
                   {0, 2, 1, 3});
  };
  Projected out{part(0, c.heads), part(c.heads, c.kv_heads), part(c.heads + c.kv_heads, c.kv_heads)};
  if (c.rope != 0) {
    out.q = rope(out.q, c.rope, before);
    out.k = rope(out.k, c.rope, before);
  }
  return out;
}

// Adds to the cache what comes at these places; all that is in use of it then.
KvCache add_to(KvCache& cache, const Projected& fresh, const Tensor& places) {
  if (!cache.used) {
    cache = cache.empty() ? KvCache{fresh.k, fresh.v}
                          : KvCache{cat({cache.k, fresh.k}, 2), cat({cache.v, fresh.v}, 2)};
    return cache;
  }
  const Extent all = *cache.used + places.size(0);
  const auto fits = [&](const Tensor& room) {
    return room.defined() && room.rank() == 4 &&
           !(all.is_const() && room.size(2).is_const() && all.value() > room.size(2).value());
  };
  if (!fits(cache.k) || !fits(cache.v))
    raise(ErrorCode::kShape, "attention: the cache has no room for " +
                                 (all.is_const() ? std::to_string(all.value()) : std::string("all")) +
                                 " positions: k and v are [batch, key heads, room, head size]");
  const auto write = [&](const Tensor& room, const Tensor& rows) {
    return index_copy(room, 2, places, cast(rows, room.dtype()));
  };
  cache = {write(cache.k, fresh.k), write(cache.v, fresh.v), all};
  return {narrow(cache.k, 2, 0, all), narrow(cache.v, 2, 0, all)};
}

// What the weights of queries to keys are multiplied with.
MaybeTensor dropped(const MultiheadAttention& layer, const Tensor& q, const Tensor& k) {
  if (layer.config.dropout == 0 || !is_training()) return {};
  return Dropout{layer.config.dropout}(ones({q.size(0), q.size(1), q.size(2), k.size(2)}, q.dtype()));
}

Tensor join_heads(const MultiheadAttention& layer, const In& x, const Tensor& mixed) {
  const Tensor joined =
      reshape(permute(mixed, {0, 2, 1, 3}), {x.tensor().size(0), x.tensor().size(1), layer.config.width});
  return layer.o(joined);
}

}  // namespace

Tensor MultiheadAttention::operator()(In x) const {
  const detail::Layer layer(*this, "attention", x, detail::Makeup::kOfLayers);
  layer.needs_rank(3, "[batch, length, width]");
  layer.needs(2, config.width, "features");
  const auto [q, k, v] = project(*this, x, 0);
  return join_heads(
      *this, x,
      scaled_dot_product_attention(q, k, v, {.causal = config.causal, .factor = dropped(*this, q, k)}));
}

Tensor MultiheadAttention::operator()(In x, In mask) const {
  const detail::Layer layer(*this, "attention", x, detail::Makeup::kOfLayers);
  layer.needs_rank(3, "[batch, length, width]");
  layer.needs(2, config.width, "features");
  const auto [q, k, v] = project(*this, x, 0);
  AttentionOptions options{.mask = mask.tensor(), .factor = dropped(*this, q, k)};
  if (config.causal) {
    const Tensor place = arange(x.tensor().size(1)), is_before = unsqueeze(place, 0) <= unsqueeze(place, 1);
    options.mask =
        mask.tensor().dtype() == boolean ? logical_and(mask, is_before) : where(is_before, mask, -HUGE_VAL);
  }
  return join_heads(*this, x, scaled_dot_product_attention(q, k, v, options));
}

Tensor MultiheadAttention::operator()(In x, KvCache& cache) const {
  const detail::Layer layer(*this, "attention", x, detail::Makeup::kOfLayers);
  layer.needs_rank(3, "[batch, length, width]");
  layer.needs(2, config.width, "features");
  const Extent before = cache.length(), length = x.tensor().size(1);
  const Projected fresh = project(*this, x, before);
  const Tensor places = positions(x, before, length);
  const KvCache all = add_to(cache, fresh, places);
  AttentionOptions options{.factor = dropped(*this, fresh.q, all.k)};
  if (config.causal && !(length.is_const() && length.value() == 1))
    options.mask = unsqueeze(arange(before + length), 0) <= unsqueeze(places, 1);  // who is there yet
  return join_heads(*this, x, scaled_dot_product_attention(fresh.q, all.k, all.v, options));
}

Tensor rope(In x, double base, const Extent& first) {
  const Call call("rope", {&x});
  const Tensor t = wrap(call.float_node(x));
  if (t.rank() < 2 || !t.size(-1).is_const() || t.size(-1).value() % 2 != 0)
    call.fail(ErrorCode::kShape, "takes [..., length, an even head size], not " + t.type());
  const int64_t half = t.size(-1).value() / 2;
  const Tensor place = cast(arange(t.size(-2)) + number_of(call, to_dim(first), i32), f32);
  const Tensor rate = exp(cast(arange(half), f32) * (-std::log(base) / static_cast<double>(half)));
  const Tensor angle = unsqueeze(place, 1) * unsqueeze(rate, 0);
  const Tensor c = cast(cos(angle), t.dtype()), s = cast(sin(angle), t.dtype());
  const Tensor low = narrow(t, -1, 0, half), high = narrow(t, -1, half, half);
  return cat({low * c - high * s, high * c + low * s}, -1);
}

Block::Block(const BlockConfig& config, Loc loc)
    : attn(config.attention, loc), activation(config.activation), dropout{config.dropout} {
  const AttentionConfig& a = config.attention;
  if (config.rms) {
    norm1.emplace(a.width, NormOptions{}, loc);
    norm2.emplace(a.width, NormOptions{}, loc);
  } else {
    ln1.emplace(a.width, NormOptions{.bias = a.bias}, loc);
    ln2.emplace(a.width, NormOptions{.bias = a.bias}, loc);
  }
  const int64_t hidden = config.hidden != 0 ? config.hidden : 4 * a.width;
  const LinearOptions linear{.bias = a.bias, .inputs_first = a.inputs_first, .init = a.init};
  if (config.gated) gate = Linear(a.width, hidden, linear, loc);
  fc = Linear(a.width, hidden, linear, loc);
  proj = Linear(hidden, a.width, linear, loc);
}

Tensor Block::run(const In& x, KvCache* cache) const {
  const detail::Layer layer(*this, "block", x, detail::Makeup::kOfLayers);
  if (!ln1 && !norm1) layer.fail(ErrorCode::kArgument, "was never made: give it a BlockConfig");
  const Tensor first = ln1 ? (*ln1)(x.tensor()) : (*norm1)(x.tensor());
  const Tensor y = x.tensor() + dropout(cache == nullptr ? attn(first) : attn(first, *cache));
  const Tensor second = ln2 ? (*ln2)(y) : (*norm2)(y);
  const Tensor wide =
      gate ? activate(activation, (*gate)(second)) * fc(second) : activate(activation, fc(second));
  return y + dropout(proj(wide));
}

Tensor Block::operator()(In x) const { return run(x, nullptr); }
Tensor Block::operator()(In x, KvCache& cache) const { return run(x, &cache); }

}  // namespace anneal::nn
