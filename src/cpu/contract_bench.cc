// SPDX-License-Identifier: MIT
// Measures the contraction skeleton beside a BLAS, if one is named:
//   build/bench/contract_bench [--blas FILE] [--threads N] [--repeat N] [--only TEXT] [--compile]
// FILE is a shared library with cblas_sgemm, for example libopenblas.so.0; its number of threads is set by
// OPENBLAS_NUM_THREADS from outside. Both sides are run in turn, and each keeps its best time.
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "cpu/test_contract.h"

namespace anneal::cpu {
namespace {

using SgemmFunction = void(int order, int ta, int tb, int m, int n, int k, float alpha, const float* a,
                           int lda, const float* b, int ldb, float beta, float* c, int ldc);
using ThreadsFunction = void(int);

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One helper thread. It spins for a moment between jobs, so that what is measured is the kernel, and then
// sleeps, so that the other side has both cores for itself.
class Pair {
 public:
  explicit Pair(int threads) {
    if (threads > 1) helper_ = std::thread([this] { serve(); });
  }
  ~Pair() {
    if (!helper_.joinable()) return;
    post(kStop);
    helper_.join();
  }
  void run(const std::function<void(int)>& job) {
    job_ = &job;
    if (helper_.joinable()) post(kJob);
    job(0);
    while (state_.load(std::memory_order_acquire) != kIdle) {
    }
  }

 private:
  enum State : int { kIdle, kJob, kStop };
  void post(State state) {
    state_.store(state, std::memory_order_release);
    state_.notify_one();
  }
  void serve() {
    for (;;) {
      for (int i = 0; i < 20000 && state_.load(std::memory_order_acquire) == kIdle; ++i) {
      }
      state_.wait(kIdle, std::memory_order_acquire);
      if (state_.load(std::memory_order_acquire) == kStop) return;
      (*job_)(1);
      state_.store(kIdle, std::memory_order_release);
    }
  }
  const std::function<void(int)>* job_ = nullptr;
  std::atomic<int> state_{kIdle};
  std::thread helper_;
};

// Threads of a library that still spin after its last call would slow the other side down.
void let_threads_sleep(const std::string& blas, int threads) {
  if (!blas.empty() && threads > 1) std::this_thread::sleep_for(std::chrono::milliseconds(60));
}

struct Options {
  std::string blas, only, cpu;
  int threads = 1, repeat = 10;
  bool compile = false;
  Isa isa = Isa::kAvx512;
};

struct Row {
  const char* name;
  ContractShape shape;
  bool ta, tb;
};

constexpr Row kRows[] = {
    {"512", {1, 512, 512, 512}, false, false},
    {"1024", {1, 1024, 1024, 1024}, false, false},
    {"2048", {1, 2048, 2048, 2048}, false, false},
    {"1024 A^T", {1, 1024, 1024, 1024}, true, false},
    {"1024 B^T", {1, 1024, 1024, 1024}, false, true},
    {"4096x768x768", {1, 4096, 768, 768}, false, false},
    {"4096x768x768 B^T", {1, 4096, 768, 768}, false, true},
    {"4096x3072x768", {1, 4096, 3072, 768}, false, false},
    {"4096x3072x768 B^T", {1, 4096, 3072, 768}, false, true},
    {"4096x768x3072", {1, 4096, 768, 3072}, false, false},
    {"768x768x4096 A^T", {1, 768, 768, 4096}, true, false},
    {"768x3072x4096 A^T", {1, 768, 3072, 4096}, true, false},
    {"4096x50257x768 B^T", {1, 4096, 50257, 768}, false, true},
    {"50257x768x4096 A^T", {1, 50257, 768, 4096}, true, false},
    {"64x64x64 by 512", {512, 64, 64, 64}, false, false},
    {"64x64x64 by 512 B^T", {512, 64, 64, 64}, false, true},
    {"64x64x64 by 512 A^T", {512, 64, 64, 64}, true, false},
    {"256x256x64 by 64 B^T", {64, 256, 256, 64}, false, true},
    {"3x5x7", {1, 3, 5, 7}, false, false},
    {"32x10x784", {1, 32, 10, 784}, false, false},
    {"1x4096x4096", {1, 1, 4096, 4096}, false, false},
    {"1x4096x4096 B^T", {1, 1, 4096, 4096}, false, true},
    {"4x4096x4096", {1, 4, 4096, 4096}, false, false},
    {"4x4096x4096 B^T", {1, 4, 4096, 4096}, false, true},
    {"4096x1x4096", {1, 4096, 1, 4096}, false, false},
    {"8x4096x4096", {1, 8, 4096, 4096}, false, false},
    {"8x4096x4096 B^T", {1, 8, 4096, 4096}, false, true},
};

double read_bandwidth(const std::vector<float>& data, Pair& pair, int threads) {
  double best = 1e300;
  std::array<float, 2> sinks{};
  for (int r = 0; r < 12; ++r) {
    const double start = now();
    pair.run([&](int t) {
      const size_t part = data.size() / static_cast<size_t>(threads) / 64 * 64;
      const float* p = data.data() + part * static_cast<size_t>(t);
      std::array<float, 64> sum{};
      for (size_t i = 0; i < part; i += 64) {
        for (size_t j = 0; j < 64; ++j) sum[j] += p[i + j];
      }
      for (float s : sum) sinks[static_cast<size_t>(t)] += s;
    });
    best = std::min(best, now() - start);
  }
  if (sinks[0] == 12345) fmt::print("\n");
  return static_cast<double>(data.size()) * 4 / best * 1e-9;
}

void run_row(const Row& row, const Options& options, Pair& pair, SgemmFunction* sgemm) {
  const ContractShape& s = row.shape;
  const PlainContract plain = PlainContract::make(s, row.ta, row.tb);
  PlainHoles holes(plain);
  const ContractSpec spec = holes.spec();
  const ContractPlan plan =
      contract_plan(plain.known(), {.isa = options.isa, .threads = options.threads}, plain.traits());
  TestJit jit(options.isa, options.cpu);
  auto* f = reinterpret_cast<ContractFunction*>(
      jit.compile("f", [&](llvm::Module& module) { emit_contract(module, "f", spec, plan); }));
  const auto random = [](size_t n) {
    std::vector<float> v(n);
    uint32_t state = 1;
    for (float& x : v) x = static_cast<float>((state = state * 1664525 + 1013904223) >> 9) * 0x1p-22f - 1.0f;
    return v;
  };
  const std::vector<float> a = random(static_cast<size_t>(s.batch * s.m * s.k)),
                           b = random(static_cast<size_t>(s.batch * s.k * s.n));
  std::vector<float> c(static_cast<size_t>(s.batch * s.m * s.n)), d(c.size());
  const AlignedScratch scratch[2] = {make_scratch(plan.scratch_bytes), make_scratch(plan.scratch_bytes)};
  std::memset(scratch[0].get(), 0, static_cast<size_t>(plan.scratch_bytes));
  std::memset(scratch[1].get(), 0, static_cast<size_t>(plan.scratch_bytes));
  void* slots[6] = {const_cast<float*>(a.data()), const_cast<float*>(b.data()), c.data()};
  const int64_t vars[4] = {s.batch, s.m, s.n, s.k};
  const int64_t items = plan.items(s);
  const double flops =
      2.0 * static_cast<double>(s.batch * s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
  // Small problems are repeated within one measurement.
  const int inner = static_cast<int>(std::clamp(2e8 / flops, 1.0, 20000.0));
  double ours = 1e300, theirs = 1e300;
  const int repeat = flops > 1e11 ? std::max(2, options.repeat / 4) : options.repeat;
  for (int r = 0; r < repeat; ++r) {
    let_threads_sleep(options.blas, options.threads);
    double start = now();
    for (int i = 0; i < inner; ++i) {
      pair.run([&](int t) {
        f(slots, vars, items * t / options.threads, items * (t + 1) / options.threads, scratch[t].get());
      });
    }
    ours = std::min(ours, (now() - start) / inner);
    if (sgemm == nullptr) continue;
    start = now();
    for (int i = 0; i < inner; ++i) {
      for (int64_t x = 0; x < s.batch; ++x) {
        const auto dim = [](int64_t e) { return static_cast<int>(e); };
        sgemm(101, row.ta ? 112 : 111, row.tb ? 112 : 111, dim(s.m), dim(s.n), dim(s.k), 1,
              a.data() + x * s.m * s.k, dim(row.ta ? s.m : s.k), b.data() + x * s.k * s.n,
              dim(row.tb ? s.k : s.n), 0, d.data() + x * s.m * s.n, dim(s.n));
      }
    }
    theirs = std::min(theirs, (now() - start) / inner);
  }
  double worst = 0;
  if (sgemm != nullptr) {
    for (size_t i = 0; i < c.size(); ++i) worst = std::max(worst, static_cast<double>(std::abs(c[i] - d[i])));
  }
  const double bytes = 4.0 * static_cast<double>(a.size() + b.size() + c.size());
  fmt::print(
      "{:<22} {:>8.1f} GF {:>7.1f} GB/s {:>10.1f} us  peer {:>8.1f} GF  ratio {:>5.2f}  diff {:.1e}  {}\n",
      row.name, flops / ours * 1e-9, bytes / ours * 1e-9, ours * 1e6, sgemm ? flops / theirs * 1e-9 : 0.0,
      sgemm ? theirs / ours : 0.0, worst, to_string(plan));
  if (options.compile) {
    for (const bool outside : {false, true})
      for (const auto level : {llvm::CodeGenOptLevel::Less, llvm::CodeGenOptLevel::Default}) {
        TestJit::Times best{1, 1, 1};
        for (int i = 0; i < 5; ++i) {
          TestJit other(options.isa, options.cpu, level);
          const TileKernel kernel = outside ? TileKernel::kOutside : TileKernel::kInside;
          const std::string tile = tile_kernel_name(plan);
          if (outside) other.compile(tile, [&](llvm::Module& module) { emit_tile_kernel(module, plan); });
          other.compile("warm",
                        [&](llvm::Module& module) { emit_contract(module, "warm", spec, plan, kernel); });
          other.compile("f", [&](llvm::Module& module) { emit_contract(module, "f", spec, plan, kernel); });
          if (other.times.machine + other.times.passes < best.machine + best.passes) best = other.times;
        }
        fmt::print(
            "    compile{} at level {}: emit {:.2f} ms, passes {:.2f} ms, machine code and link {:.2f} ms\n",
            outside ? " without the tile kernel" : "", static_cast<int>(level), best.emit * 1e3,
            best.passes * 1e3, best.machine * 1e3);
      }
  }
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const auto value = [&] { return std::string(i + 1 < argc ? argv[++i] : ""); };
    if (arg == "--blas")
      options.blas = value();
    else if (arg == "--threads")
      options.threads = std::clamp(std::atoi(value().c_str()), 1, 2);
    else if (arg == "--repeat")
      options.repeat = std::max(1, std::atoi(value().c_str()));
    else if (arg == "--only")
      options.only = value();
    else if (arg == "--cpu")
      options.cpu = value();
    else if (arg == "--isa")
      options.isa = static_cast<Isa>(std::atoi(value().c_str()));
    else if (arg == "--compile")
      options.compile = true;
    else
      return fmt::print(stderr, "unknown option {}\n", arg), 2;
  }
  SgemmFunction* sgemm = nullptr;
  if (!options.blas.empty()) {
    void* library = dlopen(options.blas.c_str(), RTLD_NOW);
    if (library == nullptr) return fmt::print(stderr, "{}\n", dlerror()), 1;
    sgemm = reinterpret_cast<SgemmFunction*>(dlsym(library, "cblas_sgemm"));
    if (void* set = dlsym(library, "openblas_set_num_threads"))
      reinterpret_cast<ThreadsFunction*>(set)(options.threads);
    if (void* core = dlsym(library, "openblas_get_corename"))
      fmt::print("peer: {}\n", reinterpret_cast<const char* (*)()>(core)());
  }
  Pair pair(options.threads);
  fmt::print("read bandwidth: {:.1f} GB/s (64 MiB), {:.1f} GB/s (512 MiB)\n",
             read_bandwidth(std::vector<float>(1 << 24, 1.0f), pair, options.threads),
             read_bandwidth(std::vector<float>(1 << 27, 1.0f), pair, options.threads));
  for (const Row& row : kRows) {
    if (std::string(row.name).find(options.only) != std::string::npos) run_row(row, options, pair, sgemm);
  }
  return 0;
}

}  // namespace
}  // namespace anneal::cpu

int main(int argc, char** argv) { return anneal::cpu::run(argc, argv); }
