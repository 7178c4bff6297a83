// SPDX-License-Identifier: MIT
#include "tensor/backend.h"

#include "interp/interp.h"
#include "tensor/call.h"

namespace anneal {

using ir::Node;

namespace {

std::vector<Node> interpret(ir::Graph& graph, std::span<const Node> roots, const interp::Bindings& bindings,
                            bool in_f64) {
  const interp::Options how{.mode = in_f64 ? interp::Mode::kDouble : interp::Mode::kExact};
  std::vector<Node> out;
  const ir::Builder b{graph};
  for (auto& data : interp::evaluate(graph, roots, bindings, how)) out.push_back(b.buffer(std::move(data)));
  return out;
}

class InterpretedProgram final : public Compiled {
 public:
  explicit InterpretedProgram(const OpenProgram& program) {
    for (Node n : program.roots) roots_.push_back(wrap(n));
    for (Node n : program.params) params_.push_back(wrap(n));
  }

  std::vector<Node> run(ir::Graph& graph, std::span<const Node> arguments,
                        const RunOptions& options) override {
    interp::Bindings bindings;
    bindings.vars = options.dims;
    for (size_t i = 0; i < params_.size(); ++i)
      bindings.params.emplace_back(graph.arg_as<ir::ParamArg>(node_of(params_[i])).index,
                                   host_data(graph, arguments[i]));
    std::vector<Node> roots;
    for (const Tensor& t : roots_) roots.push_back(node_of(t));
    return interpret(graph, roots, bindings, options.in_f64);
  }
  std::string explain() const override { return "run by the interpreter, op by op\n"; }

 private:
  std::vector<Tensor> roots_, params_;  // keep the nodes
};

class Interpreter final : public Backend {
 public:
  std::vector<Node> evaluate(ir::Graph& graph, std::span<const Node> roots,
                             const RunOptions& options) override {
    interp::Bindings bindings;
    bindings.vars = options.dims;
    return interpret(graph, roots, bindings, options.in_f64);
  }
  std::shared_ptr<Compiled> compile(ir::Graph&, const OpenProgram& program) override {
    return std::make_shared<InterpretedProgram>(program);
  }
  Counters counters() const override { return {.device = "interp"}; }
};

Backend* g_backend = nullptr;

}  // namespace

Backend& interpreter() {
  static Interpreter& one = *new Interpreter;
  return one;
}

Backend& backend() { return g_backend != nullptr ? *g_backend : interpreter(); }
Counters counters() {
  const ir::Graph::Scope scope(ir::default_graph());
  return backend().counters();
}
void set_backend(Backend* backend) { g_backend = backend; }

std::shared_ptr<const ir::BufferData> host_data(const ir::Graph& graph, Node buffer) {
  return graph.buffer(graph.arg_as<ir::BufferArg>(buffer).serial);
}

}  // namespace anneal
