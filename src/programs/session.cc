// SPDX-License-Identifier: MIT
#include "programs/session.h"

#include <algorithm>
#include <utility>

#include "interp/arrays.h"
#include "nn/trace.h"
#include "tensor/call.h"

namespace anneal::programs {
namespace {

std::vector<ir::Node> nodes_of(const std::vector<Tensor>& tensors) {
  std::vector<ir::Node> out;
  for (const Tensor& t : tensors) out.push_back(node_of(t));
  return out;
}

}  // namespace

std::vector<Array> evaluate_together(const std::vector<Tensor>& tensors, bool in_f64) {
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<Array> out;
  for (const ir::Node n : backend().evaluate(graph, nodes_of(tensors), {.in_f64 = in_f64}))
    out.push_back(host_data(graph, n));
  return out;
}

Session::Session(Program program, uint64_t seed) : program_(std::move(program)) {
  open_ = program_.inputs;
  for (const Parameter& p : program_.parameters) open_.push_back({p.name, p.value});
  open_.insert(open_.end(), program_.state.begin(), program_.state.end());
  initialize(seed);
}

void Session::initialize(uint64_t seed) {
  std::vector<Named> first;
  for (const Parameter& p : program_.parameters) {
    const nn::detail::ParamState& state = *p.param.state();
    first.push_back({p.name, state.init.make(nn::detail::key_of(seed, p.name), state.shape, state.dtype)});
  }
  for (const Named& s : program_.state) first.push_back({s.name, zeros(s.value.sizes())});
  set(first);
}

void Session::set(const std::string& name, const Array& value) {
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  values_[name] = wrap(ir::Builder{graph}.buffer(value));
}

void Session::set(const std::vector<Named>& values) {
  // Data that is there already stays where it is; what a step overwrites is made anew.
  const auto is_data = [&](const Named& named) {
    const ir::Graph& graph = ir::default_graph();
    const ir::Graph::Scope scope(ir::default_graph());
    return graph.op(node_of(named.value)) == ir::Op::Buffer &&
           std::any_of(program_.inputs.begin(), program_.inputs.end(),
                       [&](const Named& input) { return input.name == named.name; });
  };
  std::vector<Named> lazy;
  std::vector<Tensor> tensors;
  for (const Named& named : values) {
    if (is_data(named)) {
      values_[named.name] = named.value;
      continue;
    }
    lazy.push_back(named);
    tensors.push_back(named.value);
  }
  if (lazy.empty()) return;
  tensors = realize(tensors);
  for (size_t i = 0; i < lazy.size(); ++i) values_[lazy[i].name] = tensors[i];
}

Array Session::value(const std::string& name) const {
  const ir::Graph::Scope scope(ir::default_graph());
  return host_data(ir::default_graph(), node_of(values_.at(name)));
}

// Named dimensions have the extents of the data.
RunOptions Session::dimensions() const {
  const ir::Graph& graph = ir::default_graph();
  RunOptions out;
  for (const Named& input : program_.inputs) {
    const auto it = values_.find(input.name);
    if (it == values_.end()) continue;
    const ir::Shape wanted = graph.shape(node_of(input.value)), given = graph.shape(node_of(it->second));
    for (size_t axis = 0; axis < std::min(wanted.size(), given.size()); ++axis) {
      const auto* var =
          wanted[axis].is_const() ? nullptr : std::get_if<ir::VarArg>(&graph.arg(wanted[axis].expr));
      if (var != nullptr) out.dims.emplace_back(var->name, given[axis].value);
    }
  }
  return out;
}

std::vector<Tensor> Session::step() {
  ++steps_;
  if (!program_.updates.empty()) {
    const double step = static_cast<double>(steps_);
    set("step", interp::array_from(f32, {}, {step}));
  }
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<ir::Node> arguments;
  for (const Named& open : open_) {
    const auto it = values_.find(open.name);
    if (it == values_.end()) raise(ErrorCode::kData, "the input " + open.name + " has no value");
    arguments.push_back(node_of(it->second));
  }
  const size_t results = program_.results.size(), first = program_.inputs.size();
  if (compiled_ == nullptr) {
    OpenProgram whole{nodes_of(program_.roots()), {}, std::vector<int32_t>(results, -1)};
    for (const Named& open : open_) whole.params.push_back(node_of(open.value));
    for (size_t i = 0; i < program_.updates.size(); ++i)
      whole.updates.push_back(static_cast<int32_t>(first + i));
    compiled_ = backend().compile(graph, whole);
  }
  std::vector<Tensor> out;
  for (const ir::Node n : compiled_->run(graph, arguments, dimensions())) out.push_back(wrap(n));
  for (size_t i = results; i < out.size(); ++i) values_[open_[first + i - results].name] = out[i];
  out.resize(results);
  return out;
}

std::vector<Array> Session::run() {
  const std::vector<Tensor> results = step();
  const ir::Graph::Scope scope(ir::default_graph());
  std::vector<Array> out;
  for (const Tensor& t : results) out.push_back(host_data(ir::default_graph(), node_of(t)));
  return out;
}

}  // namespace anneal::programs
