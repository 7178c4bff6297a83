// SPDX-License-Identifier: MIT
// The machinery of a compiled step: its programs, one for each kind of call, and their runs. Tested by
// training_test.cc.
#pragma once

#include <algorithm>

#include "nn/bind.h"
#include "nn/store.h"
#include "tensor/backend.h"

namespace anneal::detail {

class StepCore {
 public:
  StepCore(TrainingSpec spec, const Loc& loc);

  StepResult run(const NamedTensors& inputs, const RunStepOptions& options, const Loc& loc);
  NamedTensors gradients(const NamedTensors& inputs, const Loc& loc);
  std::string explain();
  ProgramSummary summary();

  const std::shared_ptr<nn::detail::Store>& store() const { return store_; }
  const std::shared_ptr<void>& model() const { return spec_.model; }
  void set_lr(Schedule lr, std::optional<int64_t> from) {
    *lrs_[0] = std::move(lr);
    lr_from_ = from.value_or(store_->steps);
  }
  double lr() const { return (*lrs_[0])(std::max<int64_t>(0, store_->steps - lr_from_)); }
  // After the number of the step was set: a schedule that begins later than that begins there.
  void steps_were_set() { lr_from_ = std::min(lr_from_, store_->steps); }
  size_t compiles() const { return programs_.size(); }

 private:
  enum class Kind {
    kStep,        // with the optimizer
    kAccumulate,  // adds the gradients to those of earlier calls
    kGradients,   // results in the gradients, and changes nothing
  };
  struct Program {
    std::shared_ptr<Compiled> compiled;
    std::vector<std::string> captures, gradients;  // names, in the order of results behind the loss
    std::vector<Tensor*> targets;                  // of the results behind these: where the next values go
    bool has_check = false;                        // the result before targets: whether all is finite
    std::vector<Tensor> open, roots;               // where values are checked: to find who made one
  };
  struct Scalars {
    Tensor step, call, key0, key1;
    std::vector<Tensor> lrs;
  };
  class Maker;

  Program& program(Kind kind, bool captures);
  std::vector<Tensor*> state_places() const;
  std::vector<Tensor> arguments(const nn::detail::Bound& bound) const;
  std::vector<Tensor> launch(Program& program, const nn::detail::Bound& bound);

  TrainingSpec spec_;
  Loc loc_;
  std::shared_ptr<nn::detail::Store> store_;
  std::vector<Schedule*> lrs_;
  int64_t lr_from_ = 0;  // the step from which the first of them counts
  DType scalar_ = f32;   // of learning rates: f64 where a parameter is
  std::map<std::pair<Kind, bool>, Program> programs_;
};

}  // namespace anneal::detail

namespace anneal::nn::detail {

// Raises with the op that made the first NaN or infinity behind the roots, given data for the open ends.
[[noreturn]] void blame_for_nan(const std::vector<Tensor>& roots, const std::vector<Tensor>& open,
                                const std::vector<Tensor>& arguments, const RunOptions& run, int64_t step);

}  // namespace anneal::nn::detail
