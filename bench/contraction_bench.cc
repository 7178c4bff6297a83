// SPDX-License-Identifier: MIT
// Products of matrices on the cpu device, beside OpenBLAS where it is installed and beside reading memory;
// and what the kernels of a whole training step take to compile.
#include <dlfcn.h>

#include <filesystem>
#include <unordered_set>
#include <vector>

#include "bench/bench.h"
#include "cpu/cpu_device.h"
#include "ir/builder.h"
#include "loop/lower.h"
#include "programs/programs.h"
#include "schedule/schedule.h"
#include "tensor/call.h"

namespace anneal::bench {
namespace {

using ir::Node;
using Sgemm = void(int order, int ta, int tb, int m, int n, int k, float alpha, const float* a, int lda,
                   const float* b, int ldb, float beta, float* c, int ldc);

// Null where there is none.
Sgemm* peer_sgemm(int threads) {
  static void* const library = [] {
    void* found = dlopen("libopenblas.so.0", RTLD_NOW);
    return found != nullptr ? found : dlopen("libopenblas.so", RTLD_NOW);
  }();
  if (library == nullptr) return nullptr;
  if (void* set = dlsym(library, "openblas_set_num_threads")) reinterpret_cast<void (*)(int)>(set)(threads);
  return reinterpret_cast<Sgemm*>(dlsym(library, "cblas_sgemm"));
}

struct Product {
  ir::Graph graph;
  ir::Graph::Scope scope{graph};
  ir::Builder b{graph};
  cpu::ObjectCache cache{{}, 0};
  cpu::Pool pool;
  cpu::CpuDevice device;
  int64_t m, n, k;
  std::shared_ptr<device::Memory> memory[3];
  std::shared_ptr<const device::Executable> code;

  // c[m, n] = a[m, k] * b[k, n], or b[n, k] where it is transposed.
  Product(int64_t rows, int64_t columns, int64_t depth, bool transposed, int threads)
      : pool(threads), device(pool, cache), m(rows), n(columns), k(depth) {
    const Node i = b.range(m, 0), j = b.range(n, 1), r = b.range(k, 2, ir::AxisKind::kReduce);
    const auto at = [&](Node row, int64_t width, Node column) {
      return b.add(b.mul(row, b.index(width)), column);
    };
    const int64_t sizes[] = {m * k, k * n, m * n};
    Node slots[3];
    for (int s = 0; s < 3; ++s) {
      const ir::Dim shape[] = {ir::Dim(sizes[s])};
      slots[s] = b.param(s, f32, shape);
      memory[s] = device.allocate(static_cast<size_t>(sizes[s]) * sizeof(float));
      std::fill_n(reinterpret_cast<float*>(memory[s]->host()), sizes[s], 1.0F);
    }
    const Node x = b.load(slots[0], at(i, k, r)),
               y = b.load(slots[1], transposed ? at(j, k, r) : at(r, n, j));
    const Node sum = b.accumulate(b.mul(x, y), ir::ReduceOp::kAdd, std::span(&r, 1));
    const Node store = b.store(slots[2], at(i, n, j), sum);
    const loop::Program program = loop::lower(graph, b.sink(std::span(&store, 1)));
    code = device.compile(graph, std::span(&program, 1))[0];
  }
  const float* data(int s) { return reinterpret_cast<const float*>(memory[s]->host()); }
  double seconds() {
    const device::Slice slices[] = {{memory[0].get(), 0}, {memory[1].get(), 0}, {memory[2].get(), 0}};
    const device::Launch launch{code.get(), slices, {}};
    return min_seconds(1, [&] {
      device.submit(std::span(&launch, 1));
      device.wait();
    });
  }
};

Result square_gflops(int64_t size, int threads) {
  Product p(size, size, size, false, threads);
  Sgemm* sgemm = peer_sgemm(threads);
  std::vector<float> c(sgemm != nullptr ? static_cast<size_t>(size * size) : 0);
  const int s = static_cast<int>(size);
  double ours = 1e300, theirs = 1e300;
  for (int i = 0; i < (size > 1024 ? 8 : 20); ++i) {
    ours = std::min(ours, p.seconds());
    if (sgemm == nullptr) continue;
    theirs = std::min(theirs, min_seconds(1, [&] {
                        sgemm(101, 111, 111, s, s, s, 1, p.data(0), s, p.data(1), s, 0, c.data(), s);
                      }));
  }
  const double flops = 2e-9 * static_cast<double>(size * size) * static_cast<double>(size);
  return {flops / ours, sgemm != nullptr ? flops / theirs : 0};
}

// A vector times a matrix is bound by reading the matrix.
Result vector_over_read(bool transposed) {
  constexpr int64_t kSize = 4096;
  cpu::Pool& pool = cpu::process_pool();
  Product p(1, kSize, kSize, transposed, pool.threads());
  double ours = 1e300, read = 1e300;
  for (int i = 0; i < 30; ++i) {
    ours = std::min(ours, p.seconds());
    read = std::min(read, read_seconds(p.data(1), kSize * kSize * sizeof(float)));
  }
  return {read / ours};
}

// The kernels of a training step, lowered, each once.
std::vector<loop::Program> step_programs(ir::Graph& graph) {
  const programs::Program program =
      programs::build_program(programs::find_program("gpt2"), {.train = true, .batch = 4});
  std::vector<Node> roots;
  for (const Tensor& t : program.roots()) roots.push_back(node_of(t));
  const schedule::Schedule s = schedule::make_schedule(graph, roots, {});
  std::unordered_set<uint32_t> seen;
  std::vector<loop::Program> list;
  for (const schedule::Launch& launch : s.launches)
    for (const schedule::Kernel& kernel : launch.parts)
      if (seen.insert(kernel.sink.id).second) list.push_back(loop::lower(graph, kernel.sink));
  return list;
}

Result step_milliseconds(bool warm) {
  ir::Graph& graph = ir::default_graph();
  graph.collect();
  const ir::Graph::Scope scope(graph);
  const std::vector<loop::Program> list = step_programs(graph);
  std::string folder = (std::filesystem::temp_directory_path() / "anneal_bench_XXXXXX").string();
  if (warm && ::mkdtemp(folder.data()) == nullptr) return {1e300};
  cpu::ObjectCache cache(warm ? folder : "", uint64_t{1} << 30);
  cpu::Pool pool(2);
  double least = 1e300;
  for (int i = 0; i < (warm ? 6 : 3); ++i) {
    cpu::CpuDevice device(pool, cache);
    const double taken = min_seconds(1, [&] { device.compile(graph, list); });
    if (!warm || i > 0) least = std::min(least, taken);
  }
  if (warm) std::filesystem::remove_all(folder);
  return {1e3 * least};
}

}  // namespace

std::vector<Row> contraction_rows() {
  std::vector<Row> rows;
  for (const int threads : {1, 2})
    for (const int64_t size : {512, 1024, 2048})
      rows.push_back({"cpu: product " + std::to_string(size) + " f32, threads: " + std::to_string(threads),
                      "GFLOP/s", Better::kHigher, 0.7,
                      [size, threads] { return square_gflops(size, threads); }, Against::kPeer});
  rows.push_back({"cpu: vector times matrix 4096 f32", "of reading", Better::kHigher, 0.7,
                  [] { return vector_over_read(false); }});
  rows.push_back({"cpu: vector times transposed matrix 4096 f32", "of reading", Better::kHigher, 0.7,
                  [] { return vector_over_read(true); }});
  rows.push_back({"cpu: compiling the gpt2 training step, 2 threads", "ms", Better::kLower, 1500,
                  [] { return step_milliseconds(false); }});
  rows.push_back(
      {"cpu: its objects from the disk", "ms", Better::kLower, 150, [] { return step_milliseconds(true); }});
  return rows;
}

}  // namespace anneal::bench
