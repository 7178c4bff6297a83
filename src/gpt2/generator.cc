// SPDX-License-Identifier: MIT
#include "anneal/gpt2/generator.h"

#include <algorithm>

#include "anneal/compile.h"
#include "anneal/functions.h"

namespace anneal::gpt2 {
namespace {

// Keys and values of each block with those of new tokens at their places, and the logits behind the last of
// them. Behind the caches, which have room for the whole context, come an argument that stands for what is in
// use of them by its length alone, and the ids.
std::vector<Tensor> continued(const nn::Gpt& model, const std::vector<Tensor>& arguments) {
  const size_t blocks = model.blocks.size();
  const Tensor &before = arguments[2 * blocks], &ids = arguments[2 * blocks + 1];
  std::vector<nn::KvCache> caches;
  for (size_t i = 0; i < blocks; ++i)
    caches.push_back({arguments[2 * i], arguments[2 * i + 1], before.size(0)});
  const Tensor logits = model(ids, caches);
  std::vector<Tensor> out;
  for (const nn::KvCache& cache : caches) {
    out.push_back(cache.k);
    out.push_back(cache.v);
  }
  out.push_back(narrow(logits, 1, ids.size(1) - 1, 1).reshape({logits.size(2)}));
  return out;
}

using Function = JitFunction<std::function<std::vector<Tensor>(const std::vector<Tensor>&)>>;

Function program(const nn::Gpt& model, const Sizes& cache, const Extent& fresh) {
  const size_t caches = 2 * model.blocks.size();
  JitOptions options{.state = caches};
  options.sizes.assign(caches, cache);
  options.sizes.emplace_back(Sizes{dim("used", 0, cache[2].value() - 1)});
  options.sizes.emplace_back(Sizes{1, fresh});
  return jit(std::function<std::vector<Tensor>(const std::vector<Tensor>&)>(
                 [model](const std::vector<Tensor>& arguments) { return continued(model, arguments); }),
             options);
}

}  // namespace

struct Generator::Programs {
  Function many, one;
  int64_t vocabulary;
};

Generator::Generator(nn::Gpt model, int64_t context)
    : context_(context == 0 ? model.config.context : std::min(context, model.config.context)) {
  const nn::GptConfig& c = model.config;
  const Sizes cache = {1, c.kv_heads, context_, c.width / c.heads};
  programs_ = std::make_shared<const Programs>(
      Programs{program(model, cache, dim("fresh", 1, context_)), program(model, cache, 1), c.vocabulary});
  for (size_t i = 0; i < 2 * model.blocks.size(); ++i) caches_.push_back(zeros(cache).realize());
}

std::vector<float> Generator::feed(std::span<const int32_t> ids) {
  const auto count = static_cast<int64_t>(ids.size());
  if (count == 0) raise(ErrorCode::kArgument, "generate: there must be a token to begin with");
  if (length_ + count > context_)
    raise(ErrorCode::kLimit, "generate: " + std::to_string(length_ + count) +
                                 " tokens are more than the context of " + std::to_string(context_));
  for (const int32_t id : ids)
    if (id < 0 || id >= programs_->vocabulary)
      raise(ErrorCode::kArgument, "generate: " + std::to_string(id) + " is no token of a vocabulary of " +
                                      std::to_string(programs_->vocabulary));
  const Function& program = count == 1 ? programs_->one : programs_->many;
  std::vector<Tensor> arguments = caches_;
  arguments.push_back(from_data(std::vector<int32_t>(static_cast<size_t>(length_)), {length_}));
  arguments.push_back(from_data(std::vector<int32_t>(ids.begin(), ids.end()), {1, count}));
  std::vector<Tensor> out = program(arguments);
  const std::vector<float> logits = out.back().to_vector<float>();
  out.pop_back();
  caches_ = std::move(out);
  length_ += count;
  return logits;
}

size_t Generator::compiles() const { return programs_->many.captures() + programs_->one.captures(); }

}  // namespace anneal::gpt2
