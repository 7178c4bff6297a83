// SPDX-License-Identifier: MIT
#include "anneal/nn/param.h"

#include "nn/trace.h"
#include "tensor/call.h"

namespace anneal {

using nn::detail::ParamState;
using nn::detail::Trace;

namespace {

constexpr const char* kUnmade =
    "a parameter is used that was never made: give its layer sizes, as in nn::Linear(2, 64)";

const ParamState& made(const std::shared_ptr<ParamState>& state) {
  if (state == nullptr) raise(ErrorCode::kArgument, std::string("Param: ") + kUnmade);
  return *state;
}

}  // namespace

Param::Param(std::vector<int64_t> shape, nn::Init init, const nn::ParamOptions& options, Loc loc)
    : state_(std::make_shared<ParamState>(ParamState{std::move(shape),
                                                     options.dtype,
                                                     std::move(init),
                                                     options.decay,
                                                     true,
                                                     options.table,
                                                     options.inputs_first,
                                                     loc,
                                                     {}})) {
  const Call call("parameter", loc);
  for (int64_t extent : state_->shape)
    if (extent < 0)
      call.fail(ErrorCode::kShape, "an extent of " + std::to_string(extent) + ": it must be 0 or more");
}

nn::Buffer::Buffer(std::vector<int64_t> shape, Init init, DType dtype, Loc loc)
    : Param(std::move(shape), std::move(init), {.dtype = dtype, .decay = false}, loc) {
  state_->trained = false;
}

Tensor Param::tensor(Loc loc) const {
  const Tensor value = stored(loc);
  const std::optional<DType> used = state_->used;
  return used && *used != value.dtype() ? cast(value, *used) : value;
}

Tensor Param::stored(Loc loc) const {
  if (state_ == nullptr) {
    const Call call("parameter", loc);
    call.fail(ErrorCode::kArgument, kUnmade);
  }
  const Trace* trace = Trace::current();
  if (trace != nullptr)
    if (const Tensor* value = trace->find(state_.get())) return *value;
  if (state_->value.defined()) return state_->value;
  const Call call("parameter", loc);
  const std::string what = nn::detail::type_of(state_->dtype, state_->shape) + " of " +
                           state_->loc.file_name() + ":" + std::to_string(state_->loc.line());
  if (trace != nullptr)
    call.fail(ErrorCode::kArgument,
              what +
                  " is not part of the model being traced: use the model that the function is given; a "
                  "class that is no aggregate names its members with ANNEAL_MEMBERS");
  call.fail(ErrorCode::kData,
            what +
                " has no value yet: call nn::initialize(model, seed) or nn::load_state_dict, or use it in "
                "a compiled step");
}

const std::vector<int64_t>& Param::shape() const { return made(state_).shape; }
DType Param::dtype() const { return made(state_).dtype; }
bool Param::is_trained() const { return made(state_).trained; }
bool Param::decays() const {
  const ParamState& state = made(state_);
  return state.decay.value_or(state.shape.size() >= 2);
}
bool Param::has_value() const {
  const Trace* trace = Trace::current();
  return state_ != nullptr &&
         (state_->value.defined() || (trace != nullptr && trace->find(state_.get()) != nullptr));
}

void Param::set(In value) const {
  const Call call("parameter", {&value});
  if (state_ == nullptr) call.fail(ErrorCode::kArgument, kUnmade);
  Tensor next = wrap(call.node(value, state_->dtype));
  if (state_->used) next = cast(next, state_->dtype);
  if (next.rank() == 0 && !state_->shape.empty()) next = expand(next, Sizes(state_->shape));
  const Sizes wanted(state_->shape), given = next.sizes();
  bool fits = wanted.size() == given.size();
  for (size_t i = 0; fits && i < wanted.size(); ++i) fits = wanted[i] == given[i];
  if (!fits)
    call.fail(ErrorCode::kShape, "a value of " + next.type() + " for a parameter of " +
                                     nn::detail::type_of(state_->dtype, state_->shape));
  if (Trace* trace = Trace::current(); trace != nullptr && trace->find(state_.get()) != nullptr)
    trace->set_next(state_.get(), next);
  else
    state_->value = next.realize();
}

}  // namespace anneal
