// SPDX-License-Identifier: MIT
// Running programs: several tensors at once, so that what they share is computed once, and a program whose
// parameters and state live from one run to the next, on the device if there is one: a step makes their next
// values in their memory. Tested by programs_test.cc.
#pragma once

#include <map>
#include <memory>

#include "ir/graph.h"
#include "programs/programs.h"
#include "tensor/backend.h"

namespace anneal::programs {

using Array = std::shared_ptr<const ir::BufferData>;

// The values of the tensors, computed together.
std::vector<Array> evaluate_together(const std::vector<Tensor>& tensors, bool in_f64 = false);

class Session {
 public:
  // New parameters by the seed; state is zero.
  Session(Program program, uint64_t seed);

  const Program& program() const { return program_; }
  // A value for an input of data, or for a parameter.
  void set(const std::string& name, const Array& value);
  void set(const std::vector<Named>& values);
  Array value(const std::string& name) const;

  // The results, read when they are asked for. When training, parameters and state are then those after the
  // step.
  std::vector<Tensor> step();
  std::vector<Array> run();  // the same, read
  int64_t steps() const { return steps_; }

 private:
  void initialize(uint64_t seed);
  RunOptions dimensions() const;

  Program program_;
  std::map<std::string, Tensor> values_;
  std::vector<Named> open_;  // inputs, parameters and state
  std::shared_ptr<Compiled> compiled_;
  int64_t steps_ = 0;
};

}  // namespace anneal::programs
