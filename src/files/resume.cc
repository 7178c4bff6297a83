// SPDX-License-Identifier: MIT
#include "anneal/resume.h"

namespace anneal {

Checkpoint checkpoint_of(const AnyStep& step) {
  const TrainingState state = step.state();
  Checkpoint out{.tensors = by_name(state.tensors)};
  for (const auto& [name, value] : state.numbers) out.integers.emplace(name, value);
  return out;
}

void resume(const AnyStep& step, const Checkpoint& checkpoint, Loc loc) {
  TrainingState state{listed(checkpoint.tensors), {}};
  for (const auto& [name, value] : checkpoint.integers) state.numbers.emplace_back(name, value);
  step.load_state(state, loc);
}

TensorMap by_name(const NamedTensors& tensors) {
  TensorMap out;
  for (const NamedTensor& t : tensors) out.emplace(t.name, t.value);
  return out;
}

NamedTensors listed(const TensorMap& tensors) {
  NamedTensors out;
  for (const auto& [name, value] : tensors) out.push_back({name, value});
  return out;
}

}  // namespace anneal
