// SPDX-License-Identifier: MIT
#include "anneal/transforms.h"

#include "autodiff/gradient.h"
#include "ir/text.h"
#include "tensor/call.h"

namespace anneal {

using ir::Node;

namespace {

std::vector<Node> nodes_of(const std::vector<Tensor>& tensors) {
  std::vector<Node> out;
  for (const Tensor& t : tensors) out.push_back(node_of(t));
  return out;
}

// Where nothing depends: zeros.
std::vector<Tensor> filled(const Call& call, const std::vector<Node>& found,
                           const std::vector<Tensor>& like) {
  std::vector<Tensor> out;
  for (size_t i = 0; i < found.size(); ++i) {
    const Node n = node_of(like[i]);
    out.push_back(
        wrap(found[i] ? found[i] : call.b.full(call.g.shape(n), call.b.constant_int(0, call.g.dtype(n)))));
  }
  return out;
}

void check_defined(const Call& call, const std::vector<Tensor>& tensors, const char* what) {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i].defined())
      call.fail(ErrorCode::kArgument, std::string(what) + " " + std::to_string(i) + " is an empty tensor");
}

}  // namespace

std::vector<Tensor> gradients(const Tensor& loss, const std::vector<Tensor>& wrt, Loc loc) {
  const Call call("gradients", loss, loc);
  check_defined(call, wrt, "parameter");
  const Node n = node_of(loss);
  if (call.g.rank(n) != 0)
    call.fail(ErrorCode::kShape, "the loss is " + loss.type() +
                                     ", it must be a scalar: sum or mean it, or use vjp with an upstream");
  const ir::PhaseScope backward(call.g, ir::Phase::kBackward);
  const Node seed = call.b.constant_int(1, call.g.dtype(n));
  return filled(call, autodiff::vjp(call.g, std::span(&n, 1), std::span(&seed, 1), nodes_of(wrt)), wrt);
}

std::vector<Tensor> vjp(const std::vector<Tensor>& outputs, const std::vector<Tensor>& upstream,
                        const std::vector<Tensor>& wrt, Loc loc) {
  const Call call("vjp", outputs, loc);
  check_defined(call, wrt, "parameter");
  check_defined(call, upstream, "upstream");
  if (upstream.size() != outputs.size())
    call.fail(ErrorCode::kArgument, std::to_string(upstream.size()) + " upstream tensors for " +
                                        std::to_string(outputs.size()) + " outputs");
  for (size_t i = 0; i < outputs.size(); ++i)
    if (is_float(outputs[i].dtype()) && !is_float(upstream[i].dtype()))
      call.fail(ErrorCode::kDType, "upstream " + std::to_string(i) + " is " + upstream[i].type() +
                                       " for an output " + outputs[i].type());
  const ir::PhaseScope backward(call.g, ir::Phase::kBackward);
  return filled(call, autodiff::vjp(call.g, nodes_of(outputs), nodes_of(upstream), nodes_of(wrt)), wrt);
}

std::vector<Tensor> jvp(const std::vector<Tensor>& outputs, const std::vector<Tensor>& wrt,
                        const std::vector<Tensor>& tangents, Loc loc) {
  const Call call("jvp", outputs, loc);
  check_defined(call, wrt, "input");
  check_defined(call, tangents, "tangent");
  if (wrt.size() != tangents.size())
    call.fail(ErrorCode::kArgument,
              std::to_string(tangents.size()) + " tangents for " + std::to_string(wrt.size()) + " inputs");
  for (size_t i = 0; i < wrt.size(); ++i)
    if (call.g.shape_id(node_of(wrt[i])) != call.g.shape_id(node_of(tangents[i])))
      call.fail(ErrorCode::kShape, "tangent " + std::to_string(i) + " is " + tangents[i].type() +
                                       " for an input " + wrt[i].type());
  return filled(call, autodiff::jvp(call.g, nodes_of(outputs), nodes_of(wrt), nodes_of(tangents)), outputs);
}

Tensor alias(In x) {
  const Call call("alias", {&x});
  return wrap(call.b.make(ir::Op::Alias, {call.node(x)}, ir::BufferArg{call.g.add_buffer(nullptr)}));
}

Tensor custom_gradient(In value, const std::vector<Tensor>& inputs, BackwardFn backward) {
  const Call call("custom_gradient", {&value});
  check_defined(call, inputs, "input");
  std::vector<Node> sources{call.node(value)};
  for (const Tensor& t : inputs) sources.push_back(node_of(t));
  const uint64_t serial = call.g.add_custom_gradient(
      [fn = std::move(backward)](ir::Graph&, Node upstream, std::span<const Node> given) {
        std::vector<Tensor> tensors;
        for (Node n : given) tensors.push_back(wrap(n));
        std::vector<Node> out;
        for (const Tensor& t : fn(wrap(upstream), tensors)) out.push_back(node_of(t));
        return out;
      });
  return wrap(call.b.make(ir::Op::CustomGradient, sources, ir::CustomArg{serial}));
}

}  // namespace anneal
