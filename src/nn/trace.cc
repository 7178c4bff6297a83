// SPDX-License-Identifier: MIT
#include "nn/trace.h"

#include "ir/graph.h"
#include "support/threefry.h"
#include "tensor/call.h"

namespace anneal::nn::detail {
namespace {

thread_local Trace* t_trace = nullptr;

// FNV-1a, 64 bits.
uint64_t path_hash(std::string_view path) {
  uint64_t h = 0xcbf29ce484222325u;
  for (char c : path) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

}  // namespace

Trace::Trace() : outer_(t_trace) { t_trace = this; }
Trace::~Trace() { t_trace = outer_; }
Trace* Trace::current() { return t_trace; }

const Tensor* Trace::find(const ParamState* state) const {
  for (const Trace* t = this; t != nullptr; t = t->outer_) {
    if (const auto it = t->next_.find(state); it != t->next_.end()) return &it->second;
    if (const auto it = t->values_.find(state); it != t->values_.end()) return &it->second;
  }
  return nullptr;
}

void Trace::set_next(const ParamState* state, Tensor value) {
  for (Trace* t = this; t != nullptr; t = t->outer_)
    if (t->values_.contains(state)) {
      t->next_[state] = std::move(value);
      return;
    }
  raise(ErrorCode::kArgument, "nn::Buffer: set() of a buffer that is not part of the model being traced");
}

Tensor Trace::next(const Param& param) const {
  const ParamState* state = param.state().get();
  const auto it = next_.find(state);
  return it != next_.end() ? it->second : values_.at(state);
}

Rng Trace::draw() {
  for (Trace* t = this; t != nullptr; t = t->outer_)
    if (t->rng) return t->rng->split(t->draws_++);
  raise(ErrorCode::kArgument, "nn::Dropout: training needs random numbers: give nn::Substitute an rng");
}

Rng key_of(uint64_t seed, std::string_view path) {
  // As Rng(seed).split(hash) makes it.
  constexpr uint32_t kSplitStream = 1;
  const uint64_t which = path_hash(path);
  const auto low = [](uint64_t v) { return static_cast<uint32_t>(v); };
  const auto high = [](uint64_t v) { return static_cast<uint32_t>(v >> 32); };
  const auto middle = support::threefry2x32({low(seed), high(seed)}, {high(which), kSplitStream});
  const auto key = support::threefry2x32(middle, {low(which), kSplitStream});
  return {from_data(std::vector<uint32_t>{key[0]}, {}), from_data(std::vector<uint32_t>{key[1]}, {})};
}

std::string type_of(DType dtype, const std::vector<int64_t>& shape) {
  std::string out(dtype_name(dtype));
  if (shape.empty()) return out;
  for (size_t i = 0; i < shape.size(); ++i) out += (i == 0 ? "[" : ",") + std::to_string(shape[i]);
  return out + "]";
}

}  // namespace anneal::nn::detail

namespace anneal::nn {

bool is_training() {
  const detail::Trace* trace = detail::Trace::current();
  return trace != nullptr && trace->train;
}

namespace {

// An open scope: the path around it, and the mark on nodes.
struct OpenScope {
  OpenScope(detail::Trace& in, const std::string& path, std::string_view name)
      : trace(in), outer(std::exchange(in.path, path)), on_nodes(ir::default_graph(), name) {}
  detail::Trace& trace;
  std::string outer;
  ir::Graph::Module on_nodes;
};

}  // namespace

Scope::Scope(const void* address, const void* type) {
  detail::Trace* trace = detail::Trace::current();
  if (trace == nullptr || trace->paths == nullptr) return;
  auto it = trace->paths->find({address, type});
  // A base of the module's type: what lies there and is nested deepest.
  for (auto at = trace->paths->lower_bound({address, nullptr}); it == trace->paths->end(); ++at) {
    if (at == trace->paths->end() || at->first.first != address) return;
    auto next = std::next(at);
    while (next != trace->paths->end() && next->first.first == address) {
      if (next->second.size() > at->second.size()) at = next;
      ++next;
    }
    it = at;
  }
  const std::string& path = it->second;
  if (path.empty() || path == trace->path) return;
  const std::string& outer = trace->path;
  const bool is_below =
      !outer.empty() && path.size() > outer.size() && path.starts_with(outer) && path[outer.size()] == '.';
  open_ = new OpenScope(*trace, path, std::string_view(path).substr(is_below ? outer.size() + 1 : 0));
}

Scope::~Scope() {
  if (open_ == nullptr) return;
  auto* open = static_cast<OpenScope*>(open_);
  open->trace.path = open->outer;
  delete open;
}

}  // namespace anneal::nn
