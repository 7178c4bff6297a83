// SPDX-License-Identifier: MIT
// Modules: plain structs whose members are parameters and other modules. A parameter's name is the path of
// its members, such as blocks.0.attn.qkv.weight (nn/walk.h says how it is found).
//
//   struct Net {
//     nn::Linear l1{2, 64}, l2{64, 3};
//     Tensor operator()(const Tensor& x) const { return l2(an::tanh(l1(x))); }
//   };
//   Net net;
//   nn::initialize(net, 42);
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "anneal/nn/walk.h"

namespace anneal {

struct NamedTensor {
  std::string name;
  Tensor value;
};
using NamedTensors = std::vector<NamedTensor>;

namespace nn {

struct NamedParam {
  std::string name;
  Param param;
};

// What load_state_dict() did and did not find.
struct LoadReport {
  size_t loaded = 0;
  std::vector<std::string> missing;     // parameters without a tensor
  std::vector<std::string> unexpected;  // tensors without a parameter, with the nearest free name
  std::vector<std::string> misshaped;   // "l1.weight: f32[64,2] is needed, f32[2,64] was given"
  bool ok() const { return missing.empty() && unexpected.empty() && misshaped.empty(); }
  std::string str() const;
};

namespace detail {

// The parameters of a model: each once, under the first name that it was found by.
struct Collected {
  std::vector<NamedParam> params;
  std::map<std::string, size_t> aliases;  // other names of tied parameters, to their position
};
struct Gatherer final : Visitor {
  Collected found;
  void param(Param& param, const std::string& path) override;
};
template <typename M>
Collected collect(const M& model) {
  Gatherer visitor;
  walk(const_cast<M&>(model), visitor);  // which only reads
  return std::move(visitor.found);
}
void initialize(const Collected& all, uint64_t seed);
NamedTensors state_dict(const Collected& all);
void store_as(const Collected& all, DType dtype, const std::function<bool(std::string_view)>& which);
LoadReport load_state_dict(const Collected& all, const NamedTensors& values, bool strict, const Loc& loc);

}  // namespace detail

// Parameters and buffers by name.
template <typename M>
std::vector<NamedParam> parameters(const M& model) {
  return detail::collect(model).params;
}
// Gives a value to every parameter that has none: see nn/init.h. A step does it by itself, for its own copy.
template <typename M>
void initialize(const M& model, uint64_t seed) {
  detail::initialize(detail::collect(model), seed);
}
template <typename M>
NamedTensors state_dict(const M& model) {
  return detail::state_dict(detail::collect(model));
}
// Takes values by name. `strict`: raises with the report where names or shapes do not fit, and takes nothing.
template <typename M>
LoadReport load_state_dict(const M& model, const NamedTensors& values, bool strict = true,
                           Loc loc = Loc::current()) {
  return detail::load_state_dict(detail::collect(model), values, strict, loc);
}

// From now on parameters are kept in this type, and computed with in the type that they had: bf16 takes half
// the memory of f32, and where reading weights is what takes the time, half of that too. A compiled step
// trains f32 values behind them. `which`: by name, all parameters by itself.
template <typename M>
void store_as(const M& model, DType dtype, const std::function<bool(std::string_view)>& which = {}) {
  detail::store_as(detail::collect(model), dtype, which);
}

// Whether the forward that is being traced is one of training: fixed when it is made. Elsewhere: false.
bool is_training();

// Marks the nodes made while it lives with the module's path: kernels are then named by it. The layers of the
// library open one; outside of a step or an attached forward it does nothing.
class Scope {
 public:
  template <typename M>
  explicit Scope(const M& module) : Scope(&module, &detail::type_tag<M>) {}
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Scope(const void* address, const void* type);
  void* open_ = nullptr;
};

// While it lives, parameters stand for these tensors in this thread: for training loops of one's own.
struct SubstituteOptions {
  bool train = false;
  std::optional<Rng> rng = {};  // of dropout, when training
};
class Substitute {
 public:
  Substitute(const std::vector<NamedParam>& params, const std::vector<Tensor>& values,
             const SubstituteOptions& options = {}, Loc loc = Loc::current());
  ~Substitute();
  Substitute(const Substitute&) = delete;
  Substitute& operator=(const Substitute&) = delete;
  // The values after what ran meanwhile: those given, but for buffers that were set.
  std::vector<Tensor> next() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nn
}  // namespace anneal
