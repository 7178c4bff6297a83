// SPDX-License-Identifier: MIT
// Optimizers as tensor expressions: the next value of a parameter and of the state kept for it. The scalars
// that all parameters share are made once a step. Tested by programs_test.cc and by PyTorch's losses
// (conform).
#pragma once

#include <string_view>
#include <vector>

#include "anneal/functions.h"

namespace anneal::programs {

enum class OptimizerKind { kSgd, kAdam, kAdamW };

struct OptimizerSpec {
  OptimizerKind kind = OptimizerKind::kAdamW;
  double lr = 1e-3, weight_decay = 0.01, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, momentum = 0;

  // How many tensors of the parameter's shape are kept beside it, zeros at first.
  size_t states() const { return kind == OptimizerKind::kSgd ? (momentum != 0 ? 1 : 0) : 2; }
};

// "adamw lr=1e-2 wd=0": a name, then settings of the form key=value; other words are remarks.
OptimizerSpec parse_optimizer(std::string_view text);

class Optimizer {
 public:
  // `step`: a scalar that counts from 1.
  Optimizer(const OptimizerSpec& spec, const Tensor& step);

  struct Next {
    Tensor parameter;
    std::vector<Tensor> states;
  };
  Next update(const Tensor& parameter, const Tensor& gradient, const std::vector<Tensor>& states) const;

 private:
  Next update_sgd(const Tensor& parameter, const Tensor& gradient, const std::vector<Tensor>& states) const;

  OptimizerSpec spec_;
  Tensor step_size_, epsilon_;  // of Adam, with the correction for starting at zero
};

}  // namespace anneal::programs
