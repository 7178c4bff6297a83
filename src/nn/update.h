// SPDX-License-Identifier: MIT
// Optimizers as tensor expressions: the next value of a parameter and of the state kept for it. The scalars
// that all parameters share are made once a step. Tested by optim_test.cc and by PyTorch's losses (conform).
#pragma once

#include <string>
#include <vector>

#include "anneal/functions.h"
#include "anneal/optim.h"
#include "tensor/call.h"

namespace anneal::nn::detail {

// A parameter as an optimizer sees it.
struct Target {
  std::string name;
  bool decays = true;     // Param::decays()
  bool is_table = false;  // of an embedding
  int rank = 0;
};

// Scalars of a step, f32 or, where a parameter is f64, that: how many there have been with this one, and
// learning rates.
struct StepScalars {
  Tensor step, lr, rest_lr;  // rest_lr: of Muon's other parameters
};
// Raises for settings that mean nothing.
void check(const Call& call, const Optimizer& optimizer, const Clip& clip);

// The names of the tensors that are kept beside a parameter, of its shape and zeros at first.
std::vector<std::string> kept_names(const Optimizer& optimizer, const Target& target);
// Learning rates in the order of StepScalars.
std::vector<Schedule*> schedules(Optimizer& optimizer);

class Updater {
 public:
  Updater(const Optimizer& optimizer, const StepScalars& scalars);

  struct Next {
    Tensor parameter;
    std::vector<Tensor> kept;
  };
  Next update(const Target& target, const Tensor& parameter, const Tensor& gradient,
              const std::vector<Tensor>& kept) const;

 private:
  struct AdamScalars {
    Tensor step_size, epsilon;
  };
  AdamScalars adam_scalars(const Tensor& lr, double beta1, double beta2, double eps) const;
  Next apply(const Sgd& o, const Target& t, const Tensor& p, const Tensor& g,
             const std::vector<Tensor>& kept) const;
  Next apply(const Adam& o, const Target& t, const Tensor& p, const Tensor& g,
             const std::vector<Tensor>& kept) const;
  Next apply(const AdamW& o, const Target& t, const Tensor& p, const Tensor& g,
             const std::vector<Tensor>& kept) const;
  Next apply(const Lion& o, const Target& t, const Tensor& p, const Tensor& g,
             const std::vector<Tensor>& kept) const;
  Next apply(const Muon& o, const Target& t, const Tensor& p, const Tensor& g,
             const std::vector<Tensor>& kept) const;

  const Optimizer& optimizer_;
  StepScalars scalars_;
  AdamScalars adam_;
};

// The gradients with their elements or their common norm bounded.
std::vector<Tensor> clipped(const Clip& clip, std::vector<Tensor> gradients);

}  // namespace anneal::nn::detail
