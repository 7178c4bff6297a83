// SPDX-License-Identifier: MIT
// Tests only: a schedule run kernel by kernel, on the interpreter of the kernel stage or on that of loops.
#pragma once

#include <map>

#include "interp/arrays.h"
#include "interp/kernel.h"
#include "ir/dims.h"
#include "loop/lower.h"
#include "loop/run.h"
#include "loop/verify.h"
#include "schedule/schedule.h"

namespace anneal::schedule {

enum class RunOn : uint8_t { kKernels, kLoops };

// The values of the roots, one-dimensional.
inline std::vector<std::shared_ptr<interp::Array>> run_schedule(ir::Graph& graph, const Schedule& schedule,
                                                                const interp::Bindings& bindings,
                                                                interp::Mode mode, RunOn on = RunOn::kKernels,
                                                                int64_t onchip_bytes = 1 << 20) {
  const ValueGraph& values = *schedule.values;
  std::map<uint32_t, std::shared_ptr<interp::Array>> memory;
  const auto array = [&](uint32_t v) {
    std::shared_ptr<interp::Array>& a = memory[v];
    if (a != nullptr) return a;
    a = std::make_shared<interp::Array>();
    const Node n = values[v].node;
    if (const auto* param = std::get_if<ir::ParamArg>(&graph.arg(n))) {
      for (const auto& [index, data] : bindings.params)
        if (index == param->index) *a = *data;
    } else if (const auto* buffer = std::get_if<ir::BufferArg>(&graph.arg(n));
               buffer != nullptr && values[v].kind == ValueKind::kLeaf) {
      *a = *graph.buffer(buffer->serial);
    } else {
      const int64_t size = interp::evaluate_dim(graph, ir::dim_product(graph, graph.shape(n)), bindings);
      a->dtype = mode == interp::Mode::kDouble && is_float(graph.dtype(n)) ? DType::kF64 : graph.dtype(n);
      a->shape = {size};
      a->bytes.assign(static_cast<size_t>(size * dtype_size(a->dtype)), std::byte{0x7f});
    }
    return a;
  };
  for (const Launch& launch : schedule.launches)
    for (const Kernel& kernel : launch.parts) {
      interp::KernelArrays arrays;
      for (size_t i = 0; i < kernel.slots.size(); ++i)
        arrays.emplace_back(static_cast<int64_t>(i), array(kernel.slots[i].value));
      const Node roots[] = {kernel.sink};
      if (on == RunOn::kKernels) {
        interp::run_kernel(graph, roots, arrays, bindings, {.mode = mode});
        continue;
      }
      const loop::Program program = loop::lower(graph, kernel.sink, {.onchip_bytes = onchip_bytes});
      if (std::string bad = loop::verify(graph, program); !bad.empty()) raise(ErrorCode::kVerify, bad);
      loop::run(graph, program, arrays, bindings, {.mode = mode, .shuffle_seed = 3});
    }
  std::vector<std::shared_ptr<interp::Array>> out;
  for (uint32_t v : schedule.roots) out.push_back(array(v));
  return out;
}

}  // namespace anneal::schedule
