// SPDX-License-Identifier: MIT
#include "anneal/gpt2/generator.h"

#include <algorithm>
#include <numeric>

#include "anneal/compile.h"
#include "anneal/functions.h"

namespace anneal::gpt2 {
namespace {

std::vector<int32_t> counting(int64_t from, int64_t count) {
  std::vector<int32_t> out(static_cast<size_t>(count));
  std::iota(out.begin(), out.end(), static_cast<int32_t>(from));
  return out;
}

// The cache with keys and values of new tokens at their places, and the logits behind the last of them. The
// first argument is the cache, of the whole context; the second stands for what is in use of it by its length
// alone.
std::vector<Tensor> continued(const nn::Gpt& model, const std::vector<Tensor>& arguments) {
  constexpr int kPositions = 3;
  const Tensor &cache = arguments[0], &before = arguments[1], &places = arguments[2], &ids = arguments[3];
  const Extent used = before.size(0), fresh = ids.size(1);
  Tensor all = narrow(cache, kPositions, 0, used);
  const Tensor logits = model(ids, all);
  const Tensor next = index_copy(cache, kPositions, places, narrow(all, kPositions, used, fresh));
  return {next, narrow(logits, 1, fresh - 1, 1).reshape({logits.size(2)})};
}

using Function = JitFunction<std::function<std::vector<Tensor>(const std::vector<Tensor>&)>>;

Function program(const nn::Gpt& model, const Sizes& cache, const Extent& fresh) {
  JitOptions options{.state = 1};
  const Extent used = dim("used", 0, cache[3].value());
  options.sizes = {cache, Sizes{used}, Sizes{fresh}, Sizes{1, fresh}};
  return jit(std::function<std::vector<Tensor>(const std::vector<Tensor>&)>(
                 [model](const std::vector<Tensor>& arguments) { return continued(model, arguments); }),
             options);
}

}  // namespace

struct Generator::Programs {
  Sizes cache;
  Function many, one;
  int64_t vocabulary;
};

Generator::Generator(nn::Gpt model, int64_t context)
    : context_(context == 0 ? model.config.context : std::min(context, model.config.context)) {
  const Sizes cache = model.cache_sizes(1, context_);
  programs_ =
      std::make_shared<const Programs>(Programs{cache, program(model, cache, dim("fresh", 1, context_)),
                                                program(model, cache, 1), model.config.vocabulary});
  cache_ = zeros(cache).realize();
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
  const std::vector<Tensor> out = program(std::vector<Tensor>{
      cache_, from_data(counting(0, length_), {length_}), from_data(counting(length_, count), {count}),
      from_data(std::vector<int32_t>(ids.begin(), ids.end()), {1, count})});
  cache_ = out[0];
  length_ += count;
  return out[1].to_vector<float>();
}

size_t Generator::compiles() const { return programs_->many.captures() + programs_->one.captures(); }

}  // namespace anneal::gpt2
