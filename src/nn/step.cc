// SPDX-License-Identifier: MIT
#include "nn/step.h"

#include <algorithm>

#include "anneal/transforms.h"
#include "ir/graph.h"
#include "ir/walk.h"
#include "nn/trace.h"
#include "nn/update.h"
#include "support/nearest.h"
#include "tensor/recapture.h"

namespace anneal::detail {

using nn::detail::Kept;
using nn::detail::Slot;
using nn::detail::Trace;

// -- Making a program --

class StepCore::Maker {
 public:
  Maker(StepCore& core, Kind kind, bool captures) : core_(core), kind_(kind), with_captures_(captures) {}

  Program make() {
    open();
    trace();
    check_loss();
    roots_.push_back(loss_);
    for (const NamedTensor& c : captures_) {
      program_.captures.push_back(c.name);
      roots_.push_back(c.value);
    }
    slopes();
    finish(kind_ == Kind::kGradients ? Updates() : updates());
    return std::move(program_);
  }

 private:
  using Updates = std::vector<std::pair<Tensor*, Tensor>>;  // where it goes, what it is

  // In the order of StepCore::arguments().
  void open() {
    const Loc& loc = core_.loc_;
    for (const InputSpec& spec : core_.spec_.inputs)
      inputs_.push_back({spec.name, ends_.make(spec.sizes, spec.dtype, spec.name, "input", loc)});
    scalars_ = {ends_.make({}, i32, "step", "input", loc),
                ends_.make({}, i32, "call", "input", loc),
                ends_.make({}, u32, "key 0", "input", loc),
                ends_.make({}, u32, "key 1", "input", loc),
                {}};
    for (size_t i = 0; i < core_.lrs_.size(); ++i)
      scalars_.lrs.push_back(ends_.make({}, core_.scalar_, i == 0 ? "lr" : "lr of the rest", "input", loc));
    for (const Slot& slot : core_.store_->slots) {
      const Sizes sizes(slot.param.param.shape());
      const Loc& made = slot.param.param.state()->loc;
      values_.push_back(ends_.make(sizes, slot.dtype, slot.param.name, "parameter", made));
      for (const auto* list : {&slot.kept, &slot.sums})
        for (const Kept& kept : *list)
          kept_.push_back(ends_.make(sizes, kept.dtype, kept.name, "optimizer", made));
    }
  }

  void trace() {
    Trace trace;
    trace.train = true;
    trace.rng = Rng(scalars_.key0, scalars_.key1).fold_in(scalars_.call);
    trace.paths = &core_.store_->paths;
    if (with_captures_) trace.captures = &captures_;
    const std::vector<Slot>& slots = core_.store_->slots;
    for (size_t i = 0; i < slots.size(); ++i) nn::detail::stand_for(trace, slots[i], values_[i]);
    const Capturing capturing;
    loss_ = core_.spec_.loss(Inputs(inputs_));
    for (const Slot& slot : slots) next_.push_back(trace.next(slot.param.param));
  }

  void check_loss() const {
    const Call call("compile", core_.loc_);
    if (!loss_.defined() || loss_.rank() != 0 || !is_float(loss_.dtype()))
      call.fail(ErrorCode::kShape, "the loss must be a scalar float, not " +
                                       (loss_.defined() ? loss_.type() : std::string("empty")));
  }

  // A function that computes with another model than the one it is given would train nothing, in silence.
  void check_dependence(const std::vector<Tensor>& wrt) const {
    const ir::Node loss = node_of(loss_);
    std::vector<bool> is_parameter(ir::default_graph().id_limit(), false);
    for (const Tensor& w : wrt) is_parameter[node_of(w).id] = true;
    for (const ir::Node n : ir::postorder(ir::default_graph(), std::span(&loss, 1)))
      if (is_parameter[n.id]) return;
    const Call call("compile", core_.loc_);
    call.fail(ErrorCode::kArgument,
              "the loss depends on no parameter of the model: use the model that the function is given, not "
              "one that it has captured");
  }

  void slopes() {
    std::vector<Tensor> wrt;
    for (size_t i = 0; i < values_.size(); ++i)
      if (core_.store_->slots[i].trained) wrt.push_back(values_[i]);
    check_dependence(wrt);
    slopes_ = anneal::gradients(loss_, wrt, core_.loc_);
    if (kind_ != Kind::kGradients) return;
    size_t at = 0;
    for (const Slot& slot : core_.store_->slots) {
      if (!slot.trained) continue;
      program_.gradients.push_back(slot.param.name);
      roots_.push_back(cast(slopes_[at++], slot.param.param.dtype()));
    }
  }

  Updates updates() {
    const Call call("optimizer", core_.loc_);
    const ir::PhaseScope phase(ir::default_graph(), ir::Phase::kOptimizer);
    std::vector<Slot>& slots = core_.store_->slots;
    Updates parameters, kept;
    // Sums of gradients first: clipping looks at what the optimizer will see.
    size_t end = 0, at = 0;
    for (const Slot& slot : slots) {
      end += slot.kept.size() + slot.sums.size();
      if (slot.sums.empty()) continue;
      Tensor& slope = slopes_[at++];
      slope = kept_[end - 1] + cast(slope, slot.sums[0].dtype);
      if (kind_ == Kind::kStep) slope = slope * (1.0 / core_.spec_.accumulate);
    }
    if (kind_ == Kind::kStep) slopes_ = nn::detail::clipped(core_.spec_.clip, std::move(slopes_));
    const nn::detail::Updater updater(
        core_.spec_.optimizer, {cast(scalars_.step, core_.scalar_), scalars_.lrs[0], scalars_.lrs.back()});
    size_t trained = 0, first = 0;
    for (size_t i = 0; i < slots.size(); first += slots[i].kept.size() + slots[i].sums.size(), ++i) {
      Slot& slot = slots[i];
      const ir::Graph::Module path(ir::default_graph(), slot.param.name);
      if (!slot.trained) {
        if (node_of(next_[i]) != node_of(values_[i])) parameters.emplace_back(&slot.value, next_[i]);
        continue;
      }
      const Tensor& slope = slopes_[trained++];
      if (!slot.sums.empty())
        kept.emplace_back(&slot.sums[0].value, kind_ == Kind::kStep ? zeros_like(slope) : slope);
      if (kind_ != Kind::kStep) continue;
      const std::vector<Tensor> own(kept_.begin() + static_cast<std::ptrdiff_t>(first),
                                    kept_.begin() + static_cast<std::ptrdiff_t>(first + slot.kept.size()));
      nn::detail::Updater::Next next = updater.update(slot.target, values_[i], slope, own);
      parameters.emplace_back(&slot.value, std::move(next.parameter));
      for (size_t k = 0; k < next.kept.size(); ++k)
        kept.emplace_back(&slot.kept[k].value, std::move(next.kept[k]));
    }
    parameters.insert(parameters.end(), kept.begin(), kept.end());
    return parameters;
  }

  void finish(const Updates& next) {
    const Call call("compile", core_.loc_);
    const bool trap = core_.spec_.nan_trap && kind_ != Kind::kGradients;
    if (trap) {
      Tensor finite = isfinite(loss_);
      for (const Tensor& slope : slopes_) finite = finite & all(isfinite(slope));
      program_.has_check = true;
      roots_.push_back(finite);
      program_.open = ends_.all();
    }
    OpenProgram whole{{}, {}, std::vector<int32_t>(roots_.size(), -1)};
    const auto position = [&](const Tensor* target) {
      const std::vector<Tensor*> order = core_.state_places();
      const auto it = std::find(order.begin(), order.end(), target);
      return static_cast<int32_t>(ends_.all().size() - order.size() +
                                  static_cast<size_t>(it - order.begin()));
    };
    for (const auto& [target, value] : next) {
      program_.targets.push_back(target);
      roots_.push_back(value);
      // Where a NaN is to be found, the values of before are still needed.
      whole.updates.push_back(trap ? -1 : position(target));
    }
    for (const Tensor& t : roots_) whole.roots.push_back(node_of(t));
    for (const Tensor& t : ends_.all()) whole.params.push_back(node_of(t));
    program_.compiled = backend().compile(call.g, whole);
    if (trap) {
      program_.roots = {loss_};
      program_.roots.insert(program_.roots.end(), slopes_.begin(), slopes_.end());
    }
  }

  StepCore& core_;
  const Kind kind_;
  const bool with_captures_;
  nn::detail::OpenEnds ends_;
  NamedTensors inputs_, captures_;
  Scalars scalars_;
  std::vector<Tensor> values_, kept_;  // by slot; all of what is kept, slot by slot
  std::vector<Tensor> next_, slopes_;  // of buffers, by slot; of what is trained
  std::vector<Tensor> roots_;
  Tensor loss_;
  Program program_;
};

// -- The step --

StepCore::StepCore(TrainingSpec spec, const Loc& loc) : spec_(std::move(spec)), loc_(loc) {
  const Call call("compile", loc_);
  nn::detail::check_specs(call, spec_.inputs);
  if (spec_.accumulate < 1)
    call.fail(ErrorCode::kArgument, "accumulate is " + std::to_string(spec_.accumulate) + ", not 1 or more");
  nn::detail::check(call, spec_.optimizer, spec_.clip);
  store_ = std::make_shared<nn::detail::Store>(spec_.walk, spec_.optimizer, spec_.accumulate, spec_.trains,
                                               spec_.seed);
  bool trains = false;
  for (const Slot& slot : store_->slots) {
    trains |= slot.trained;
    if (slot.trained && slot.param.param.dtype() == f64) scalar_ = f64;
  }
  if (!trains)
    call.fail(ErrorCode::kArgument,
              "the model has no parameter to train; a class that is no aggregate names its members with "
              "ANNEAL_MEMBERS");
  lrs_ = nn::detail::schedules(spec_.optimizer);
  store_->initialize();
  store_->clear_optimizer();
}

// Where the values of parameters and of what is kept are, in the order of arguments.
std::vector<Tensor*> StepCore::state_places() const {
  std::vector<Tensor*> out;
  for (Slot& slot : store_->slots) {
    out.push_back(&slot.value);
    for (auto* list : {&slot.kept, &slot.sums})
      for (Kept& kept : *list) out.push_back(&kept.value);
  }
  return out;
}

StepCore::Program& StepCore::program(Kind kind, bool captures) {
  const auto it = programs_.find({kind, captures});
  if (it != programs_.end()) return it->second;
  return programs_.emplace(std::pair(kind, captures), Maker(*this, kind, captures).make()).first->second;
}

std::vector<Tensor> StepCore::arguments(const nn::detail::Bound& bound) const {
  std::vector<Tensor> out = bound.values;
  const auto scalar = [&](auto value) { out.push_back(from_data(std::vector{value}, {})); };
  scalar(static_cast<int32_t>(store_->steps + 1));
  scalar(static_cast<int32_t>(store_->calls));
  scalar(static_cast<uint32_t>(store_->seed));
  scalar(static_cast<uint32_t>(store_->seed >> 32));
  for (size_t i = 0; i < lrs_.size(); ++i) {
    const double rate = i == 0 ? lr() : (*lrs_[i])(store_->steps);
    scalar_ == f64 ? scalar(rate) : scalar(static_cast<float>(rate));
  }
  for (const Tensor* place : state_places()) out.push_back(*place);
  return out;
}

std::vector<Tensor> StepCore::launch(Program& program, const nn::detail::Bound& bound) {
  const std::vector<Tensor> given = arguments(bound);
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<ir::Node> nodes;
  for (const Tensor& t : given) nodes.push_back(node_of(t));
  std::vector<Tensor> out;
  for (const ir::Node n : program.compiled->run(graph, nodes, bound.run)) out.push_back(wrap(n));
  const size_t first = out.size() - program.targets.size();
  if (program.has_check && !out[first - 1].item<bool>())
    nn::detail::blame_for_nan(program.roots, program.open, given, bound.run, store_->steps + 1);
  for (size_t i = 0; i < program.targets.size(); ++i) *program.targets[i] = out[first + i];
  out.resize(first);
  return out;
}

StepResult StepCore::run(const NamedTensors& inputs, const RunStepOptions& options, const Loc& loc) {
  const nn::detail::Bound bound = nn::detail::bind("step", spec_.inputs, inputs, loc);
  const bool is_last = (store_->calls + 1) % spec_.accumulate == 0;
  Program& made = program(is_last ? Kind::kStep : Kind::kAccumulate, options.captures);
  const Call call("step", loc);
  const std::vector<Tensor> out = launch(made, bound);
  ++store_->calls;
  if (is_last) ++store_->steps;
  StepResult result{store_->steps, out[0], {}};
  for (size_t i = 0; i < made.captures.size(); ++i) result.captures.push_back({made.captures[i], out[1 + i]});
  return result;
}

NamedTensors StepCore::gradients(const NamedTensors& inputs, const Loc& loc) {
  const nn::detail::Bound bound = nn::detail::bind("gradients", spec_.inputs, inputs, loc);
  Program& made = program(Kind::kGradients, false);
  const Call call("gradients", loc);
  const std::vector<Tensor> out = launch(made, bound);
  NamedTensors slopes;
  for (size_t i = 0; i < made.gradients.size(); ++i) slopes.push_back({made.gradients[i], out[1 + i]});
  return slopes;
}

std::string StepCore::explain() { return program(Kind::kStep, false).compiled->explain(); }
ProgramSummary StepCore::summary() { return program(Kind::kStep, false).compiled->summary(); }

std::shared_ptr<StepCore> make_step(TrainingSpec spec, const Loc& loc) {
  return std::make_shared<StepCore>(std::move(spec), loc);
}

}  // namespace anneal::detail
