// SPDX-License-Identifier: MIT
// jit: the guard, the capture, and what a replay binds. Tested by src/runtime/jit_test.cc and, with threads,
// thread_test.cc.
#include "anneal/compile.h"

#include <algorithm>
#include <map>

#include "ir/text.h"
#include "support/flags.h"
#include "support/lock.h"
#include "tensor/backend.h"
#include "tensor/bind_dims.h"
#include "tensor/call.h"
#include "tensor/recapture.h"

namespace anneal {

using ir::Node;
using ir::Op;

namespace {

constexpr int64_t kFirstParam = int64_t{1} << 40;  // arguments are params beyond those that users number

// What a program is captured for. Extents that are named dimensions stand for every value.
struct Guard {
  std::vector<DType> dtypes;
  std::vector<std::vector<int64_t>> shapes;
  auto operator<=>(const Guard&) const = default;
};

constexpr size_t kMaxPrograms = 256;  // compile.h says what happens beyond

}  // namespace

// Several threads may use one function. The lock is for the table alone and nothing else is done under it: a
// capture needs the graph, which another thread may hold while it waits for the table.
struct Jit::State {
  struct Program {
    std::shared_ptr<Compiled> compiled;
    std::vector<Tensor> results;  // what it was made from; kept where calls are checked
  };
  struct Entry {
    Program program;
    uint64_t used = 0;
  };

  Body body;
  JitOptions options;
  support::RecursiveLock lock;
  std::map<Guard, Entry> programs;
  uint64_t uses = 0;
  size_t captures = 0;

  bool is_checked() const { return options.check || support::flag_on(support::Flag::kCheckJit); }

  // Without a program when it has to be captured.
  Program find(const Guard& guard) {
    const support::Locked held(lock);
    const auto found = programs.find(guard);
    if (found == programs.end()) return {};
    found->second.used = ++uses;
    return found->second.program;
  }

  // What is dropped for it ends after the lock.
  void keep(const Guard& guard, Program made) {
    Program dropped;
    const support::Locked held(lock);
    ++captures;
    Entry& entry = programs[guard];
    std::swap(entry.program, made);
    entry.used = ++uses;
    if (programs.size() <= kMaxPrograms) return;
    const auto oldest = std::min_element(programs.begin(), programs.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    });
    dropped = std::move(oldest->second.program);
    programs.erase(oldest);
  }
};

Jit::Jit(Body body, JitOptions options) : state_(std::make_shared<State>()) {
  state_->body = std::move(body);
  state_->options = std::move(options);
}

// Inside a capture calls are part of it; so is a call that is being differentiated.
int& Capturing::depth() {
  thread_local int depth = 0;
  return depth;
}

size_t Jit::captures() const {
  const support::Locked held(state_->lock);
  return state_->captures;
}

namespace {

class JitCall {
 public:
  JitCall(const Jit::Body& body, const JitOptions& options, const std::vector<Tensor>& arguments,
          const Loc& loc)
      : body_(body), options_(options), arguments_(arguments), loc_(loc) {}

  // Arguments that are not data yet are computed, together.
  void realize_arguments() {
    const Call call("jit", arguments_, loc_);
    std::vector<Tensor> lazy;
    for (const Tensor& t : arguments_)
      if (call.g.op(node_of(t)) != Op::Buffer) lazy.push_back(t);
    if (lazy.empty()) return;
    lazy = realize(lazy, {}, loc_);
    size_t next = 0;
    for (Tensor& t : arguments_)
      if (call.g.op(node_of(t)) != Op::Buffer) t = lazy[next++];
  }

  Guard guard() {
    const Call call("jit", arguments_, loc_);
    Guard guard;
    DimBinder binder(call, arguments_);
    for (size_t i = 0; i < arguments_.size(); ++i) {
      const Node n = node_of(arguments_[i]);
      guard.dtypes.push_back(call.g.dtype(n));
      std::vector<int64_t> shape;
      for (const ir::Dim& d : call.g.shape(n)) shape.push_back(d.value);
      if (sizes(i) != nullptr) binder.add(i, *sizes(i), shape);
      guard.shapes.push_back(std::move(shape));
    }
    run_.dims = binder.finish();
    return guard;
  }

  // The function of arguments that are open.
  std::vector<Tensor> trace(const std::vector<Tensor>& open) const {
    const Capturing capturing;
    return body_(open);
  }
  std::vector<Tensor> open_arguments() const {
    std::vector<Tensor> open;
    for (size_t i = 0; i < arguments_.size(); ++i)
      open.push_back(input(kFirstParam + static_cast<int64_t>(i),
                           sizes(i) != nullptr ? *sizes(i) : arguments_[i].sizes(), arguments_[i].dtype(),
                           "argument " + std::to_string(i)));
    return open;
  }

  std::shared_ptr<Compiled> capture(std::vector<Tensor>& results) const {
    const std::vector<Tensor> open = open_arguments();
    results = trace(open);
    const Call call("jit", arguments_, loc_);
    check_results(call, open, results);
    OpenProgram program;
    for (size_t i = 0; i < results.size(); ++i) {
      program.roots.push_back(node_of(results[i]));
      program.updates.push_back(i < options_.state ? static_cast<int32_t>(i) : -1);
    }
    for (const Tensor& t : open) program.params.push_back(node_of(t));
    return backend().compile(call.g, program);
  }

  // The function makes what it made when it was captured; raises where it does not.
  void check_again(const std::vector<Tensor>& captured) const {
    const std::vector<Tensor> open = open_arguments(), now = trace(open);
    const Call call("jit", arguments_, loc_);
    check_results(call, open, now);
    if (const auto what = changed_since(call.g, captured, now))
      call.fail(ErrorCode::kArgument,
                *what +
                    ". A replay does not see what the function reads besides its arguments: pass what "
                    "changes between calls as an argument");
  }

  std::vector<Tensor> replay(Compiled& program) {
    const Call call("jit", arguments_, loc_);
    std::vector<Node> nodes;
    for (const Tensor& t : arguments_) nodes.push_back(node_of(t));
    std::vector<Tensor> out;
    for (Node n : program.run(call.g, nodes, run_)) out.push_back(wrap(n));
    return out;
  }

  // An argument is an alias() that a derivative is taken with respect to, and not one that creation made.
  bool is_differentiated() const {
    const ir::Graph& graph = ir::default_graph();
    const ir::Graph::Scope scope(ir::default_graph());
    return std::any_of(arguments_.begin(), arguments_.end(), [&](const Tensor& t) {
      if (!t.defined() || graph.op(node_of(t)) != Op::Alias) return false;
      return graph.buffer(graph.arg_as<ir::BufferArg>(node_of(t)).serial) == nullptr;
    });
  }

 private:
  const Sizes* sizes(size_t i) const {
    return i < options_.sizes.size() && options_.sizes[i] ? &*options_.sizes[i] : nullptr;
  }

  void check_results(const Call& call, const std::vector<Tensor>& open,
                     const std::vector<Tensor>& results) const {
    if (results.empty())
      call.fail(ErrorCode::kArgument, "the function gives no result, or does not take " +
                                          std::to_string(open.size()) + " arguments");
    for (const Tensor& t : results)
      if (!t.defined()) call.fail(ErrorCode::kArgument, "one of the results is an empty tensor");
    if (options_.state > std::min(open.size(), results.size()))
      call.fail(ErrorCode::kArgument, "there are " + std::to_string(options_.state) + " states, but " +
                                          std::to_string(open.size()) + " arguments and " +
                                          std::to_string(results.size()) + " results");
    for (size_t i = 0; i < options_.state; ++i) {
      const Node before = node_of(open[i]), after = node_of(results[i]);
      if (call.g.dtype(before) != call.g.dtype(after) || call.g.shape_id(before) != call.g.shape_id(after))
        call.fail(ErrorCode::kShape, "result " + std::to_string(i) + " is " + ir::type_text(call.g, after) +
                                         " and cannot be the next value of argument " + std::to_string(i) +
                                         ", " + ir::type_text(call.g, before));
    }
  }

  const Jit::Body& body_;
  const JitOptions& options_;
  std::vector<Tensor> arguments_;
  const Loc& loc_;
  RunOptions run_;
};

}  // namespace

std::vector<Tensor> Jit::operator()(const std::vector<Tensor>& arguments, const Loc& loc) const {
  JitCall call(state_->body, state_->options, arguments, loc);
  if (Capturing::depth() != 0 || call.is_differentiated()) return state_->body(arguments);
  call.realize_arguments();
  const Guard guard = call.guard();
  const bool is_checked = state_->is_checked();
  State::Program program = state_->find(guard);
  if (program.compiled == nullptr || (is_checked && program.results.empty())) {
    program.compiled = call.capture(program.results);
    if (!is_checked) program.results.clear();
    state_->keep(guard, program);
  } else if (is_checked) {
    call.check_again(program.results);
  }
  return call.replay(*program.compiled);
}

}  // namespace anneal
