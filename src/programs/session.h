// SPDX-License-Identifier: MIT
// Running programs on the interpreter: several tensors at once, so that what they share is computed once, and
// a program whose parameters and state live from one run to the next. Tested by programs_test.cc.
#pragma once

#include <map>
#include <memory>

#include "ir/graph.h"
#include "programs/programs.h"

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
  void set(const std::string& name, const Array& value) { values_[name] = value; }
  void set(const std::vector<Named>& values);
  const Array& value(const std::string& name) const { return values_.at(name); }

  // The results. When training, parameters and state are then those after the step.
  std::vector<Array> run();
  int64_t steps() const { return steps_; }

 private:
  void initialize(uint64_t seed);

  Program program_;
  std::map<std::string, Array> values_;
  int64_t steps_ = 0;
};

}  // namespace anneal::programs
