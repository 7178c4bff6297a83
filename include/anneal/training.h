// SPDX-License-Identifier: MIT
// A compiled training step: forward, backward and optimizer are one program and one submission; parameters
// and the optimizer's state stay on the device and are updated in their memory.
//
//   auto step = an::compile(an::Training{
//       .model = Net{},
//       .loss = [](const Net& m, an::Inputs in) { return an::cross_entropy(m(in["x"]), in["y"]); },
//       .inputs = {{"x", {64, 2}}, {"y", {64}, an::i32}},
//       .optimizer = an::AdamW{.lr = 1e-2},
//       .seed = 42,
//   });
//   auto r = step({{"x", x}, {"y", y}});
//   if (r.step % 100 == 0) std::cout << r.loss() << '\n';   // read only when it is asked for
//   auto predict = step.attach([](const Net& m, an::Inputs in) { return m(in["x"]); }, {{"x", {1, 2}}});
//
// The model is copied: the caller's is not changed. Functions are traced once for each kind of step; what
// they read besides the model and their inputs is part of what is compiled (see compile.h).
#pragma once

#include "anneal/compile.h"
#include "anneal/counters.h"
#include "anneal/nn/module.h"
#include "anneal/optim.h"

namespace anneal {

// An input of a step: extents may be named dimensions, and one program serves all their values.
struct InputSpec {
  std::string name;
  Sizes sizes;
  DType dtype = f32;
};
using InputSpecs = std::vector<InputSpec>;

// The inputs that a function is given, by name.
class Inputs {
 public:
  explicit Inputs(const NamedTensors& values) : values_(&values) {}
  Tensor operator[](std::string_view name) const;  // raises with the nearest name

 private:
  const NamedTensors* values_;
};

// Hands an intermediate value out of a forward, under a name that is used once in it. Only steps and
// forwards that are asked for captures compute with it: otherwise it costs nothing. Gives the tensor back.
Tensor capture(std::string_view name, In value);

struct RunStepOptions {
  bool captures = false;  // a program of its own, compiled when it is first asked for
};

struct StepResult {
  int64_t step = 0;       // how many steps of the optimizer there have been
  Tensor loss_value;      // of before the step, on the device
  NamedTensors captures;  // where they were asked for

  double loss() const;  // waits for the step
  Tensor capture(std::string_view name) const;
};

// Everything that a run continues from, bit for bit, but for functions such as schedules: tensors by name
// (parameters and buffers by their own, the optimizer's by "optimizer/<parameter>/<what>") and numbers (step,
// seed).
struct TrainingState {
  NamedTensors tensors;
  std::vector<std::pair<std::string, int64_t>> numbers;
};

namespace detail {
class StepCore;
class ForwardCore;

struct TrainingSpec {
  std::shared_ptr<void> model;  // the copy
  std::function<void(nn::detail::Visitor&)> walk;
  std::function<Tensor(const Inputs&)> loss;  // of the copy
  InputSpecs inputs;
  Optimizer optimizer;
  uint64_t seed = 0;
  Clip clip;
  int accumulate = 1;
  NameFilter trains;
  bool nan_trap = false;
};
using ForwardBody = std::function<std::vector<Tensor>(const Inputs&)>;
std::shared_ptr<StepCore> make_step(TrainingSpec spec, const Loc& loc);
std::shared_ptr<ForwardCore> make_forward(const std::shared_ptr<StepCore>& step, ForwardBody body,
                                          InputSpecs inputs, const Loc& loc);
std::vector<Tensor> run_forward(ForwardCore& forward, const NamedTensors& inputs, NamedTensors* captures,
                                const Loc& loc);
std::string explain_forward(ForwardCore& forward);
size_t compiled_programs(const ForwardCore& forward);
}  // namespace detail

// A forward that shares the parameters of a step, and sees each step at once. `R`: what the function gives.
template <typename R>
class Forward {
 public:
  explicit Forward(std::shared_ptr<detail::ForwardCore> core) : core_(std::move(core)) {}
  R operator()(const NamedTensors& inputs, Loc loc = Loc::current()) const {
    const std::vector<Tensor> out = detail::run_forward(*core_, inputs, nullptr, loc);
    size_t at = 0;
    return detail::Unpack<R>::from(out, at);
  }
  // The same, with what it captures.
  R operator()(const NamedTensors& inputs, NamedTensors& captures, Loc loc = Loc::current()) const {
    const std::vector<Tensor> out = detail::run_forward(*core_, inputs, &captures, loc);
    size_t at = 0;
    return detail::Unpack<R>::from(out, at);
  }
  std::string explain() const { return detail::explain_forward(*core_); }
  size_t compiles() const { return detail::compiled_programs(*core_); }

 private:
  std::shared_ptr<detail::ForwardCore> core_;
};

// All of a step that does not depend on the type of the model.
class AnyStep {
 public:
  explicit AnyStep(std::shared_ptr<detail::StepCore> core) : core_(std::move(core)) {}

  StepResult operator()(const NamedTensors& inputs, const RunStepOptions& options = {},
                        Loc loc = Loc::current()) const;
  int64_t steps() const;
  uint64_t seed() const;
  size_t compiles() const;  // programs that were made so far
  // A schedule counts from the step that comes next, or from step `from`. It is no part of state(): a run
  // that is resumed sets it again, with `from`. Of Muon it is that of the matrices.
  void set_lr(Schedule lr, std::optional<int64_t> from = {}) const;
  double lr() const;  // of the next step

  // Copies, by name; those of parameters() include buffers.
  NamedTensors parameters() const;
  NamedTensors optimizer_state() const;
  Tensor parameter(std::string_view name) const;
  // Of the loss of these inputs with respect to each parameter; nothing is updated.
  NamedTensors gradients(const NamedTensors& inputs, Loc loc = Loc::current()) const;
  // Takes values for some or all parameters. Raises for unknown names and other shapes, and then takes none.
  void upload(const NamedTensors& values, Loc loc = Loc::current()) const;
  void upload_optimizer_state(const NamedTensors& values, Loc loc = Loc::current()) const;
  // New parameters by the seed, no step done. Of either alone: parameters stay, or the optimizer's state.
  void reset(bool parameters = true, bool optimizer = true) const;

  TrainingState state() const;
  void load_state(const TrainingState& state, Loc loc = Loc::current()) const;

  // What the step was compiled to: launches, bytes, memory. Compiles it when that was not done yet.
  std::string explain() const;
  ProgramSummary summary() const;

 protected:
  std::shared_ptr<detail::StepCore> core_;
};

template <typename M>
class Step : public AnyStep {
 public:
  Step(std::shared_ptr<detail::StepCore> core, std::shared_ptr<M> model)
      : AnyStep(std::move(core)), model_(std::move(model)) {}

  // Not for training: dropout is the identity, batch norms use their running statistics.
  template <typename F>
  auto attach(F forward, InputSpecs inputs, Loc loc = Loc::current()) const {
    using R = std::invoke_result_t<const F&, const M&, Inputs>;
    auto body = [model = model_, f = std::move(forward)](const Inputs& in) {
      std::vector<Tensor> out;
      detail::pack(f(*model, in), out);
      return out;
    };
    return Forward<R>(detail::make_forward(core_, std::move(body), std::move(inputs), loc));
  }

 private:
  std::shared_ptr<M> model_;
};

template <typename M, typename L>
struct Training {
  M model;
  L loss;  // Tensor(const M&, an::Inputs): a scalar
  InputSpecs inputs;
  Optimizer optimizer = AdamW{};
  uint64_t seed = 0;  // of new parameters and of dropout
  Clip clip = {};
  int accumulate = 1;      // calls for one step of the optimizer, by the mean of their gradients
  NameFilter trains = {};  // which parameters are trained; all
  bool nan_trap = false;   // raises where a NaN or an infinity was made first; each step is waited for
};
template <typename M, typename L>
Step<M> compile(Training<M, L> training, Loc loc = Loc::current()) {
  auto model = std::make_shared<M>(std::move(training.model));
  detail::TrainingSpec spec{
      model,
      [model = model.get()](nn::detail::Visitor& visitor) { nn::detail::walk(*model, visitor); },
      [model = model.get(), f = std::move(training.loss)](const Inputs& in) -> Tensor {
        return f(*model, in);
      },
      std::move(training.inputs),
      std::move(training.optimizer),
      training.seed,
      training.clip,
      training.accumulate,
      std::move(training.trains),
      training.nan_trap};
  return Step<M>(detail::make_step(std::move(spec), loc), std::move(model));
}

}  // namespace anneal
