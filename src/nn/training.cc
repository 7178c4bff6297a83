// SPDX-License-Identifier: MIT
// What a step gives to its user: results, and its tensors by name. Tested by training_test.cc.
#include "anneal/training.h"

#include <algorithm>

#include "nn/step.h"
#include "support/nearest.h"

namespace anneal {

using nn::detail::Kept;
using nn::detail::Slot;
using nn::detail::Trace;

Tensor capture(std::string_view name, In value) {
  const Call call("capture", {&value});
  Trace* trace = Trace::current();
  if (trace == nullptr || trace->captures == nullptr) return value.tensor();
  for (const NamedTensor& c : *trace->captures)
    if (c.name == name)
      call.fail(ErrorCode::kName, "there is a capture " + std::string(name) +
                                      " already: each one in a forward has a name of its own");
  trace->captures->push_back({std::string(name), wrap(call.node(value))});
  return value.tensor();
}

double StepResult::loss() const { return loss_value.item<double>(); }

Tensor StepResult::capture(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const NamedTensor& c : captures) {
    if (c.name == name) return c.value;
    names.push_back(c.name);
  }
  raise(ErrorCode::kName, "capture: there is no " + std::string(name) +
                              (captures.empty() ? "; the step was not asked for captures: {.captures = true}"
                                                : support::nearest_hint("; the nearest is ", name, names)));
}

namespace {

// A tensor of a step that can be taken out and put back.
struct Place {
  std::string name;
  DType dtype;
  const std::vector<int64_t>* shape;
  Tensor* value;
};

std::vector<Place> parameter_places(nn::detail::Store& store) {
  std::vector<Place> out;
  for (Slot& slot : store.slots) {
    const Param& p = slot.param.param;
    out.push_back({slot.param.name, slot.dtype, &p.shape(), &slot.value});
  }
  return out;
}

std::vector<Place> optimizer_places(nn::detail::Store& store) {
  std::vector<Place> out;
  for (Slot& slot : store.slots)
    for (auto* list : {&slot.kept, &slot.sums})
      for (Kept& kept : *list) out.push_back({kept.name, kept.dtype, &slot.param.param.shape(), &kept.value});
  return out;
}

std::vector<Place> all_places(nn::detail::Store& store) {
  std::vector<Place> out = parameter_places(store);
  for (Place& p : optimizer_places(store)) out.push_back(std::move(p));
  return out;
}

NamedTensors copies(const std::vector<Place>& places) {
  NamedTensors out;
  for (const Place& p : places) out.push_back({p.name, nn::detail::copied(*p.value)});
  return out;
}

// All of it or nothing. `whole`: every place needs a value.
void take(const Call& call, nn::detail::Store& store, const std::vector<Place>& places,
          const NamedTensors& values, bool whole) {
  nn::LoadReport report;
  std::vector<const Tensor*> given(places.size(), nullptr);
  std::vector<std::string_view> names;
  for (const Place& p : places) names.push_back(p.name);
  for (const NamedTensor& v : values) {
    const auto alias = store.aliases.find(v.name);
    const std::string& name = alias == store.aliases.end() ? v.name : store.slots[alias->second].param.name;
    const size_t i = static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    if (i == names.size()) {
      report.unexpected.push_back(v.name + support::nearest_hint(" (the nearest is ", v.name, names, ")"));
    } else if (!v.value.defined() || v.value.shape() != *places[i].shape ||
               is_float(v.value.dtype()) != is_float(places[i].dtype)) {
      report.misshaped.push_back(v.name + ": " + nn::detail::type_of(places[i].dtype, *places[i].shape) +
                                 " is needed, " + (v.value.defined() ? v.value.type() : "an empty tensor") +
                                 " was given");
    } else {
      given[i] = &v.value;
      ++report.loaded;
    }
  }
  for (size_t i = 0; whole && i < given.size(); ++i)
    if (given[i] == nullptr) report.missing.push_back(places[i].name);
  if (!report.ok()) call.fail(ErrorCode::kName, "the tensors do not fit the step\n" + report.str());
  std::vector<Tensor> next;
  for (size_t i = 0; i < given.size(); ++i)
    if (given[i] != nullptr) next.push_back(nn::detail::copied(cast(*given[i], places[i].dtype)));
  size_t at = 0;
  for (size_t i = 0; i < given.size(); ++i)
    if (given[i] != nullptr) *places[i].value = next[at++];
}

}  // namespace

namespace {

// In the parameter's own type.
Tensor value_of(const Slot& slot) { return nn::detail::copied(cast(slot.value, slot.param.param.dtype())); }

}  // namespace

StepResult AnyStep::operator()(const NamedTensors& inputs, const RunStepOptions& options, Loc loc) const {
  return core_->run(inputs, options, loc);
}
int64_t AnyStep::steps() const { return core_->store()->steps; }
uint64_t AnyStep::seed() const { return core_->store()->seed; }
size_t AnyStep::compiles() const { return core_->compiles(); }
void AnyStep::set_lr(Schedule lr, std::optional<int64_t> from) const { core_->set_lr(std::move(lr), from); }
double AnyStep::lr() const { return core_->lr(); }

NamedTensors AnyStep::parameters() const {
  NamedTensors out;
  for (const Slot& slot : core_->store()->slots) out.push_back({slot.param.name, value_of(slot)});
  return out;
}
NamedTensors AnyStep::optimizer_state() const { return copies(optimizer_places(*core_->store())); }
Tensor AnyStep::parameter(std::string_view name) const {
  if (const Slot* slot = core_->store()->find(name)) return value_of(*slot);
  raise(ErrorCode::kName, "parameter: there is no " + std::string(name) +
                              support::nearest_hint("; the nearest is ", name, core_->store()->names()));
}
NamedTensors AnyStep::gradients(const NamedTensors& inputs, Loc loc) const {
  return core_->gradients(inputs, loc);
}
void AnyStep::upload(const NamedTensors& values, Loc loc) const {
  const Call call("upload", loc);
  take(call, *core_->store(), parameter_places(*core_->store()), values, false);
}
void AnyStep::upload_optimizer_state(const NamedTensors& values, Loc loc) const {
  const Call call("upload_optimizer_state", loc);
  take(call, *core_->store(), optimizer_places(*core_->store()), values, false);
}
void AnyStep::reset(bool parameters, bool optimizer) const {
  if (parameters) core_->store()->initialize();
  if (optimizer) core_->store()->clear_optimizer();
  core_->steps_were_set();
}

TrainingState AnyStep::state() const {
  const nn::detail::Store& store = *core_->store();
  return {copies(all_places(*core_->store())),
          {{"step", store.steps}, {"call", store.calls}, {"seed", static_cast<int64_t>(store.seed)}}};
}

void AnyStep::load_state(const TrainingState& state, Loc loc) const {
  const Call call("load_state", loc);
  nn::detail::Store& store = *core_->store();
  const auto number = [&](std::string_view name) {
    for (const auto& [n, value] : state.numbers)
      if (n == name) return value;
    call.fail(ErrorCode::kName, "the number " + std::string(name) + " is missing");
  };
  const int64_t step = number("step"), calls = number("call"), seed = number("seed");
  take(call, store, all_places(store), state.tensors, true);
  store.steps = step;
  store.calls = calls;
  store.seed = static_cast<uint64_t>(seed);
  core_->steps_were_set();
}

std::string AnyStep::explain() const { return core_->explain(); }
ProgramSummary AnyStep::summary() const { return core_->summary(); }

}  // namespace anneal
