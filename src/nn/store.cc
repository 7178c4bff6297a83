// SPDX-License-Identifier: MIT
#include "nn/store.h"

#include "tensor/backend.h"
#include "tensor/call.h"

namespace anneal::nn::detail {
namespace {

// Gives every parameter of a copied model a state of its own; copies of one handle stay one parameter.
class Taker final : public Visitor {
 public:
  explicit Taker(Store& store) : store_(store) {}

  void param(Param& param, const std::string& path) override {
    if (!param.defined())
      raise(ErrorCode::kArgument,
            "the parameter " + path + " was never made: give its layer sizes, as in nn::Linear(2, 64)");
    std::shared_ptr<ParamState>& own = taken_[param.state().get()];
    const bool is_new = own == nullptr;
    if (is_new) {
      kept_alive_.push_back(param.state());
      own = std::make_shared<ParamState>(*param.state());
    }
    param.reset(own);
    if (!is_new) {
      store_.aliases.emplace(path, place_[own.get()]);
      return;
    }
    place_[own.get()] = store_.slots.size();
    Slot slot;
    slot.param = {path, param};
    slot.target = {path, param.decays(), own->is_table, static_cast<int>(own->shape.size())};
    store_.slots.push_back(std::move(slot));
  }
  void module(const void* address, const void* type, const std::string& path) override {
    store_.paths.emplace(std::pair(address, type), path);
  }

 private:
  Store& store_;
  std::map<const ParamState*, std::shared_ptr<ParamState>> taken_;  // found by address, never listed
  std::map<const ParamState*, size_t> place_;
  std::vector<std::shared_ptr<ParamState>> kept_alive_;  // an address means one parameter meanwhile
};

}  // namespace

Tensor copied(const Tensor& t) {
  const ir::Graph::Scope scope(ir::default_graph());
  return wrap(ir::Builder{ir::default_graph()}.buffer(host_data(ir::default_graph(), node_of(t.realize()))));
}

void stand_for(Trace& trace, const Slot& slot, const Tensor& value) {
  trace.stand_for(slot.param.param, cast(value, slot.param.param.dtype()));
}

Store::Store(const std::function<void(Visitor&)>& walk, const Optimizer& optimizer, int accumulate,
             const NameFilter& trains, uint64_t with_seed)
    : seed(with_seed) {
  Taker taker(*this);
  walk(taker);
  for (Slot& slot : slots) {
    const auto& state = slot.param.param.state();
    given_.push_back(std::exchange(state->value, Tensor()));
    slot.trained = state->trained && is_float(state->dtype) && (!trains || trains(slot.param.name));
    slot.dtype = state->dtype;
    if (!slot.trained) continue;
    const DType wide = state->dtype == f64 ? f64 : f32;
    slot.dtype = wide;
    const std::string prefix = "optimizer/" + slot.param.name + "/";
    for (const std::string& name : kept_names(optimizer, slot.target))
      slot.kept.push_back({prefix + name, wide, {}});
    if (accumulate > 1) slot.sums.push_back({prefix + "gradient", wide, {}});
  }
}

void Store::initialize() {
  Collected missing;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (given_[i].defined())
      slots[i].value = copied(cast(given_[i], slots[i].dtype));
    else
      missing.params.push_back(slots[i].param);
  }
  nn::detail::initialize(missing, seed);
  for (Slot& slot : slots)
    if (ParamState& state = *slot.param.param.state(); state.value.defined())
      slot.value = cast(std::exchange(state.value, Tensor()), slot.dtype).realize();
}

void Store::clear_optimizer() {
  std::vector<Kept*> all;
  std::vector<Tensor> lazy;
  for (Slot& slot : slots)
    for (auto* list : {&slot.kept, &slot.sums})
      for (Kept& kept : *list) {
        all.push_back(&kept);
        lazy.push_back(zeros(Sizes(slot.param.param.shape()), kept.dtype));
      }
  lazy = lazy.empty() ? lazy : realize(lazy);
  for (size_t i = 0; i < all.size(); ++i) all[i]->value = lazy[i];
  steps = calls = 0;
}

Slot* Store::find(std::string_view name) {
  for (Slot& slot : slots)
    if (slot.param.name == name) return &slot;
  const auto it = aliases.find(std::string(name));
  return it == aliases.end() ? nullptr : &slots[it->second];
}

std::vector<std::string_view> Store::names() const {
  std::vector<std::string_view> out;
  for (const Slot& slot : slots) out.push_back(slot.param.name);
  return out;
}

}  // namespace anneal::nn::detail
