// SPDX-License-Identifier: MIT
// See cpu_device.h.
#include "cpu/cpu_device.h"

#include <llvm/Config/llvm-config.h>
#include <llvm/IR/LLVMContext.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <system_error>

#include "anneal/error.h"
#include "cpu/calibrate.h"
#include "cpu/emit.h"
#include "cpu/plan_contraction.h"
#include "cpu/tile_object.h"
#include "device/registry.h"
#include "ir/bounds.h"
#include "ir/kernel.h"
#include "support/check.h"
#include "support/error_text.h"
#include "support/flags.h"
#include "support/number_text.h"

namespace anneal::cpu {
namespace {

constexpr size_t kAlignment = 64;
// From here on memory is asked for in huge pages: going through it needs fewer translations of addresses.
constexpr size_t kHugePage = size_t{2} << 20, kManyPages = 2 * kHugePage;
constexpr std::string_view kFunctionName = "anneal_kernel";

class HostMemory final : public device::Memory {
 public:
  explicit HostMemory(size_t bytes) : Memory(bytes) {
    const size_t alignment = bytes >= kManyPages ? kHugePage : kAlignment;
    if (bytes <= SIZE_MAX - alignment) {
      const size_t size = (std::max(bytes, size_t{1}) + alignment - 1) / alignment * alignment;
      data_ = static_cast<std::byte*>(std::aligned_alloc(alignment, size));
#ifdef MADV_HUGEPAGE
      if (data_ != nullptr && bytes >= kManyPages)
        madvise(data_, size, MADV_HUGEPAGE);  // or not: only slower
#endif
    }
  }
  ~HostMemory() override { std::free(data_); }
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;
  std::byte* host() override { return data_; }

 private:
  std::byte* data_ = nullptr;
};

void add_body(support::Hasher& h, const ir::Graph& graph, const loop::Body& top) {
  std::vector<std::pair<const loop::Body*, size_t>> stack{{&top, 0}};
  while (!stack.empty()) {
    auto& [body, position] = stack.back();
    if (position == body->size()) {
      h.add(~uint64_t{0});
      stack.pop_back();
      continue;
    }
    const loop::Statement& s = (*body)[position++];
    h.add(static_cast<uint64_t>(s.kind)).add(graph.key(s.node));
    h.add(static_cast<uint64_t>(s.loop)).add(static_cast<uint64_t>(s.lanes)).add(s.reverse ? 1 : 0);
    stack.push_back({&s.body, 0});
  }
}

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

uint64_t memory_bytes() { return static_cast<uint64_t>(std::max(sysconf(_SC_LEVEL3_CACHE_SIZE), long{0})); }

// Operations of a launch, about: each node once for each value of the ranges that it depends on. Of an extent
// that is not known, what is usual.
double work_of(const ir::Graph& graph, const loop::Program& program) {
  constexpr int64_t kUsualExtent = 4096;
  constexpr double kTranscendental = 8, kContraction = 1.0 / 8;  // a skeleton does so much more at a time
  const ir::Kernel kernel(graph, std::span(&program.kernel, 1));
  ir::BoundsOf bounds(graph);
  double sum = 0;
  for (const ir::Node n : kernel.order()) {
    const ir::Op op = graph.op(n);
    if (ir::has_flag(op, ir::kLeaf) || graph.dtype(n) == DType::kIndex) continue;
    double times = ir::has_flag(op, ir::kTranscendental) ? kTranscendental : 1;
    ir::RangeSet ranges = kernel.free(n);
    if (ir::has_flag(op, ir::kKernelOp)) ranges = ir::united(ranges, kernel.bound(n));
    for (const uint32_t r : ranges) {
      const ir::Node extent = graph.source(kernel.ranges()[r], 0);
      const int64_t most = std::max<int64_t>(bounds(extent).max, 0);
      times *= static_cast<double>(graph.is_const(extent) ? most : std::min(most, kUsualExtent));
    }
    sum += times;
  }
  return program.contraction == nullptr ? sum : sum * kContraction;
}

}  // namespace

support::Key program_key(const ir::Graph& graph, const loop::Program& program) {
  support::Hasher h;
  h.add(graph.key(program.kernel)).add(program.grid.size());
  for (const loop::GridAxis& axis : program.grid)
    h.add(graph.key(axis.range)).add(static_cast<uint64_t>(axis.chunk));
  add_body(h, graph, program.body);
  if (program.contraction != nullptr) h.add(graph.key(program.contraction->kernel));
  for (const loop::Program& phase : program.phases) h.add(program_key(graph, phase));
  for (const ir::Node n : program.item_vars) h.add(graph.key(n));
  for (const ir::Node n : program.locals) h.add(graph.key(n));
  for (const loop::ItemLimit& l : program.limits)
    h.add(graph.key(l.var)).add(graph.key(l.value)).add(graph.key(l.whole));
  if (program.probe) h.add(graph.key(program.probe));
  for (const loop::Sweep& s : program.sweeps) {
    h.add(s.first).add(s.last).add(static_cast<uint64_t>(s.block));
    for (const ir::Node n : {s.from, s.count, s.at, s.size}) h.add(graph.key(n));
  }
  return h.finish();
}

CpuExecutable::CpuExecutable(std::unique_ptr<LinkedObject> object, const std::string& name, size_t slots,
                             size_t vars, double work)
    : object_(std::move(object)), slots_(slots), vars_(vars), work_(work) {
  function_ = reinterpret_cast<KernelFunction>(object_->symbol(name));
  items_ = reinterpret_cast<ItemsFunction>(object_->symbol(name + ".items"));
  scratch_bytes_ = static_cast<size_t>(*static_cast<const int64_t*>(object_->symbol(name + ".scratch")));
}

CpuDevice::CpuDevice(Pool& pool, ObjectCache& cache, const Target& target)
    : pool_(pool),
      cache_(cache),
      journal_(cache.folder()),
      target_(target),
      version_(code_version(target.text())) {
  caps_.name = "cpu";
  caps_.description = target.cpu + ", " + std::to_string(pool.threads()) + " threads, " + target.level +
                      ", LLVM " + LLVM_VERSION_STRING;
  caps_.threads = pool.threads();
  caps_.register_bytes = target.vector_bytes * (target.vector_bytes == 64 ? 32 : 16);
  if (const uint64_t cache_bytes = memory_bytes(); cache_bytes != 0)
    caps_.cache_bytes = static_cast<int64_t>(cache_bytes);
  scratch_.resize(static_cast<size_t>(pool.threads()));
  start_server();
  const auto lock = [this] {
    compiled_lock_.lock();
    std::unique_lock<std::mutex> queue(queue_lock_);
    queue_empty_.wait(queue, [&] { return unfinished_.load(std::memory_order_acquire) == 0; });
    queue.release();
  };
  const auto unlock = [this] {
    queue_lock_.unlock();
    compiled_lock_.unlock();
  };
  // As in Pool::lose_workers: what waits or is waited for there cannot be ended.
  const auto threads_lost = [this] {
    static std::vector<std::thread>& lost = *new std::vector<std::thread>;
    lost.push_back(std::move(server_));
    new (&queue_filled_) std::condition_variable;
    new (&queue_empty_) std::condition_variable;
  };
  guard_ =
      std::make_unique<ForkGuard>(ForkGuard::Level::kDevice, ForkGuard::Hooks{lock, unlock, threads_lost});
}

void CpuDevice::start_server() {
  try {
    server_ = std::thread([this] { serve(); });
  } catch (const std::system_error& error) {
    raise(ErrorCode::kDevice, std::string("cpu: the system gives no thread: ") + error.what());
  }
}

CpuDevice::~CpuDevice() {
  guard_.reset();
  {
    const std::lock_guard<std::mutex> lock(queue_lock_);
    stopping_ = true;
  }
  queue_filled_.notify_one();
  if (server_.joinable()) server_.join();
}

// -- Compiling --

support::Key CpuDevice::object_key(const ir::Graph& graph, const loop::Program& program) const {
  const auto threads = static_cast<uint64_t>(pool_.threads());
  return support::Hasher()
      .add(program_key(graph, program))
      .add(program.contraction == nullptr ? 0 : threads)
      .add(version_)
      .finish();
}

JournalEntry CpuDevice::journal_entry(const ir::Graph& graph, const loop::Program& program) const {
  return {support::key_text(program_key(graph, program)), support::key_text(object_key(graph, program)),
          compiler_key(), target_name(target_), pool_.threads()};
}

std::vector<device::CodeStore::Found> CpuDevice::find(ir::Graph& graph,
                                                      std::span<const loop::Program> programs) {
  const Journal::Contents journal = journal_.read();
  const std::string problem =
      cache_.folder().empty() ? "nothing is kept: ANNEAL_CACHE_DIR=off" : folder_problem(cache_.folder());
  std::vector<Found> out;
  for (const loop::Program& program : programs) {
    const ObjectCache::State state = cache_.look(object_key(graph, program));
    if (state == ObjectCache::State::kThere)
      out.push_back({true, ""});
    else if (state == ObjectCache::State::kDamaged)
      out.push_back(
          {false, "unreadable: cut short, damaged or of another version; the next run replaces it"});
    else
      out.push_back({false, problem.empty() ? why_missing(journal, journal_entry(graph, program)) : problem});
  }
  return out;
}

std::vector<std::shared_ptr<const device::Executable>> CpuDevice::compile(
    ir::Graph& graph, std::span<const loop::Program> programs) {
  struct Unit {
    support::Key key;
    std::string text;  // of the key
    size_t program;
    std::shared_ptr<const CpuExecutable> made;
    std::string failure;
    ErrorCode code = ErrorCode::kDevice;  // of the failure
    bool compiled = false;
  };
  std::vector<Unit> units;  // one for each content that there is no code of yet
  std::vector<std::string> keys;
  std::unordered_map<std::string, std::shared_ptr<const CpuExecutable>> ready;
  for (size_t i = 0; i < programs.size(); ++i) {
    const support::Key key = object_key(graph, programs[i]);
    keys.push_back(support::key_text(key));
    const auto [entry, is_new] = ready.try_emplace(keys.back());
    if (!is_new) continue;
    const std::lock_guard<std::mutex> lock(compiled_lock_);
    const auto known = compiled_.find(keys.back());
    if (known != compiled_.end()) entry->second = known->second.lock();
    if (entry->second == nullptr) units.push_back({.key = key, .text = keys.back(), .program = i});
  }

  std::atomic<size_t> next{0};
  const auto compile_units = [&](int) {
    std::unique_ptr<Compiler> compiler;
    for (size_t i = next.fetch_add(1); i < units.size(); i = next.fetch_add(1)) {
      Unit& unit = units[i];
      try {
        const loop::Program& program = programs[unit.program];
        for (const ContractPlan& plan : plan_contractions(graph, program, target_, pool_.threads()))
          link_tile_kernel(target_, plan, cache_);
        std::optional<std::vector<std::byte>> object = cache_.find(unit.key);
        if (!object) {
          llvm::LLVMContext context;
          if (compiler == nullptr) compiler = std::make_unique<Compiler>(target_);
          const auto module = emit_program(context, target_, graph, program, std::string(kFunctionName),
                                           {.threads = pool_.threads()});
          object = compiler->compile(*module);
          cache_.store(unit.key, *object);
          unit.compiled = true;
        }
        unit.made = std::make_shared<CpuExecutable>(link_object(target_, *object), std::string(kFunctionName),
                                                    static_cast<size_t>(slots_of(graph, program.kernel)),
                                                    ir::variables_of(graph, program.kernel).size(),
                                                    work_of(graph, program));
      } catch (const Error& error) {
        unit.failure = support::without_kind(error.message());
        unit.code = error.code();
      } catch (const std::bad_alloc&) {
        unit.failure = "cpu: there is no memory left to compile with";
        unit.code = ErrorCode::kMemory;
      }
    }
  };
  if (!units.empty())
    pool_.run(static_cast<int>(std::min(units.size(), static_cast<size_t>(pool_.threads()))), compile_units);

  const std::lock_guard<std::mutex> lock(compiled_lock_);
  std::vector<JournalEntry> entries;
  for (const Unit& unit : units)
    if (unit.compiled) entries.push_back(journal_entry(graph, programs[unit.program]));
  if (!units.empty()) journal_.append(entries, cache_.statistics());
  std::erase_if(compiled_, [](const auto& entry) { return entry.second.expired(); });
  for (const Unit& unit : units) {
    if (unit.made == nullptr) raise(unit.code, unit.failure);
    reserve_scratch(unit.made->scratch_bytes());
    compiled_[unit.text] = unit.made;
    ready[unit.text] = unit.made;
  }
  std::vector<std::shared_ptr<const device::Executable>> list;
  for (const std::string& key : keys) list.push_back(ready[key]);
  return list;
}

// -- Memory --

Scratch make_scratch(size_t bytes) {
  const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return Scratch(size == 0 ? nullptr : std::aligned_alloc(kAlignment, size));
}

// Before anything runs that needs it: a thread of the pool has nobody to tell that there is no memory.
void CpuDevice::reserve_scratch(size_t bytes) {
  if (bytes <= scratch_bytes_) return;
  std::vector<Scratch> larger;
  for (int i = 0; i < pool_.threads(); ++i) {
    larger.push_back(make_scratch(bytes));
    if (larger.back() == nullptr)
      raise(ErrorCode::kMemory, "there is no memory left on cpu for scratch of " +
                                    support::size_text(uint64_t{bytes}) + " a thread");
  }
  std::unique_lock<std::mutex> lock(queue_lock_);
  queue_empty_.wait(lock, [&] { return unfinished_.load(std::memory_order_acquire) == 0; });
  scratch_ = std::move(larger);
  scratch_bytes_ = bytes;
}

std::shared_ptr<device::Memory> CpuDevice::allocate(size_t bytes) {
  auto made = std::make_shared<HostMemory>(bytes);
  return made->host() == nullptr ? nullptr : made;
}

void CpuDevice::write(const device::Slice& to, std::span<const std::byte> from) {
  wait();
  if (!from.empty()) std::memcpy(to.memory->host() + to.offset, from.data(), from.size());
}

void CpuDevice::read(const device::Slice& from, std::span<std::byte> to) {
  wait();
  if (!to.empty()) std::memcpy(to.data(), from.memory->host() + from.offset, to.size());
}

// -- Launching --

void CpuDevice::submit(std::span<const device::Launch> launches) {
  if (!launches.empty()) enqueue(launches, nullptr);
}

std::vector<device::LaunchTime> CpuDevice::submit_timed(std::span<const device::Launch> launches) {
  std::vector<device::LaunchTime> times;
  if (launches.empty()) return times;
  enqueue(launches, &times);
  wait();
  return times;
}

void CpuDevice::enqueue(std::span<const device::Launch> launches, std::vector<device::LaunchTime>* times) {
  Batch batch;
  {
    const std::lock_guard<std::mutex> lock(queue_lock_);
    if (!spare_.empty()) {
      batch = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  batch.times = times;
  for (const device::Launch& launch : launches) {
    const auto* executable = static_cast<const CpuExecutable*>(launch.executable);
    ANNEAL_CHECK(launch.slots.size() >= executable->slots() && launch.vars.size() >= executable->vars());
    batch.jobs.push_back({executable, batch.slots.size(), batch.vars.size(), launch.beside});
    for (const device::Slice& s : launch.slots)
      batch.slots.push_back(s.memory != nullptr ? s.memory->host() + s.offset : nullptr);
    batch.vars.insert(batch.vars.end(), launch.vars.begin(), launch.vars.end());
  }
  {
    const std::lock_guard<std::mutex> lock(queue_lock_);
    if (!server_.joinable()) start_server();
    queue_.push_back(std::move(batch));
    unfinished_.fetch_add(1, std::memory_order_relaxed);
  }
  queue_filled_.notify_one();
}

void CpuDevice::wait() {
  if (unfinished_.load(std::memory_order_acquire) == 0) return;
  std::unique_lock<std::mutex> lock(queue_lock_);
  queue_empty_.wait(lock, [&] { return unfinished_.load(std::memory_order_acquire) == 0; });
}

void CpuDevice::serve() {
  std::unique_lock<std::mutex> lock(queue_lock_);
  for (;;) {
    queue_filled_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Batch batch = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    run(batch);
    batch.jobs.clear(), batch.slots.clear(), batch.vars.clear();
    lock.lock();
    spare_.push_back(std::move(batch));
    if (unfinished_.fetch_sub(1, std::memory_order_release) == 1) queue_empty_.notify_all();
  }
}

void CpuDevice::run(Batch& batch) {
  const std::span<const Job> jobs = batch.jobs;
  const double start = batch.times == nullptr ? 0 : seconds();
  for (size_t i = 0, end = 0; i < jobs.size(); i = end) {
    end = i + 1;
    if (batch.times != nullptr) {
      const double begin = seconds();
      run(batch, jobs.subspan(i, 1));
      batch.times->push_back({begin - start, seconds() - start});
      continue;
    }
    while (end < jobs.size() && jobs[end].beside) ++end;
    run(batch, jobs.subspan(i, end - i));
  }
}

// Jobs that need nothing of each other, shared out by their work. Which thread runs which items depends on
// their numbers alone. Short launches take fewer threads.
void CpuDevice::run(Batch& batch, std::span<const Job> jobs) {
  double work = 0;
  int64_t items = 0;
  for (const Job& job : jobs) {
    work += std::max(1.0, job.executable->work());
    items += std::max<int64_t>(0, job.executable->items(batch.vars.data() + job.first_var));
  }
  if (items <= 0) return;
  double threads = pool_.threads();
  if (thread_work_ > 0) threads = std::clamp(work / thread_work_, 1.0, threads);
  const int parts = static_cast<int>(std::min<int64_t>(items, static_cast<int64_t>(threads)));
  pool_.run(parts, [&](int part) {
    double before = 0;
    for (const Job& job : jobs) {
      const int64_t* vars = batch.vars.data() + job.first_var;
      const double own = std::max(1.0, job.executable->work());
      const int64_t count = std::max<int64_t>(0, job.executable->items(vars));
      // The item at which a part of all work begins.
      const auto item_at = [&](int p) {
        const double share = std::clamp((work * p / parts - before) / own, 0.0, 1.0);
        return p == parts ? count : static_cast<int64_t>(share * static_cast<double>(count));
      };
      const int64_t begin = item_at(part), end = item_at(part + 1);
      if (begin < end)
        job.executable->run(batch.slots.data() + job.first_slot, vars, begin, end,
                            scratch_[static_cast<size_t>(part)].get());
      before += own;
    }
  });
}

namespace {

const device::Registration kCpu({"cpu", "the processor of this machine, through LLVM", 0,
                                 []() -> std::unique_ptr<device::Device> {
                                   auto made = std::make_unique<CpuDevice>();
                                   if (support::flag_on(support::Flag::kCalibrate))
                                     made->set_caps(calibrated(*made, process_cache().folder()));
                                   return made;
                                 }});

}  // namespace
}  // namespace anneal::cpu

// Programs link this symbol (-u), so that this file, and with it the line above, is taken from the archive.
extern "C" void anneal_device_cpu() {}
