// SPDX-License-Identifier: MIT
// tests/golden/schedule/counts.txt: how many launches, kernels, different kernels and modelled kilobytes
// about forty programs come to, on default capabilities, and the memory that is planned for what lies between
// them, beside the least that any plan of this order takes. A fusion that is lost shows here without any
// device. ANNEAL_BLESS=1 writes what came out instead.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "anneal/anneal.h"
#include "ir/walk.h"
#include "nn/update.h"
#include "plan/build_plan.h"
#include "programs/optimizer.h"
#include "programs/programs.h"
#include "runtime/canonical.h"
#include "tensor/call.h"
#include "tests/support/test_golden.h"

namespace anneal {
namespace {

using Tensors = std::vector<Tensor>;
using schedule::Fuse;

Tensor in(int64_t number, const Sizes& sizes, DType t = f32) { return input(number, sizes, t); }
Tensor x(int64_t number = 0) { return in(number, {64, 256}); }
Tensor vector(int64_t number) { return in(number, {256}); }

// The results and their gradients for inputs, with another input as upstream.
Tensors with_slopes(const Tensor& y, const Tensors& wrt) {
  Tensors out = vjp({y}, {input(99, y.sizes(), y.dtype())}, wrt);
  out.insert(out.begin(), y);
  return out;
}

Tensors attention(bool causal, bool backward) {
  const Tensor q = in(0, {2, 4, 64, 32}), k = in(1, {2, 4, 64, 32}), v = in(2, {2, 4, 64, 32});
  const Tensor y = scaled_dot_product_attention(q, k, v, {.causal = causal});
  return backward ? with_slopes(y, {q, k, v}) : Tensors{y};
}

Tensors conv_block(bool backward) {
  const Tensor image = in(0, {4, 8, 16, 16}), w = in(1, {16, 8, 3, 3}), bias = in(2, {16});
  const Tensor y = max_pool2d(relu(conv2d(image, w, bias, {.padding = {1}})));
  return backward ? with_slopes(y, {image, w, bias}) : Tensors{y};
}

Tensors linear_gelu(bool backward) {
  const Tensor w = in(1, {256, 128}), bias = in(2, {128}), a = x();
  const Tensor y = gelu(matmul(a, w) + bias);
  return backward ? with_slopes(y, {a, w, bias}) : Tensors{y};
}

// Its results take the places of all inputs that are no gradients.
Tensors optimizer(std::string_view text) {
  const Optimizer spec = programs::parse_optimizer(text);
  const Tensor rate = full({}, programs::learning_rate(spec), f32);
  const nn::detail::Updater updater(spec, {in(50, {}), rate, rate});
  Tensors out;
  int64_t next = 0;
  for (const Sizes& sizes : {Sizes{64, 32}, Sizes{64}, Sizes{32, 8}, Sizes{8}}) {
    const Tensor parameter = in(next++, sizes), gradient = in(next++, sizes);
    Tensors states;
    const nn::detail::Target target{"w", true, false, static_cast<int>(sizes.size())};
    const size_t kept = nn::detail::kept_names(spec, target).size();
    for (size_t s = 0; s < kept; ++s) states.push_back(in(next++, sizes));
    nn::detail::Updater::Next after = updater.update(target, parameter, gradient, states);
    out.push_back(after.parameter);
    out.insert(out.end(), after.kept.begin(), after.kept.end());
  }
  return out;
}

struct Case {
  std::string name;
  Tensors (*build)();
  std::vector<int32_t> replaced = {};
};

const Case kCases[] = {
    {"elementwise chain", [] { return Tensors{tanh(exp(x()) * 2 + 1) / x(1)}; }},
    {"elementwise tree, backward", [] { return with_slopes(sin(x()) * x(1) + sqrt(x()), {x(), x(1)}); }},
    {"two results of one input", [] { return Tensors{exp(x()), relu(x())}; }},
    {"softmax", [] { return Tensors{softmax(x())}; }},
    {"softmax, backward", [] { return with_slopes(softmax(x()), {x()}); }},
    {"softmax over columns", [] { return Tensors{softmax(x(), 0)}; }},
    {"log_softmax", [] { return Tensors{log_softmax(x())}; }},
    {"log_softmax, backward", [] { return with_slopes(log_softmax(x()), {x()}); }},
    {"layer_norm", [] { return Tensors{layer_norm(x(), vector(1), vector(2))}; }},
    {"layer_norm, backward",
     [] { return with_slopes(layer_norm(x(), vector(1), vector(2)), {x(), vector(1), vector(2)}); }},
    {"rms_norm", [] { return Tensors{rms_norm(x(), vector(1))}; }},
    {"rms_norm, backward", [] { return with_slopes(rms_norm(x(), vector(1)), {x(), vector(1)}); }},
    {"group_norm", [] { return Tensors{group_norm(in(0, {4, 8, 16, 16}), 2, in(1, {8}), in(2, {8}))}; }},
    {"batch_norm_train",
     [] { return Tensors{batch_norm_train(in(0, {4, 8, 16, 16}), in(1, {8}), in(2, {8})).out}; }},
    {"cross_entropy", [] { return Tensors{cross_entropy(x(), in(1, {64}, i32))}; }},
    {"cross_entropy, backward",
     [] {
       const Tensor loss = cross_entropy(x(), in(1, {64}, i32));
       return Tensors{loss, gradients(loss, {x()})[0]};
     }},
    {"mse_loss, backward",
     [] {
       const Tensor loss = mse_loss(x(), x(1));
       return Tensors{loss, gradients(loss, {x()})[0]};
     }},
    {"huber_loss", [] { return Tensors{huber_loss(x(), x(1))}; }},
    {"bce_with_logits, backward",
     [] {
       const Tensor loss = bce_with_logits(x(), x(1));
       return Tensors{loss, gradients(loss, {x()})[0]};
     }},
    {"matmul, bias, gelu", [] { return linear_gelu(false); }},
    {"matmul, bias, gelu, backward", [] { return linear_gelu(true); }},
    {"matmul of a transposed product",
     [] { return Tensors{matmul(transpose(x()), matmul(x(1), in(2, {256, 32})))}; }},
    {"residual around a matmul", [] { return Tensors{x() + matmul(relu(x()), in(1, {256, 256}))}; }},
    {"attention", [] { return attention(false, false); }},
    {"attention, causal", [] { return attention(true, false); }},
    {"attention, causal, backward", [] { return attention(true, true); }},
    {"conv block", [] { return conv_block(false); }},
    {"conv block, backward", [] { return conv_block(true); }},
    {"conv1d, grouped, dilated",
     [] {
       return Tensors{conv1d(in(0, {2, 8, 65}), in(1, {16, 4, 3}), {}, {.dilation = {2}, .groups = 2})};
     }},
    {"embedding, backward",
     [] { return with_slopes(embedding(in(0, {64}, i32), in(1, {1000, 32})), {in(1, {1000, 32})}); }},
    {"dropout, backward", [] { return with_slopes(dropout(x(), 0.1, 7), {x()}); }},
    {"one_hot times matrix",
     [] { return Tensors{matmul(one_hot(in(0, {64}, i32), 100), in(1, {100, 32}))}; }},
    {"cumsum and sort", [] { return Tensors{cumsum(x()), sort(x())}; }},
    {"topk", [] { return Tensors{topk(x(), 5).values}; }},
    {"rotated halves",
     [] {
       const Tensor a = in(0, {2, 4, 64, 32}),
                    halves = cat({-narrow(a, -1, 16, 16), narrow(a, -1, 0, 16)}, -1);
       return Tensors{a * in(1, {64, 32}) + halves * in(2, {64, 32})};
     }},
    {"ten smoothings",
     [] {
       Tensor a = vector(0);
       for (int i = 0; i < 10; ++i) a = (roll(a, {1}, {0}) + a + roll(a, {-1}, {0})) / 3;
       return Tensors{a};
     }},
    {"hessian-vector product",
     [] {
       const Tensor w = vector(0), slope = gradients(sum(square(tanh(matmul(x(1), w)))), {w})[0];
       return vjp({slope}, {vector(2)}, {w});
     }},
    {"sgd with momentum", [] { return optimizer("sgd lr=0.1 momentum=0.9"); }, {0, 2, 3, 5, 6, 8, 9, 11}},
    {"adamw", [] { return optimizer("adamw lr=1e-3 wd=0.1"); }, {0, 2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15}},
};

// For each root the position, among the params, of the input whose place it takes.
std::vector<int32_t> places_of(const ir::Graph& graph, const std::vector<ir::Node>& params,
                               const std::vector<int32_t>& replaced) {
  std::vector<int32_t> out;
  for (const int32_t number : replaced) {
    const auto found = std::find_if(params.begin(), params.end(), [&](ir::Node n) {
      return graph.arg_as<ir::ParamArg>(n).index == number;
    });
    out.push_back(found == params.end() ? -1 : static_cast<int32_t>(found - params.begin()));
  }
  return out;
}

std::string row(const std::string& name, Fuse fuse, const Tensors& results,
                const std::vector<int32_t>& replaced) {
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<ir::Node> roots;
  for (const Tensor& t : results) roots.push_back(node_of(t));
  std::vector<ir::Node> params;  // by number, so that inputs keep theirs
  for (const ir::Node n : ir::postorder(graph, roots))
    if (graph.op(n) == ir::Op::Param) params.push_back(n);
  std::sort(params.begin(), params.end(), [&](ir::Node a, ir::Node b) {
    return graph.arg_as<ir::ParamArg>(a).index < graph.arg_as<ir::ParamArg>(b).index;
  });
  const std::vector<int32_t> updates = places_of(graph, params, replaced);
  const runtime::Canonical c = runtime::canonicalize(graph, roots, params);
  const plan::Planned planned =
      plan::build_plan(graph, {c.roots, static_cast<uint32_t>(c.leaves.size()), updates}, {}, {.fuse = fuse});
  const schedule::Schedule& s = planned.schedule;
  size_t kernels = 0;
  for (const schedule::Launch& launch : s.launches) kernels += launch.parts.size();
  char line[200];
  std::snprintf(line, sizeof line, "%-34s %-7s %8zu %8zu %8zu %14.1f %14.1f %14.1f", name.c_str(),
                std::string(schedule::kFuseNames[static_cast<size_t>(fuse)]).c_str(), s.launches.size(),
                kernels, s.unique_kernels, s.total.bytes() / 1e3,
                static_cast<double>(planned.plan.arena_bytes) / 1e3,
                static_cast<double>(planned.plan.lower_bound) / 1e3);
  return line;
}

std::string table() {
  std::ostringstream out;
  char header[200];
  std::snprintf(header, sizeof header, "%-34s %-7s %8s %8s %8s %14s %14s %14s\n", "# program", "fuse",
                "launches", "kernels", "unique", "modelled KB", "peak KB", "at least KB");
  out << header;
  for (const programs::ProgramInfo& info : programs::all_programs())
    for (const bool train : {false, true})
      for (const Fuse fuse : {Fuse::kNone, Fuse::kGreedy, Fuse::kModel}) {
        const programs::Program p = programs::build_program(info, {.train = train});
        out << row(std::string(info.name) + (train ? " train" : ""), fuse, p.roots(), p.replaced()) << "\n";
      }
  const programs::Program char_gpt = programs::build_language_model(
      {.train = true, .batch = 32, .optimizer = programs::parse_optimizer("adamw lr=1e-3")},
      {.vocabulary = 65, .context = 64, .width = 128, .heads = 4, .layers = 4});
  out << row("char nanogpt train", Fuse::kModel, char_gpt.roots(), char_gpt.replaced()) << "\n";
  for (const Case& c : kCases) out << row(c.name, Fuse::kModel, c.build(), c.replaced) << "\n";
  return out.str();
}

TEST(ScheduleGolden, CountsAndBytes) { test::expect_golden("schedule/counts.txt", table()); }

}  // namespace
}  // namespace anneal
