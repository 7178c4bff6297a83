// SPDX-License-Identifier: MIT
// What running tensors has come to so far, on the device that they run on: programs, launches, memory.
// Differences of two calls say what lies between them:
//
//   const an::Counters before = an::counters();
//   step(w, x);
//   an::counters().launches - before.launches;
#pragma once

#include <cstdint>
#include <string>

namespace anneal {

struct Counters {
  std::string device;               // "interp", which counts nothing, or the name of a device
  uint64_t plans = 0, kernels = 0;  // programs planned, and kernels compiled for them
  uint64_t runs = 0, launches = 0;  // of programs, and of kernels in them
  double bytes = 0, flops = 0;      // that these launches move and compute by the cost model
  uint64_t active_bytes = 0;        // of memory in use
  uint64_t peak_bytes = 0;          // the most there has been of it
};

// What one program was compiled to: kernels that do work of the forward pass, of the backward pass, and of
// both, which are fused across the seam between them; those of the optimizer alone are none of these.
struct ProgramSummary {
  uint64_t launches = 0, kernels = 0, unique = 0;
  uint64_t forward = 0, backward = 0, across = 0;
  double bytes = 0, flops = 0;  // that a run moves and computes by the cost model
  uint64_t peak_bytes = 0;      // of what lies between the kernels
};

// May be called at any time, from any thread; waits for nothing that is still being run.
Counters counters();

}  // namespace anneal
