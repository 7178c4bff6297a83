// SPDX-License-Identifier: MIT
// See measure.h.
#include "device/measure.h"

#include <algorithm>
#include <cmath>

#include "anneal/error.h"
#include "ir/builder.h"
#include "loop/lower.h"

namespace anneal::device {
namespace {

using ir::Dim;
using ir::Node;

constexpr int64_t kLeastMuch = int64_t{1} << 21, kMostMuch = int64_t{1} << 23,
                  kLittle = int64_t{1} << 14;  // floats
constexpr int kChains = 8, kLinks = 8;         // of arithmetic

class Bench {
 public:
  explicit Bench(Device& device) : device_(device), build_(graph_) {}

  Measured run() {
    Measured out;
    check_that_it_runs();
    const double small = copy_seconds(kLittle / 4, 1);
    const bool fast = small < 1e-4;
    const int64_t little = fast ? kLittle : kLittle / 16;
    // Both arrays together are twice the cache, within reason.
    const int64_t much = fast ? std::clamp(device_.caps().cache_bytes / 4, kLeastMuch, kMostMuch) : little;
    out.cache_bandwidth = 8 * static_cast<double>(little) / copy_seconds(little, 20);
    out.memory_bandwidth = 8 * static_cast<double>(much) / copy_seconds(much, 4);
    const double work = 2.0 * kChains * kLinks * static_cast<double>(little);
    out.flops = work / arithmetic_seconds(little, 8);
    const int64_t side = fast ? 320 : 16;
    out.contract_flops = 2 * std::pow(static_cast<double>(side), 3) / product_seconds(side, 4);
    out.launch_seconds = launch_seconds();
    return out;
  }

 private:
  Node slot(int64_t number, int64_t elements) {
    const Dim shape[] = {Dim(elements)};
    return build_.param(number, f32, shape);
  }
  Node number(double v) { return build_.constant_float(v, f32); }
  Node add(Node a, Node b) { return build_.make(ir::Op::Add, {a, b}); }
  Node mul(Node a, Node b) { return build_.make(ir::Op::Mul, {a, b}); }

  std::shared_ptr<const Executable> compile(Node statement) {
    const Node sink = build_.sink(std::span(&statement, 1));
    const loop::Program program = loop::lower(graph_, sink, {.lanes = device_.caps().vector_lanes});
    return device_.compile(graph_, std::span(&program, 1))[0];
  }

  std::shared_ptr<Memory> memory(int64_t floats) {
    std::shared_ptr<Memory> m = device_.allocate(static_cast<size_t>(floats) * sizeof(float));
    if (m == nullptr) raise(ErrorCode::kMemory, "there is not enough memory to measure the device");
    const std::vector<std::byte> zeros(std::min<size_t>(m->bytes(), size_t{1} << 18));
    for (size_t at = 0; at < m->bytes(); at += zeros.size())
      device_.write({m.get(), at}, std::span(zeros).first(std::min(zeros.size(), m->bytes() - at)));
    return m;
  }

  // The shortest of some launches, the first of which does not count.
  double shortest(const Executable& code, std::vector<Slice> slots, int times) {
    const std::vector<Launch> launches(static_cast<size_t>(times) + 1, Launch{&code, slots, {}});
    const std::vector<LaunchTime> took = device_.submit_timed(launches);
    double least = 1e9;
    for (size_t i = 1; i < took.size(); ++i) least = std::min(least, took[i].end - took[i].begin);
    return std::max(least, 1e-9);
  }

  void check_that_it_runs() {
    const auto m = memory(1);
    std::byte bytes[sizeof(float)];
    device_.read({m.get(), 0}, bytes);
  }

  double copy_seconds(int64_t n, int times) {
    const Node i = build_.range(Dim(n), 0);
    const auto code = compile(build_.store(slot(0, n), i, build_.load(slot(1, n), i)));
    const auto to = memory(n), from = memory(n);
    return shortest(*code, {{to.get(), 0}, {from.get(), 0}}, times);
  }

  double arithmetic_seconds(int64_t n, int times) {
    const Node i = build_.range(Dim(n), 0), x = build_.load(slot(1, n), i);
    Node sum = x;
    for (int c = 0; c < kChains; ++c) {
      Node y = x;
      for (int k = 0; k < kLinks; ++k) y = add(mul(y, number(1 + c * 0.125)), number(k + 0.5));
      sum = add(sum, y);
    }
    const auto code = compile(build_.store(slot(0, n), i, sum));
    const auto to = memory(n), from = memory(n);
    return shortest(*code, {{to.get(), 0}, {from.get(), 0}}, times);
  }

  double product_seconds(int64_t side, int times) {
    const Node m = build_.range(Dim(side), 0), n = build_.range(Dim(side), 1);
    const Node k = build_.range(Dim(side), 2, ir::AxisKind::kReduce);
    const auto at = [&](Node row, Node column) {
      return build_.make(ir::Op::Add, {build_.make(ir::Op::Mul, {row, build_.index(side)}), column});
    };
    const Node a = build_.load(slot(1, side * side), at(m, k)),
               b = build_.load(slot(2, side * side), at(k, n));
    const Node product = build_.accumulate(mul(a, b), ir::ReduceOp::kAdd, std::span(&k, 1));
    const auto code = compile(build_.store(slot(0, side * side), at(m, n), product));
    const auto c = memory(side * side), x = memory(side * side), y = memory(side * side);
    return shortest(*code, {{c.get(), 0}, {x.get(), 0}, {y.get(), 0}}, times);
  }

  double launch_seconds() {
    constexpr size_t kLaunches = 200;
    const Node i = build_.range(Dim(16), 0);
    const auto code = compile(build_.store(slot(0, 16), i, build_.load(slot(1, 16), i)));
    const auto to = memory(16), from = memory(16);
    const std::vector<Slice> slots{{to.get(), 0}, {from.get(), 0}};
    const std::vector<Launch> launches(kLaunches, Launch{code.get(), slots, {}});
    const std::vector<LaunchTime> took = device_.submit_timed(launches);
    return std::max((took.back().end - took.front().begin) / kLaunches, 1e-9);
  }

  Device& device_;
  ir::Graph graph_;
  const ir::Graph::Scope scope_{graph_};
  const ir::Builder build_;
};

// 1, 1.5, 2, 3, 4, 6 ...: the nearest.
double coarse(double v) {
  if (!(v > 0)) return v;
  const double low = std::exp2(std::floor(std::log2(v))), ratio = v / low;
  return low * (ratio < 1.2247 ? 1 : ratio < 1.7320 ? 1.5 : 2);
}

}  // namespace

Measured measure(Device& device) { return Bench(device).run(); }

void apply(const Measured& m, Caps& caps) {
  caps.memory_bandwidth = coarse(m.memory_bandwidth);
  caps.cache_bandwidth = coarse(std::max(m.cache_bandwidth, m.memory_bandwidth));
  caps.flops = coarse(m.flops);
  caps.contract_flops = coarse(std::max(m.contract_flops, m.flops));
  caps.launch_seconds = coarse(m.launch_seconds);
}

double least_seconds(const Measured& m, const Caps& caps, double bytes, double flops, bool contraction) {
  const bool cached = bytes <= static_cast<double>(caps.cache_bytes) / 2;
  const double bandwidth = cached ? std::max(m.cache_bandwidth, m.memory_bandwidth) : m.memory_bandwidth;
  const double rate = contraction ? std::max(m.contract_flops, m.flops) : m.flops;
  return std::max(bandwidth > 0 ? bytes / bandwidth : 0, rate > 0 ? flops / rate : 0);
}

}  // namespace anneal::device
