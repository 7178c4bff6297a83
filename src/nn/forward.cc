// SPDX-License-Identifier: MIT
// Forwards that are attached to a step. Tested by training_test.cc.
#include "nn/step.h"
#include "tensor/recapture.h"

namespace anneal::detail {

class ForwardCore {
 public:
  ForwardCore(std::shared_ptr<StepCore> step, ForwardBody body, InputSpecs inputs, const Loc& loc)
      : step_(std::move(step)), body_(std::move(body)), inputs_(std::move(inputs)), loc_(loc) {
    const Call call("attach", loc_);
    nn::detail::check_specs(call, inputs_);
  }

  std::vector<Tensor> run(const NamedTensors& given, NamedTensors* captures, const Loc& loc) {
    const nn::detail::Bound bound = nn::detail::bind("forward", inputs_, given, loc);
    const Program& made = program(captures != nullptr);  // traced where no call is in progress
    const Call call("forward", loc);
    std::vector<ir::Node> nodes;
    for (const Tensor& t : bound.values) nodes.push_back(node_of(t));
    for (const nn::detail::Slot& slot : step_->store()->slots) nodes.push_back(node_of(slot.value));
    std::vector<Tensor> out;
    for (const ir::Node n : made.compiled->run(call.g, nodes, bound.run)) out.push_back(wrap(n));
    const size_t results = out.size() - made.captures.size();
    for (size_t i = 0; i < made.captures.size(); ++i)
      captures->push_back({made.captures[i], out[results + i]});
    out.resize(results);
    return out;
  }

  std::string explain() { return program(false).compiled->explain(); }
  size_t compiles() const { return (plain_.compiled != nullptr) + (capturing_.compiled != nullptr); }

 private:
  struct Program {
    std::shared_ptr<Compiled> compiled;
    std::vector<std::string> captures;
  };

  const Program& program(bool with_captures) {
    Program& made = with_captures ? capturing_ : plain_;
    if (made.compiled == nullptr) made = compile(with_captures);
    return made;
  }

  Program compile(bool with_captures) const {
    nn::detail::OpenEnds ends;
    NamedTensors inputs, captures;
    for (const InputSpec& spec : inputs_)
      inputs.push_back({spec.name, ends.make(spec.sizes, spec.dtype, spec.name, "input", loc_)});
    std::vector<Tensor> results;
    {
      nn::detail::Trace trace;
      trace.paths = &step_->store()->paths;
      if (with_captures) trace.captures = &captures;
      for (const nn::detail::Slot& slot : step_->store()->slots) {
        const Param& p = slot.param.param;
        const Sizes sizes(p.shape());
        nn::detail::stand_for(trace, slot,
                              ends.make(sizes, slot.dtype, slot.param.name, "parameter", p.state()->loc));
      }
      const Capturing capturing;
      results = body_(Inputs(inputs));
    }
    const Call call("attach", loc_);
    if (results.empty()) call.fail(ErrorCode::kArgument, "the forward gives no result");
    Program made;
    for (NamedTensor& c : captures) {
      made.captures.push_back(std::move(c.name));
      results.push_back(std::move(c.value));
    }
    OpenProgram whole;
    for (const Tensor& t : results) {
      if (!t.defined()) call.fail(ErrorCode::kArgument, "one of the results is an empty tensor");
      whole.roots.push_back(node_of(t));
    }
    for (const Tensor& t : ends.all()) whole.params.push_back(node_of(t));
    made.compiled = backend().compile(call.g, whole);
    return made;
  }

  std::shared_ptr<StepCore> step_;
  ForwardBody body_;
  InputSpecs inputs_;
  Loc loc_;
  Program plain_, capturing_;
};

std::shared_ptr<ForwardCore> make_forward(const std::shared_ptr<StepCore>& step, ForwardBody body,
                                          InputSpecs inputs, const Loc& loc) {
  return std::make_shared<ForwardCore>(step, std::move(body), std::move(inputs), loc);
}
std::vector<Tensor> run_forward(ForwardCore& forward, const NamedTensors& inputs, NamedTensors* captures,
                                const Loc& loc) {
  return forward.run(inputs, captures, loc);
}
std::string explain_forward(ForwardCore& forward) { return forward.explain(); }
size_t compiled_programs(const ForwardCore& forward) { return forward.compiles(); }

}  // namespace anneal::detail
