// SPDX-License-Identifier: MIT
// Attention on the cpu device, forward and backward, in blocks of several sizes, against the interpreter; the
// same bits on any number of threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "anneal/anneal.h"
#include "cpu/cpu_device.h"
#include "interp/test_bindings.h"
#include "ir/dims.h"
#include "loop/lower.h"
#include "schedule/schedule.h"
#include "support/random_stream.h"
#include "tensor/call.h"

namespace anneal {
namespace {

using ir::Node;
using Arrays = std::vector<interp::Array>;

// The values of the roots, one-dimensional.
Arrays run_on(cpu::CpuDevice& device, ir::Graph& graph, const schedule::Schedule& schedule,
              const interp::Bindings& bindings, int64_t onchip_bytes) {
  const schedule::ValueGraph& values = *schedule.values;
  std::map<uint32_t, std::shared_ptr<device::Memory>> memory;
  const auto bytes_of = [&](uint32_t v) {
    const Node n = values[v].node;
    const int64_t count = interp::evaluate_dim(graph, ir::dim_product(graph, graph.shape(n)), bindings);
    return static_cast<size_t>(count * dtype_size(graph.dtype(n)));
  };
  const auto place = [&](uint32_t v) {
    std::shared_ptr<device::Memory>& m = memory[v];
    if (m != nullptr) return m.get();
    m = device.allocate(bytes_of(v));
    std::memset(m->host(), 0xff, bytes_of(v));
    if (const auto* param = std::get_if<ir::ParamArg>(&graph.arg(values[v].node)))
      for (const auto& [index, data] : bindings.params)
        if (index == param->index && !data->bytes.empty())
          std::memcpy(m->host(), data->bytes.data(), data->bytes.size());
    return m.get();
  };
  std::vector<int64_t> vars;
  for (const auto& [name, value] : bindings.vars) vars.push_back(value);
  for (const schedule::Launch& launch : schedule.launches)
    for (const schedule::Kernel& kernel : launch.parts) {
      const loop::Program program = loop::lower(graph, kernel.sink, {.onchip_bytes = onchip_bytes});
      if (kernel.kind == schedule::GroupKind::kFold) {
        EXPECT_FALSE(program.phases.empty()) << onchip_bytes;
      }
      std::vector<device::Slice> slots;
      for (const schedule::Slot& slot : kernel.slots) slots.push_back({place(slot.value), 0});
      const auto code = device.compile(graph, std::span(&program, 1))[0];
      const device::Launch one{code.get(), slots, vars};
      device.submit(std::span(&one, 1));
      device.wait();
    }
  Arrays out;
  for (uint32_t v : schedule.roots) {
    interp::Array& a = out.emplace_back();
    a.dtype = graph.dtype(values[v].node);
    a.bytes.resize(bytes_of(v));
    a.shape = {static_cast<int64_t>(a.bytes.size()) / dtype_size(a.dtype)};
    device.read({place(v), 0}, a.bytes);
  }
  return out;
}

std::string difference(const interp::Array& wanted, const interp::Array& found) {
  const double allowed = dtype_size(wanted.dtype) == 8 ? 1e-12 : dtype_size(wanted.dtype) == 4 ? 2e-5 : 4e-2;
  if (wanted.bytes.size() != found.bytes.size()) return "another size";
  for (size_t e = 0; e < wanted.bytes.size() / static_cast<size_t>(dtype_size(wanted.dtype)); ++e) {
    const double a = interp::element(wanted, e).as_double(wanted.dtype),
                 b = interp::element(found, e).as_double(found.dtype);
    const bool same =
        std::isnan(a) ? std::isnan(b) : a == b || std::abs(a - b) <= allowed * std::max(1.0, std::abs(a));
    if (!same) return "element " + std::to_string(e) + ": " + std::to_string(a) + " and " + std::to_string(b);
  }
  return {};
}

struct Attention {
  int64_t batch, heads, groups, queries, keys, size;
  bool causal = false, masked = false;
  DType dtype = f32;
  int64_t length = -1;    // of a symbolic number of queries and keys, at most `queries`
  bool spoilt = false;    // a few inputs are not finite
  bool computed = false;  // a few values are made infinite by the kernel itself
};

void check(const Attention& c, uint64_t seed) {
  const std::string where =
      "seed " + std::to_string(seed) + ": B" + std::to_string(c.batch) + " H" + std::to_string(c.heads) +
      "/" + std::to_string(c.groups) + " T" + std::to_string(c.queries) + "x" + std::to_string(c.keys) +
      " D" + std::to_string(c.size) + (c.causal ? " causal" : "") + (c.masked ? " masked" : "") + " " +
      std::string(dtype_name(c.dtype)) + " N" + std::to_string(c.length);
  const bool symbolic = c.length >= 0;
  const Extent rows = symbolic ? dim("N", 0, c.queries) : Extent(c.queries);
  const Extent columns = symbolic ? rows : Extent(c.keys);
  const std::vector<Tensor> in = {input(0, {c.batch, c.heads, rows, c.size}, c.dtype),
                                  input(1, {c.batch, c.groups, columns, c.size}, c.dtype),
                                  input(2, {c.batch, c.groups, columns, c.size}, c.dtype)};
  AttentionOptions options{.causal = c.causal};
  if (c.masked) options.mask = input(4, {rows, columns}) < 0.2;
  const Tensor values = c.computed ? anneal::where(in[2] > 0.99, HUGE_VAL, in[2]) : in[2];
  const Tensor out = scaled_dot_product_attention(in[0], in[1], values, options);
  std::vector<Tensor> results = gradients(sum(out * input(3, out.sizes(), c.dtype)), in);
  results.push_back(out);
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<Node> roots;
  for (const Tensor& t : results) roots.push_back(node_of(t));
  support::RandomStream random(seed);
  std::vector<std::pair<std::string, int64_t>> vars;
  if (symbolic) vars.emplace_back("N", c.length);
  const interp::Bindings bindings = interp::bind_params(graph, roots, vars, [&](DType) {
    return c.spoilt && random.one_in(700) ? HUGE_VAL : random.unit() * 2 - 1;
  });
  const auto wanted = interp::evaluate(graph, roots, bindings);
  const schedule::Schedule schedule = schedule::make_schedule(graph, roots, {});
  const int64_t width = std::max(4, dtype_size(c.dtype));
  std::map<int64_t, Arrays> first;  // by what there was on the chip
  cpu::ObjectCache cache({}, 0);
  for (const int threads : {1, 3}) {
    cpu::Pool pool(threads);
    cpu::CpuDevice device(pool, cache);
    // The whole in one block, as few rows as there may be, and blocks of columns.
    const int64_t few = 3 * 8 * (std::max(c.keys, c.queries) * width + 64);
    for (const int64_t onchip : {int64_t{1} << 20, few, 5 * (16 * 3 * width + 16 * (c.size + 2))}) {
      const Arrays found = run_on(device, graph, schedule, bindings, onchip);
      for (size_t i = 0; i < found.size(); ++i)
        ASSERT_EQ(difference(*wanted[i], found[i]), "")
            << where << "\nresult " << i << ", on chip " << onchip;
      Arrays& other = first[onchip];
      for (size_t i = 0; i < other.size(); ++i) ASSERT_EQ(other[i].bytes, found[i].bytes) << where;
      other = found;
    }
  }
}

TEST(AttentionOnDevice, OfEveryKind) {
  check({2, 2, 2, 64, 64, 16}, 1);
  check({2, 2, 2, 64, 64, 16, true}, 2);
  check({1, 4, 2, 50, 50, 8, true}, 3);
  check({2, 2, 2, 37, 61, 5, false, true}, 4);
  check({1, 2, 2, 48, 48, 16, true, false, bf16}, 5);
  check({1, 2, 2, 33, 33, 4, true, false, f64}, 6);
  check({1, 2, 1, 300, 300, 8, true}, 9);
  check({1, 1, 1, 130, 600, 8}, 8);  // more columns than a contraction goes through at a time
  for (const int64_t length : {0, 1, 29, 40}) check({2, 2, 2, 40, 40, 8, true, false, f32, length}, 7);
}

// Zeros of a mask times what is not finite are NaN, in blocks as in one piece.
TEST(AttentionOnDevice, OfWhatIsNotFinite) {
  for (uint64_t seed = 0; seed < 6 && !HasFatalFailure(); ++seed)
    check({1, 2, 2, 50, 50, 6, true, false, f32, -1, true}, seed);
  for (uint64_t seed = 0; seed < 3 && !HasFatalFailure(); ++seed)
    check({1, 2, 2, 50, 50, 6, true, false, f32, -1, false, true}, seed);
}

TEST(AttentionOnDevice, OfRandomSizes) {
  for (uint64_t seed = 0; seed < 12 && !HasFatalFailure(); ++seed) {
    support::RandomStream r(seed ^ 0xa77e);
    Attention c{1 + r.below(3), 2, 2, 16 + r.below(60), 16 + r.below(60), 1 + r.below(20)};
    if (r.one_in(3)) c.heads = 4;
    if (r.one_in(3)) c.keys = c.queries;
    c.masked = r.one_in(2);
    c.causal = !c.masked && r.one_in(2);
    constexpr DType kTypes[] = {f32, f32, f32, bf16, f16, f64};
    c.dtype = kTypes[r.below(6)];
    check(c, seed);
  }
}

}  // namespace
}  // namespace anneal
