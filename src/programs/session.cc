// SPDX-License-Identifier: MIT
#include "programs/session.h"

#include <utility>

#include "anneal/random.h"
#include "interp/interp.h"
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
  const interp::Options options{.mode = in_f64 ? interp::Mode::kDouble : interp::Mode::kExact};
  return interp::evaluate(graph, nodes_of(tensors), {}, options);
}

Session::Session(Program program, uint64_t seed) : program_(std::move(program)) { initialize(seed); }

void Session::initialize(uint64_t seed) {
  std::vector<std::string> names;
  std::vector<Tensor> first;
  for (size_t i = 0; i < program_.parameters.size(); ++i) {
    const Parameter& p = program_.parameters[i];
    names.push_back(p.name);
    first.push_back(p.init.deviation != 0 ? Rng(seed).split(i).randn(p.value.sizes()) * p.init.deviation
                                          : full(p.value.sizes(), p.init.constant));
  }
  for (const Named& s : program_.state) {
    names.push_back(s.name);
    first.push_back(zeros(s.value.sizes()));
  }
  const std::vector<Array> arrays = evaluate_together(first);
  for (size_t i = 0; i < names.size(); ++i) values_[names[i]] = arrays[i];
}

void Session::set(const std::vector<Named>& values) {
  std::vector<Tensor> tensors;
  for (const Named& named : values) tensors.push_back(named.value);
  const std::vector<Array> arrays = evaluate_together(tensors);
  for (size_t i = 0; i < values.size(); ++i) values_[values[i].name] = arrays[i];
}

std::vector<Array> Session::run() {
  ++steps_;
  if (!program_.updates.empty()) set({{"step", full({}, static_cast<double>(steps_))}});
  interp::Bindings bindings;
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  const auto bind = [&](const std::string& name, const Tensor& input) {
    const auto it = values_.find(name);
    if (it == values_.end()) raise(ErrorCode::kData, "the input " + name + " has no value");
    bindings.params.emplace_back(graph.arg_as<ir::ParamArg>(node_of(input)).index, it->second);
  };
  for (const Named& in : program_.inputs) bind(in.name, in.value);
  for (const Parameter& p : program_.parameters) bind(p.name, p.value);
  for (const Named& s : program_.state) bind(s.name, s.value);

  std::vector<Array> results = interp::evaluate(graph, nodes_of(program_.roots()), bindings);
  size_t next = program_.results.size();
  if (!program_.updates.empty()) {
    for (const Parameter& p : program_.parameters) values_[p.name] = results[next++];
    for (const Named& s : program_.state) values_[s.name] = results[next++];
  }
  results.resize(program_.results.size());
  return results;
}

}  // namespace anneal::programs
