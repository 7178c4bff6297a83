// SPDX-License-Identifier: MIT
// Runs a reference set: PATH.json lists entries {name, op, args, inputs, out, grads}, PATH.safetensors holds
// their tensors. Every entry passes or fails on its own, with a message of one line; what is wrong with an
// entry (an unknown op, a missing tensor, a shape) never ends the run.
//   outputs    against `out`, in order; null is not checked; topk and its like may leave out positions
//   gradients  of the first output with the upstream <name>.gout, against `grads`; null is not checked
//   op "model" is described in model_case.cc
// PATH may also be a folder with a published GPT-2 and reference.safetensors: see checkpoint.cc.
// Tested by conform_test.cc.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace anneal::conform {

enum class Status { kPassed, kFailed, kSkipped };

struct EntryResult {
  std::string name, op;
  Status status = Status::kPassed;
  std::string message = {};  // of a failure
  size_t gradients = 0;      // how many were compared
  double error = 0;          // the worst of its checks, relative to its tolerance: at most 1 is good
};

struct ConformReport {
  size_t passed = 0, failed = 0, skipped = 0;
  std::vector<EntryResult> entries;
};

struct ConformOptions {
  std::string device = "interp";
  std::string fuse = "model";  // or none, or greedy
  bool unplanned = false;      // every value in memory of its own
  std::string filter;          // a regular expression that is searched for in names; others are skipped
  bool in_f64 = false;         // compute every float in f64
  bool force = false;          // also what takes many minutes
  std::function<void(const EntryResult&)> on_entry;  // called as each entry is done
};

// Raises Error when the set cannot be read at all, or the options are wrong.
ConformReport run_conform(const std::string& path, const ConformOptions& options = {});

}  // namespace anneal::conform
