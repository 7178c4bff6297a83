// SPDX-License-Identifier: MIT
// What the cpu device costs: bandwidth against a copy and a read in the same run, launches, compiling.
#include <cstring>
#include <map>
#include <numeric>
#include <vector>

#include "bench/bench.h"
#include "cpu/cpu_device.h"
#include "ir/builder.h"
#include "loop/lower.h"
#include "schedule/schedule.h"

namespace anneal::bench {
namespace {

using ir::Node;
constexpr int64_t kElements = int64_t{64} << 20;

struct Setup {
  ir::Graph graph;
  ir::Graph::Scope scope{graph};
  ir::Builder b{graph};
  cpu::ObjectCache cache{{}, 0};
  cpu::CpuDevice device{cpu::process_pool(), cache};

  Node slot(int64_t number, int64_t extent) {
    const ir::Dim shape[] = {ir::Dim(extent)};
    return b.param(number, f32, shape);
  }
  std::shared_ptr<const device::Executable> compile(std::vector<Node> statements) {
    const loop::Program program = loop::lower(graph, b.sink(statements));
    return device.compile(graph, std::span(&program, 1))[0];
  }
  std::shared_ptr<device::Memory> ones(int64_t n) {
    auto m = device.allocate(static_cast<size_t>(n) * sizeof(float));
    std::fill_n(reinterpret_cast<float*>(m->host()), n, 1.0F);
    return m;
  }
  // y = ((x * 1.5 + 2) * x - 0.5)
  Node chain(int64_t n) {
    const Node i = b.range(n, 0), x = b.load(slot(0, n), i);
    const auto c = [&](double v) { return b.constant_float(v, f32); };
    const Node y = b.sub(b.mul(b.add(b.mul(x, c(1.5)), c(2)), x), c(0.5));
    return b.store(slot(1, n), i, y);
  }
};

Result elementwise_over_copy() {
  Setup s;
  const auto code = s.compile({s.chain(kElements)});
  auto x = s.ones(kElements), y = s.ones(kElements);
  const device::Slice slots[] = {{x.get(), 0}, {y.get(), 0}};
  const device::Launch launch{code.get(), slots, {}};
  double ours = 1e300, copy = 1e300;
  const size_t bytes = x->bytes();
  cpu::Pool& pool = cpu::process_pool();
  const size_t parts = static_cast<size_t>(pool.threads());
  for (int i = 0; i < 7; ++i) {  // in turns: the machine's bandwidth changes with its other work
    ours = std::min(ours, min_seconds(1, [&] {
                      s.device.submit(std::span(&launch, 1));
                      s.device.wait();
                    }));
    copy = std::min(copy, min_seconds(1, [&] {
                      pool.run(pool.threads(), [&](int p) {
                        const size_t at = bytes / parts * static_cast<size_t>(p);
                        std::memcpy(y->host() + at, x->host() + at, bytes / parts);
                      });
                    }));
  }
  return {2e-9 * static_cast<double>(bytes) / ours, 2e-9 * static_cast<double>(bytes) / copy};
}

// To one number, by way of the scheduler.
Result sum_over_read() {
  Setup s;
  const ir::Dim size[] = {ir::Dim(kElements)};
  const Node sum = s.b.reduce(s.b.param(0, f32, size), ir::ReduceOp::kAdd, 1);
  const schedule::Schedule schedule = schedule::make_schedule(s.graph, std::span(&sum, 1), s.device.caps());
  auto x = s.ones(kElements);
  std::map<uint32_t, std::shared_ptr<device::Memory>> memory;
  std::vector<std::shared_ptr<const device::Executable>> code;
  std::vector<std::vector<device::Slice>> slots;
  std::vector<device::Launch> launches;
  for (const schedule::Launch& launch : schedule.launches) {
    const schedule::Kernel& kernel = launch.parts[0];
    for (const schedule::Slot& slot : kernel.slots) {
      std::shared_ptr<device::Memory>& m = memory[slot.value];
      const schedule::Value& value = (*schedule.values)[slot.value];
      if (m == nullptr)
        m = value.kind == schedule::ValueKind::kLeaf ? x : s.ones(static_cast<int64_t>(value.elements));
    }
    const loop::Program program = loop::lower(s.graph, kernel.sink);
    code.push_back(s.device.compile(s.graph, std::span(&program, 1))[0]);
    std::vector<device::Slice>& own = slots.emplace_back();
    for (const schedule::Slot& slot : kernel.slots) own.push_back({memory[slot.value].get(), 0});
  }
  for (size_t i = 0; i < code.size(); ++i) launches.push_back({code[i].get(), slots[i], {}});
  double ours = 1e300, read = 1e300;
  for (int r = 0; r < 7; ++r) {
    ours = std::min(ours, min_seconds(1, [&] {
                      s.device.submit(launches);
                      s.device.wait();
                    }));
    read = std::min(read, read_seconds(x->host(), x->bytes()));
  }
  return {1e-9 * static_cast<double>(x->bytes()) / ours, 1e-9 * static_cast<double>(x->bytes()) / read};
}

double ratio_target(const Result& r) { return r.value / r.peer; }

Result launch_microseconds() {
  Setup s;
  const auto code = s.compile({s.chain(1)});
  auto x = s.ones(1), y = s.ones(1);
  const device::Slice slots[] = {{x.get(), 0}, {y.get(), 0}};
  const std::vector<device::Launch> launches(1000, {code.get(), slots, {}});
  return {1e6 / 1000 * min_seconds(20, [&] {
            s.device.submit(launches);
            s.device.wait();
          })};
}

Result fork_microseconds() {
  cpu::Pool pool(2);
  return {1e6 / 1000 * min_seconds(20, [&] {
            for (int i = 0; i < 1000; ++i) pool.run(2, [](int p) { keep(&p); });
          })};
}

// Kernels of the usual sizes, none of them alike: the chain, and a softmax over rows.
Result compile_milliseconds() {
  Setup s;
  constexpr int kKernels = 40;
  std::vector<loop::Program> programs;
  for (int64_t k = 0; k < kKernels; ++k) {
    const int64_t rows = 64 + k, columns = 1000 + k;
    const Node i = s.b.range(rows, 0), j = s.b.range(columns, 1);
    const Node m = s.b.range(columns, 2, ir::AxisKind::kReduce),
               n = s.b.range(columns, 3, ir::AxisKind::kReduce);
    const auto at = [&](Node c) {
      return s.b.load(s.slot(0, rows * columns), s.b.add(s.b.mul(i, s.b.index(columns)), c));
    };
    const Node top = s.b.accumulate(at(m), ir::ReduceOp::kMax, std::span(&m, 1));
    const auto e = [&](Node c) { return s.b.make(ir::Op::Exp, {s.b.sub(at(c), top)}); };
    const Node total = s.b.accumulate(e(n), ir::ReduceOp::kAdd, std::span(&n, 1));
    const Node out = s.b.store(s.slot(1, rows * columns), s.b.add(s.b.mul(i, s.b.index(columns)), j),
                               s.b.div(e(j), total));
    programs.push_back(loop::lower(s.graph, s.b.sink(std::span(&out, 1))));
  }
  return {1e3 / kKernels * cpu::process_pool().threads() *
          min_seconds(3, [&] { s.device.compile(s.graph, programs); })};
}

}  // namespace

double read_seconds(const void* memory, size_t bytes) {
  cpu::Pool& pool = cpu::process_pool();
  const auto* words = static_cast<const uint64_t*>(memory);
  const size_t length = bytes / sizeof(uint64_t) / static_cast<size_t>(pool.threads());
  return min_seconds(1, [&] {
    pool.run(pool.threads(), [&](int p) {
      const uint64_t* first = words + length * static_cast<size_t>(p);
      const uint64_t total = std::accumulate(first, first + length, uint64_t{0});
      keep(&total);
    });
  });
}

std::vector<Row> cpu_rows() {
  const auto ratio = [](Result (*run)()) {
    return [run] {
      const Result r = run();
      return Result{ratio_target(r), 0};
    };
  };
  return {
      {"cpu: elementwise chain, 64 M floats", "of memcpy", Better::kHigher, 0.9,
       ratio(elementwise_over_copy)},
      {"cpu: sum of 64 M floats", "of reading", Better::kHigher, 0.9, ratio(sum_over_read)},
      {"cpu: elementwise chain, 64 M floats, bandwidth", "GB/s", Better::kHigher, 5, elementwise_over_copy},
      {"cpu: sum of 64 M floats, bandwidth", "GB/s", Better::kHigher, 5, sum_over_read},
      {"cpu: a launch of one item", "us", Better::kLower, 1, launch_microseconds},
      {"cpu: fork and join of two hot threads", "us", Better::kLower, 2, fork_microseconds},
      {"cpu: compiling a softmax kernel, one thread", "ms", Better::kLower, 6, compile_milliseconds},
  };
}

}  // namespace anneal::bench
