// SPDX-License-Identifier: MIT
// Walks, initial values, state dicts and substitution. Tested by module_test.cc.
#include "anneal/nn/module.h"

#include <algorithm>
#include <set>

#include "nn/trace.h"
#include "support/nearest.h"
#include "tensor/backend.h"
#include "tensor/call.h"

namespace anneal::nn {
namespace detail {

// -- Walks --

void Visitor::module(const void*, const void*, const std::string&) {}

size_t Visitor::enter(std::string_view name, const void* address, const void* type) {
  const size_t length = path_.size();
  if (length != 0) path_ += '.';
  path_ += name;
  module(address, type, path_);
  return length;
}
size_t Visitor::enter(size_t index, const void* address, const void* type) {
  return enter(std::string_view(std::to_string(index)), address, type);
}
void Visitor::leaf(std::string_view name, Param& p) {
  const size_t length = path_.size();
  if (length != 0) path_ += '.';
  path_ += name;
  param(p, path_);
  path_.resize(length);
}

std::string_view next_name(std::string_view& names) {
  const size_t comma = names.find(',');
  std::string_view name = names.substr(0, comma);
  names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  while (name.starts_with(' ')) name.remove_prefix(1);
  while (name.ends_with(' ')) name.remove_suffix(1);
  return name;
}

void Gatherer::param(Param& p, const std::string& path) {
  if (!p.defined())
    raise(ErrorCode::kArgument,
          "the parameter " + path + " was never made: give its layer sizes, as in nn::Linear(2, 64)");
  for (size_t i = 0; i < found.params.size(); ++i)
    if (found.params[i].param.state() == p.state()) {
      found.aliases.emplace(path, i);
      return;
    }
  found.params.push_back({path, p});
}

// -- Values --

void initialize(const Collected& all, uint64_t seed) {
  std::vector<Tensor> lazy;
  std::vector<size_t> which;
  for (size_t i = 0; i < all.params.size(); ++i) {
    const ParamState& state = *all.params[i].param.state();
    if (state.value.defined()) continue;
    const Call call("initialize", state.loc);
    const Tensor value =
        state.init.make(key_of(seed, all.params[i].name), state.shape, state.dtype, state.inputs_first);
    if (!value.defined() || value.dtype() != state.dtype || value.shape() != state.shape)
      call.fail(ErrorCode::kShape, "the initial value of " + all.params[i].name + " is " +
                                       (value.defined() ? value.type() : "empty") + ", it must be " +
                                       type_of(state.dtype, state.shape));
    lazy.push_back(value);
    which.push_back(i);
  }
  if (lazy.empty()) return;
  lazy = realize(lazy);
  for (size_t i = 0; i < which.size(); ++i) all.params[which[i]].param.state()->value = lazy[i];
}

NamedTensors state_dict(const Collected& all) {
  NamedTensors out;
  for (const NamedParam& p : all.params) out.push_back({p.name, p.param.stored()});
  return out;
}

void store_as(const Collected& all, DType dtype, const std::function<bool(std::string_view)>& which) {
  if (!is_float(dtype))
    raise(ErrorCode::kDType, "store_as: parameters are floats, not " + std::string(dtype_name(dtype)));
  for (const NamedParam& p : all.params) {
    ParamState& state = *p.param.state();
    if (!state.trained || state.dtype == dtype || (which && !which(p.name))) continue;
    if (!state.used) state.used = state.dtype;
    state.dtype = dtype;
    if (state.value.defined()) state.value = cast(state.value, dtype).realize();
  }
}

namespace {

// The place of a name among parameters and other names of tied ones, or -1.
int64_t place_of(const Collected& all, const std::string& name) {
  for (size_t i = 0; i < all.params.size(); ++i)
    if (all.params[i].name == name) return static_cast<int64_t>(i);
  const auto it = all.aliases.find(name);
  return it == all.aliases.end() ? -1 : static_cast<int64_t>(it->second);
}

bool fits(const ParamState& state, const Tensor& value) {
  return value.defined() && value.shape() == state.shape && is_float(value.dtype()) == is_float(state.dtype);
}

}  // namespace

// To the device: the host needs no second copy of weights.
static void settle(const Tensor& value) {
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  if (graph.op(node_of(value)) == ir::Op::Buffer) backend().settle(graph, node_of(value));
}

LoadReport load_state_dict(const Collected& all, const NamedTensors& values, bool strict, const Loc& loc) {
  LoadReport report;
  std::vector<const Tensor*> given(all.params.size(), nullptr);
  std::vector<std::string> unknown;
  std::vector<bool> misfit(all.params.size(), false);
  for (const NamedTensor& v : values) {
    const int64_t at = place_of(all, v.name);
    if (at < 0) {
      unknown.push_back(v.name);
      continue;
    }
    const auto i = static_cast<size_t>(at);
    const ParamState& state = *all.params[i].param.state();
    if (fits(state, v.value)) {
      given[i] = &v.value;
    } else {
      misfit[i] = true;
      report.misshaped.push_back(v.name + ": " + type_of(state.dtype, state.shape) + " is needed, " +
                                 (v.value.defined() ? v.value.type() : "an empty tensor") + " was given");
    }
  }
  std::vector<std::string_view> free;
  for (size_t i = 0; i < given.size(); ++i)
    if (given[i] == nullptr && !misfit[i]) {
      report.missing.push_back(all.params[i].name);
      free.push_back(all.params[i].name);
    }
  for (const std::string& name : unknown)
    report.unexpected.push_back(name + support::nearest_hint(" (the nearest is ", name, free, ")"));
  if (strict && !report.ok()) {
    const Call call("load_state_dict", loc);
    call.fail(ErrorCode::kName, "the tensors do not fit the model\n" + report.str());
  }
  for (size_t i = 0; i < given.size(); ++i)
    if (given[i] != nullptr) {
      const auto& state = all.params[i].param.state();
      const Tensor source = given[i]->realize();
      settle(source);
      state->value = cast(source, state->dtype).realize();
      settle(state->value);
      ++report.loaded;
    }
  return report;
}

}  // namespace detail

std::string LoadReport::str() const {
  std::string out = std::to_string(loaded) + " loaded";
  const auto list = [&](const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    out += "\n  " + std::string(what) + ":";
    constexpr size_t kShown = 20;
    for (size_t i = 0; i < std::min(kShown, names.size()); ++i) out += "\n    " + names[i];
    if (names.size() > kShown) out += "\n    and " + std::to_string(names.size() - kShown) + " more";
  };
  list("missing", missing);
  list("unexpected", unexpected);
  list("of another shape", misshaped);
  return out;
}

// -- Substitution --

struct Substitute::State {
  detail::Trace trace;
  std::vector<NamedParam> params;
};

Substitute::Substitute(const std::vector<NamedParam>& params, const std::vector<Tensor>& values,
                       const SubstituteOptions& options, Loc loc)
    : state_(std::make_unique<State>()) {
  const Call call("Substitute", values, loc);
  if (values.size() != params.size())
    call.fail(ErrorCode::kArgument, std::to_string(values.size()) + " tensors for " +
                                        std::to_string(params.size()) + " parameters");
  for (size_t i = 0; i < params.size(); ++i) {
    if (!detail::fits(*params[i].param.state(), values[i]))
      call.fail(ErrorCode::kShape, params[i].name + " needs " +
                                       detail::type_of(params[i].param.dtype(), params[i].param.shape()) +
                                       ", not " + values[i].type());
    state_->trace.stand_for(params[i].param, values[i]);
  }
  state_->trace.train = options.train;
  state_->trace.rng = options.rng;
  state_->params = params;
}
Substitute::~Substitute() = default;

std::vector<Tensor> Substitute::next() const {
  std::vector<Tensor> out;
  for (const NamedParam& p : state_->params) out.push_back(state_->trace.next(p.param));
  return out;
}

}  // namespace anneal::nn
