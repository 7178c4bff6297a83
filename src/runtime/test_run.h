// SPDX-License-Identifier: MIT
// Tests only: a program over bound params, run on a context, twice where results are the next values of
// params.
#pragma once

#include <algorithm>

#include "cpu/cpu_device.h"
#include "interp/interp.h"
#include "runtime/canonical.h"
#include "runtime/context.h"

namespace anneal::runtime {

using Arrays = std::vector<std::shared_ptr<const interp::Array>>;

// For each root a param of its type that no other root has: what a step would replace.
inline std::vector<int32_t> possible_updates(const ir::Graph& g, std::span<const ir::Node> roots,
                                             const Canonical& program) {
  std::vector<int32_t> updates;
  for (ir::Node root : roots) {
    updates.push_back(-1);
    for (size_t i = 0; i < program.leaves.size(); ++i) {
      const ir::Node leaf = program.leaves[i];
      const bool is_taken = std::count(updates.begin(), updates.end(), static_cast<int32_t>(i)) != 0;
      if (is_taken || g.dtype(leaf) != g.dtype(root) || g.shape_id(leaf) != g.shape_id(root)) continue;
      updates.back() = static_cast<int32_t>(i);
      break;
    }
  }
  return updates;
}

// The results of `rounds` runs, one after the other: what a root replaces is the argument of the next run.
inline Arrays run_rounds(Context& context, ir::Graph& g, std::span<const ir::Node> roots,
                         const interp::Bindings& bindings, int rounds = 1) {
  // Short launches too go over all threads here.
  if (auto* cpu = dynamic_cast<cpu::CpuDevice*>(&context.device())) cpu->set_thread_work(0);
  const Canonical program = canonicalize(g, roots);
  plan::Request request{program.roots, static_cast<uint32_t>(program.leaves.size()), {}};
  if (rounds > 1) request.updates = possible_updates(g, roots, program);
  const std::shared_ptr<Executor> executor = context.compile(g, request);
  const plan::ExecPlan& plan = executor->plan();
  std::vector<int64_t> vars;
  for (const plan::Variable& v : plan.vars)
    for (const auto& [name, value] : bindings.vars)
      if (name == v.name) vars.push_back(value);
  Executor::Allocations inputs;
  for (size_t i = 0; i < program.leaves.size(); ++i) {
    inputs.push_back(context.pool().allocate(std::max<uint64_t>(plan.inputs[i].bytes, 1)));
    const int64_t number = g.arg_as<ir::ParamArg>(program.leaves[i]).index;
    for (const auto& [index, data] : bindings.params)
      if (index == number) context.device().write(inputs.back()->slice(), data->bytes);
  }
  Arrays out;
  for (int round = 0; round < rounds; ++round) {
    executor->prepare(vars, {});
    Executor::Allocations given;
    for (size_t i = 0; i < inputs.size(); ++i)
      given.push_back(plan.inputs[i].overwritten ? std::move(inputs[i]) : inputs[i]);
    const Executor::Allocations made = executor->run(std::move(given), vars);
    for (size_t i = 0; i < made.size(); ++i) {
      auto array = std::make_shared<interp::Array>();
      array->dtype = plan.results[i].dtype;
      int64_t count = 1;
      for (const plan::Expression& e : plan.results[i].shape) array->shape.push_back(e(vars));
      for (int64_t extent : array->shape) count *= extent;
      array->bytes.resize(static_cast<size_t>(count * dtype_size(array->dtype)));
      context.device().read(made[i]->slice(), array->bytes);
      out.push_back(std::move(array));
    }
    for (size_t i = 0; i < request.updates.size(); ++i)
      if (request.updates[i] >= 0) inputs[static_cast<size_t>(request.updates[i])] = made[i];
  }
  return out;
}

}  // namespace anneal::runtime
