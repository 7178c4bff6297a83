// SPDX-License-Identifier: MIT
// See interp_device.h.
#include "device/interp_device.h"

#include <cstring>
#include <new>

#include "ir/kernel.h"
#include "ir/walk.h"
#include "loop/run.h"

namespace anneal::device {
namespace {

using ir::Node;

class BytesMemory final : public Memory {
 public:
  explicit BytesMemory(size_t bytes) : Memory(bytes), data_(new(std::nothrow) std::byte[bytes]) {}
  std::byte* host() override { return data_.get(); }

 private:
  std::unique_ptr<std::byte[]> data_;
};

// Keeps the nodes of its program.
class LoopsExecutable final : public Executable {
 public:
  LoopsExecutable(ir::Graph& graph, const loop::Program& program)
      : graph_(graph), program_(program), nodes_(loop::nodes_of(program)) {
    for (Node n : nodes_) graph.retain(n);
    for (Node n : ir::postorder(graph, std::span(&program.kernel, 1)))
      if (graph.op(n) == ir::Op::Param) slots_.push_back({n, false});
    for (Node n : ir::variables_of(graph, program.kernel)) vars_.push_back(graph.arg_as<ir::VarArg>(n).name);
    for (Node s : graph.sources(program.kernel))
      for (Slot& slot : slots_) slot.written = slot.written || graph.source(s, 0) == slot.param;
  }
  ~LoopsExecutable() override {
    for (Node n : nodes_) graph_.release(n);
  }
  LoopsExecutable(const LoopsExecutable&) = delete;
  LoopsExecutable& operator=(const LoopsExecutable&) = delete;

  void run(const Launch& launch) const {
    const ir::Graph::Scope scope(graph_);
    interp::Bindings bindings;
    for (size_t i = 0; i < vars_.size(); ++i) bindings.vars.emplace_back(vars_[i], launch.vars[i]);
    interp::KernelArrays arrays;
    for (const Slot& slot : slots_) {
      auto array = std::make_shared<interp::Array>();
      array->dtype = graph_.dtype(slot.param);
      array->shape = {interp::evaluate_dim(graph_, graph_.shape(slot.param)[0], bindings)};
      const std::byte* from = memory_of(launch, slot);
      array->bytes.assign(from, from + array->shape[0] * dtype_size(array->dtype));
      arrays.emplace_back(number_of(slot), std::move(array));
    }
    loop::run(graph_, program_, arrays, bindings);
    for (size_t i = 0; i < slots_.size(); ++i) {
      const std::vector<std::byte>& bytes = arrays[i].second->bytes;
      if (slots_[i].written && !bytes.empty())
        std::memcpy(memory_of(launch, slots_[i]), bytes.data(), bytes.size());
    }
  }

 private:
  struct Slot {
    Node param;
    bool written;
  };
  int64_t number_of(const Slot& slot) const { return graph_.arg_as<ir::ParamArg>(slot.param).index; }
  std::byte* memory_of(const Launch& launch, const Slot& slot) const {
    const Slice& slice = launch.slots[static_cast<size_t>(number_of(slot))];
    return slice.memory == nullptr ? nullptr : slice.memory->host() + slice.offset;
  }

  ir::Graph& graph_;
  loop::Program program_;
  std::vector<Node> nodes_;
  std::vector<Slot> slots_;
  std::vector<std::string> vars_;
};

}  // namespace

InterpDevice::InterpDevice() {
  caps_.name = "loops";
  caps_.description = "interprets loops, and checks every access";
  caps_.vector_lanes = 4;
}

std::vector<std::shared_ptr<const Executable>> InterpDevice::compile(
    ir::Graph& graph, std::span<const loop::Program> programs) {
  std::vector<std::shared_ptr<const Executable>> list;
  for (const loop::Program& p : programs) list.push_back(std::make_shared<LoopsExecutable>(graph, p));
  return list;
}

std::shared_ptr<Memory> InterpDevice::allocate(size_t bytes) {
  auto made = std::make_shared<BytesMemory>(bytes);
  return made->host() == nullptr ? nullptr : made;
}

void InterpDevice::write(const Slice& to, std::span<const std::byte> from) {
  if (!from.empty()) std::memcpy(to.memory->host() + to.offset, from.data(), from.size());
}

void InterpDevice::read(const Slice& from, std::span<std::byte> to) {
  if (!to.empty()) std::memcpy(to.data(), from.memory->host() + from.offset, to.size());
}

void InterpDevice::submit(std::span<const Launch> launches) {
  for (const Launch& launch : launches) static_cast<const LoopsExecutable*>(launch.executable)->run(launch);
}

}  // namespace anneal::device
