// SPDX-License-Identifier: MIT
// Between a training step and files:
//
//   an::save_checkpoint("run.ckpt", an::checkpoint_of(step));
//   an::resume(step, an::load_checkpoint("run.ckpt"));                    // goes on bit for bit
//   an::save_safetensors("model.safetensors", an::by_name(step.parameters()));
//   step.upload(an::listed(an::load_safetensors("model.safetensors")));
//
// Not in the core for WebAssembly. Tested by src/files/resume_test.cc.
#pragma once

#include "anneal/files.h"
#include "anneal/training.h"

namespace anneal {

// All that a step goes on from. What a program needs besides, such as its place in the data, can be added.
Checkpoint checkpoint_of(const AnyStep& step);
// Raises where the checkpoint is of another model or optimizer, and then takes nothing.
void resume(const AnyStep& step, const Checkpoint& checkpoint, Loc loc = Loc::current());

// Files know tensors by name, models have an order of them.
TensorMap by_name(const NamedTensors& tensors);
NamedTensors listed(const TensorMap& tensors);

}  // namespace anneal
