// SPDX-License-Identifier: MIT
// Attention, forward and backward, on the cpu device: folded, and beside it with its scores in memory.
#include <unordered_map>
#include <vector>

#include "anneal/anneal.h"
#include "bench/bench.h"
#include "cpu/cpu_device.h"
#include "ir/dims.h"
#include "loop/lower.h"
#include "schedule/schedule.h"
#include "tensor/call.h"

namespace anneal::bench {
namespace {

using ir::Node;

// The launches of a schedule with memory for all of its values.
class Step {
 public:
  Step(ir::Graph& graph, cpu::CpuDevice& device, const schedule::Schedule& schedule) : device_(device) {
    std::vector<loop::Program> programs;
    for (const schedule::Launch& launch : schedule.launches)
      for (const schedule::Kernel& kernel : launch.parts) {
        programs.push_back(loop::lower(graph, kernel.sink));
        std::vector<device::Slice>& slots = slots_.emplace_back();
        for (const schedule::Slot& slot : kernel.slots)
          slots.push_back({memory(graph, schedule, slot.value), 0});
      }
    code_ = device.compile(graph, programs);
    for (size_t i = 0; i < code_.size(); ++i) launches_.push_back({code_[i].get(), slots_[i], {}});
  }
  double milliseconds() {
    return 1e3 * min_seconds(1, [&] {
             device_.submit(launches_);
             device_.wait();
           });
  }

 private:
  device::Memory* memory(ir::Graph& graph, const schedule::Schedule& schedule, uint32_t v) {
    std::shared_ptr<device::Memory>& m = memory_[v];
    if (m == nullptr) {
      const Node n = (*schedule.values)[v].node;
      const auto count = static_cast<size_t>(ir::dim_max(graph, ir::dim_product(graph, graph.shape(n))));
      m = device_.allocate(count * sizeof(float));
      for (size_t i = 0; i < count; ++i)
        reinterpret_cast<float*>(m->host())[i] = static_cast<float>(i % 17) / 16;
    }
    return m.get();
  }

  cpu::CpuDevice& device_;
  std::unordered_map<uint32_t, std::shared_ptr<device::Memory>> memory_;
  std::vector<std::vector<device::Slice>> slots_;
  std::vector<std::shared_ptr<const device::Executable>> code_;
  std::vector<device::Launch> launches_;
};

Result attention_milliseconds(int64_t batch, int64_t heads, int64_t length, int64_t size, bool backward) {
  const Sizes sizes = {batch, heads, length, size};
  const std::vector<Tensor> in = {input(0, sizes), input(1, sizes), input(2, sizes)};
  const Tensor out = scaled_dot_product_attention(in[0], in[1], in[2], {.causal = true});
  std::vector<Tensor> results = {out};
  if (backward)
    for (const Tensor& t : gradients(sum(out * out), in)) results.push_back(t);
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<Node> roots;
  for (const Tensor& t : results) roots.push_back(node_of(t));
  cpu::ObjectCache cache({}, 0);
  cpu::CpuDevice device(cpu::process_pool(), cache);
  device::Caps no_chip;
  no_chip.onchip_bytes = 0;
  Step folded(graph, device, schedule::make_schedule(graph, roots, {})),
      stored(graph, device, schedule::make_schedule(graph, roots, no_chip));
  Result least{1e300, 1e300};
  for (int i = 0; i < 7; ++i) {  // in turns: others may use the machine
    least.value = std::min(least.value, folded.milliseconds());
    least.peer = std::min(least.peer, stored.milliseconds());
  }
  return least;
}

}  // namespace

std::vector<Row> attention_rows() {
  return {
      {"cpu: attention B4 H12 T1024 D64, forward (peer: scores in memory)", "ms", Better::kLower, 250,
       [] { return attention_milliseconds(4, 12, 1024, 64, false); }},
      {"cpu: attention B4 H12 T1024 D64, with gradients (peer: scores in memory)", "ms", Better::kLower, 1000,
       [] { return attention_milliseconds(4, 12, 1024, 64, true); }},
      {"cpu: attention B32 H4 T64 D32, with gradients (peer: scores in memory)", "ms", Better::kLower, 8,
       [] { return attention_milliseconds(32, 4, 64, 32, true); }},
  };
}

}  // namespace anneal::bench
