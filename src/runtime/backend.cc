// SPDX-License-Identifier: MIT
#include "runtime/backend.h"

#include <algorithm>
#include <vector>

#include "anneal/error.h"
#include "device/registry.h"
#include "ir/builder.h"
#include "ir/text.h"
#include "pass/pass.h"
#include "plan/print.h"
#include "runtime/canonical.h"
#include "support/check.h"
#include "tensor/backend.h"
#include "tensor/call.h"

namespace anneal::runtime {

using ir::Node;
using ir::Op;

namespace {

// A tensor's data on a device.
class DeviceArray final : public ir::Resident {
 public:
  DeviceArray(Context& home, std::shared_ptr<Allocation> allocation, DType dtype, std::vector<int64_t> shape)
      : context(home), memory(std::move(allocation)), dtype_(dtype), shape_(std::move(shape)) {
    bytes_ = static_cast<size_t>(dtype_size(dtype));
    for (int64_t extent : shape_) bytes_ *= static_cast<size_t>(extent);
  }

  std::shared_ptr<const ir::BufferData> fetch() const override {
    check_there();
    auto data = std::make_shared<ir::BufferData>();
    data->dtype = dtype_;
    data->shape = shape_;
    data->bytes.resize(bytes_);
    context.device().read(memory->slice(), data->bytes);
    return data;
  }
  size_t bytes() const override { return memory == nullptr ? 0 : bytes_; }
  const std::vector<int64_t>& shape() const { return shape_; }

  void check_there() const {
    if (memory == nullptr)
      raise(
          ErrorCode::kData,
          "the memory of this tensor was given to a compiled step, which made its next value there: use the "
          "tensor that the step returned");
  }

  Context& context;
  std::shared_ptr<Allocation> memory;  // null: given away

 private:
  DType dtype_;
  std::vector<int64_t> shape_;
  size_t bytes_;
};

std::string leaf_name(const ir::Graph& graph, Node n) {
  const auto& arg = graph.arg_as<ir::ParamArg>(n);
  return "param " + std::to_string(arg.index) + (arg.name.empty() ? "" : " \"" + arg.name + "\"");
}

// One run's worth of work, which both entry points share.
class Session {
 public:
  Session(Context& context, ir::Graph& graph) : context_(context), graph_(graph) {}

  DeviceArray& array(Node n) {
    if (graph_.op(n) == Op::Param)
      raise(ErrorCode::kData, leaf_name(graph_, n) + ": has no data, needs " + ir::type_text(graph_, n));
    if (DeviceArray* there = resident(n)) {
      there->check_there();
      return *there;
    }
    const uint64_t serial = graph_.arg_as<ir::BufferArg>(n).serial;
    const std::shared_ptr<const ir::BufferData> data = graph_.buffer(serial);
    if (data == nullptr) raise(ErrorCode::kData, "a buffer has no data, needs " + ir::type_text(graph_, n));
    std::shared_ptr<Allocation> memory = context_.pool().allocate(data->bytes.size());
    context_.device().write(memory->slice(), data->bytes);
    auto made = std::make_shared<DeviceArray>(context_, std::move(memory), data->dtype, data->shape);
    graph_.set_resident(serial, made);
    return *made;
  }

  // The array of a buffer that is on this device already, or null.
  DeviceArray* resident(Node n) const {
    if (graph_.op(n) == Op::Param) return nullptr;
    auto* there = static_cast<DeviceArray*>(graph_.resident(graph_.arg_as<ir::BufferArg>(n).serial).get());
    return there != nullptr && &there->context == &context_ ? there : nullptr;
  }

  // What a run with these inputs takes beside what its plan says.
  Executor::Extra extra(std::span<const Node> inputs) const {
    Executor::Extra out;
    for (const Node n : inputs) {
      const DeviceArray* there = resident(n);
      const std::shared_ptr<const ir::BufferData> data =
          there != nullptr || graph_.op(n) == Op::Param
              ? nullptr
              : graph_.buffer(graph_.arg_as<ir::BufferArg>(n).serial);
      if (data != nullptr) out.inputs += Pool::rounded(data->bytes.size());
      out.shared.push_back(there != nullptr && there->memory.use_count() > 1);
    }
    return out;
  }

  // Takes the memory of a run. What nobody holds any more is freed when that leaves too little for it.
  void prepare(Executor& executor, std::span<const int64_t> vars, std::span<const Node> inputs,
               std::span<const Node> keep) {
    if (!executor.has_room(extra(inputs))) graph_.collect_but(keep);
    executor.prepare(vars, extra(inputs));
  }

  // The variables' values: given, or told by the extents of arguments.
  std::vector<int64_t> variables(const plan::ExecPlan& plan, const RunOptions& options) const {
    std::vector<int64_t> vars;
    for (const plan::Variable& v : plan.vars) {
      const int64_t* found = nullptr;
      for (const auto& [name, value] : options.dims) {
        if (name != v.name) continue;
        if (found != nullptr && *found != value)
          raise(ErrorCode::kData, "var \"" + name + "\": is bound twice, to " + std::to_string(*found) +
                                      " and to " + std::to_string(value));
        found = &value;
      }
      if (found == nullptr)
        raise(ErrorCode::kData, "var \"" + v.name + "\": has no value, allowed is " + std::to_string(v.min) +
                                    " to " + std::to_string(v.max));
      vars.push_back(*found);
    }
    return vars;
  }

  // After prepare().
  std::vector<Node> run(Executor& executor, Executor::Allocations inputs, std::span<const int64_t> vars) {
    const ir::Builder b{graph_};
    const plan::ExecPlan& plan = executor.plan();
    Executor::Allocations made = executor.run(std::move(inputs), vars);
    std::vector<Node> out;
    for (size_t i = 0; i < made.size(); ++i) {
      std::vector<int64_t> shape;
      for (const plan::Expression& e : plan.results[i].shape) shape.push_back(e(vars));
      const DType t = plan.results[i].dtype;
      out.push_back(b.buffer(std::make_shared<DeviceArray>(context_, std::move(made[i]), t, shape), t,
                             std::vector<ir::Dim>(shape.begin(), shape.end())));
    }
    return out;
  }

 private:
  Context& context_;
  ir::Graph& graph_;
};

void check_argument(const ir::Graph& graph, Node n, const plan::Input& input, std::span<const int64_t> vars) {
  if (input.dtype == DType::kVoid) return;  // the program does not use it
  const ir::Shape shape = graph.shape(n);
  bool fits = graph.dtype(n) == input.dtype && shape.size() == input.shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) fits = shape[i].is(input.shape[i](vars));
  if (!fits)
    raise(ErrorCode::kShape,
          "the compiled program needs " + input.name + " and was given " + ir::type_text(graph, n));
}

// A tensor whose memory a step takes is no other input of it.
void check_given_once(const plan::ExecPlan& plan, const std::vector<DeviceArray*>& arrays) {
  for (size_t i = 0; i < arrays.size(); ++i)
    if (plan.inputs[i].overwritten && std::count(arrays.begin(), arrays.end(), arrays[i]) != 1)
      raise(ErrorCode::kData, "the compiled step makes the next value of " + plan.inputs[i].name +
                                  " in its memory, and was given the same tensor as another input too");
}

class CompiledProgram final : public Compiled {
 public:
  CompiledProgram(Context& context, ir::Graph& graph, const OpenProgram& program) : context_(context) {
    const Canonical c = canonicalize(graph, program.roots, program.params);
    arguments_ = program.params.size();
    plan::Request request{c.roots, static_cast<uint32_t>(c.leaves.size()), program.updates};
    for (size_t i = arguments_; i < c.leaves.size(); ++i) {
      if (graph.op(c.leaves[i]) == Op::Param) Session(context, graph).array(c.leaves[i]);  // raises
      constants_.push_back(wrap(c.leaves[i]));
    }
    executor_ = context.compile(graph, request);
  }

  std::vector<Node> run(ir::Graph& graph, std::span<const Node> arguments,
                        const RunOptions& options) override {
    ANNEAL_CHECK(arguments.size() == arguments_);
    Session session(context_, graph);
    const plan::ExecPlan& plan = executor_->plan();
    const std::vector<int64_t> vars = session.variables(plan, options);
    for (size_t i = 0; i < arguments.size(); ++i) check_argument(graph, arguments[i], plan.inputs[i], vars);
    std::vector<Node> nodes(arguments.begin(), arguments.end());
    for (const Tensor& t : constants_) nodes.push_back(node_of(t));
    // Whatever is refused is refused here, while all arguments are still there.
    session.prepare(*executor_, vars, nodes, nodes);
    std::vector<DeviceArray*> arrays;
    for (Node n : nodes) arrays.push_back(&session.array(n));
    check_given_once(plan, arrays);
    Executor::Allocations inputs;
    for (size_t i = 0; i < arrays.size(); ++i)
      inputs.push_back(plan.inputs[i].overwritten ? std::move(arrays[i]->memory) : arrays[i]->memory);
    return session.run(*executor_, std::move(inputs), vars);
  }
  std::string explain() const override { return plan::summary(executor_->plan()); }
  ProgramSummary summary() const override {
    const plan::ExecPlan& plan = executor_->plan();
    ProgramSummary out{.launches = plan.launches,
                       .kernels = plan.steps.size(),
                       .unique = plan.programs,
                       .bytes = plan.bytes,
                       .flops = plan.flops,
                       .peak_bytes = plan.arena_bytes};
    for (const plan::Step& step : plan.steps)
      if (step.forward || step.backward)
        ++(step.forward && step.backward ? out.across : step.forward ? out.forward : out.backward);
    return out;
  }

 private:
  Context& context_;
  std::shared_ptr<Executor> executor_;
  size_t arguments_ = 0;
  std::vector<Tensor> constants_;  // buffers that the program itself refers to
};

class RuntimeBackend final : public Backend {
 public:
  std::vector<Node> evaluate(ir::Graph& graph, std::span<const Node> roots,
                             const RunOptions& options) override {
    Context* context = current_context();
    if (context == nullptr || options.in_f64) return interpreter().evaluate(graph, roots, options);
    Session session(*context, graph);
    const Canonical c = canonicalize(graph, roots);
    const std::shared_ptr<Executor> executor =
        context->compile(graph, {c.roots, static_cast<uint32_t>(c.leaves.size()), {}});
    const std::vector<int64_t> vars = session.variables(executor->plan(), options);
    Executor::Allocations inputs;
    std::vector<Node> keep(roots.begin(), roots.end());
    keep.insert(keep.end(), c.leaves.begin(), c.leaves.end());
    session.prepare(*executor, vars, c.leaves, keep);
    for (Node n : c.leaves) inputs.push_back(session.array(n).memory);
    return session.run(*executor, std::move(inputs), vars);
  }

  std::shared_ptr<Compiled> compile(ir::Graph& graph, const OpenProgram& program) override {
    Context* context = current_context();
    if (context == nullptr) return interpreter().compile(graph, program);
    return std::make_shared<CompiledProgram>(*context, graph, program);
  }

  void settle(ir::Graph& graph, Node buffer) override {
    Context* context = current_context();
    if (context == nullptr) return;
    Session(*context, graph).array(buffer);
    graph.leave_to_resident(graph.arg_as<ir::BufferArg>(buffer).serial);
  }
  Counters counters() const override {
    const Context* context = current_context();
    return context == nullptr ? interpreter().counters() : context->counters();
  }
};

struct Current {
  Context* context = nullptr;
  bool made = false;
};
Current& current() {
  static Current one;
  return one;
}

constexpr std::string_view kInterpreter = "interp";

// Contexts are never destroyed: tensors that outlive them give their memory back to them. The list keeps them
// reachable for whoever looks for leaks.
Context* make_context(const Settings& settings) {
  pass::check_flags();
  if (device_name(settings) == kInterpreter) return nullptr;
  static auto* const all = new std::vector<Context*>;
  return all->emplace_back(new Context(settings));
}

[[maybe_unused]] const bool kRegistered = [] {
  set_backend(new RuntimeBackend);
  return true;
}();

}  // namespace

Context* current_context() {
  Current& c = current();
  if (!c.made) {
    c.context = make_context({});
    c.made = true;
  }
  return c.context;
}

Using::Using(const Settings& settings) : saved_(current().context), was_made_(current().made) {
  current() = {make_context(settings), true};
}
Using::~Using() { current() = {saved_, was_made_}; }

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const device::Entry* e : device::device_list()) names.push_back(e->name);
  names.emplace_back(kInterpreter);
  return names;
}

}  // namespace anneal::runtime

// Programs link this symbol (-u), so that this file, and with it the backend, is taken from the archive.
extern "C" void anneal_device_runtime() {}
