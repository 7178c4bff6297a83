// SPDX-License-Identifier: MIT
// The parameters of a compiled step and what its optimizer keeps: shared with the forwards that are attached
// to it. Tested by training_test.cc.
#pragma once

#include "anneal/training.h"
#include "nn/trace.h"
#include "nn/update.h"

namespace anneal::nn::detail {

struct Kept {
  std::string name;  // "optimizer/l1.weight/m"
  DType dtype = f32;
  Tensor value;
};

struct Slot {
  NamedParam param;
  Target target;
  bool trained = true;
  DType dtype = f32;  // of the value: of a narrow float that is trained f32, or small steps would be lost
  Tensor value;
  std::vector<Kept> kept;  // of the optimizer; none where it is not trained
  std::vector<Kept> sums;  // of gradients so far, where several calls make a step
};

class Store {
 public:
  // Takes a copy of a model over: its parameters become their own.
  Store(const std::function<void(Visitor&)>& walk, const Optimizer& optimizer, int accumulate,
        const NameFilter& trains, uint64_t seed);

  std::vector<Slot> slots;
  std::map<std::string, size_t> aliases;
  ModulePaths paths;
  uint64_t seed;
  int64_t steps = 0;  // of the optimizer
  int64_t calls = 0;  // of the step

  void initialize();       // new parameters by the seed, or the values that the model came with
  void clear_optimizer();  // zeros
  Slot* find(std::string_view name);
  std::vector<std::string_view> names() const;

 private:
  std::vector<Tensor> given_;  // values that the model came with; empty where it had none
};

// A tensor of the same elements that nobody else has.
Tensor copied(const Tensor& t);
// What a parameter is in a trace, of the value that its slot has.
void stand_for(Trace& trace, const Slot& slot, const Tensor& value);

}  // namespace anneal::nn::detail
