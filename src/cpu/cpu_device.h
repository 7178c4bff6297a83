// SPDX-License-Identifier: MIT
// The device `cpu`: this machine's processor, through LLVM. Always there, and the default. Programs compile
// in parallel, each once for its content; objects are kept on disk. Launches run in order on a thread of the
// device's own, which shares their items out to the pool. In a child of fork() it goes on with threads of the
// child's. Tested by cpu_device_test.cc.
#pragma once

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "cpu/code_store.h"
#include "cpu/jit.h"
#include "cpu/object_cache.h"
#include "cpu/pool.h"
#include "device/device.h"

namespace anneal::cpu {

using KernelFunction = void (*)(void** slots, const int64_t* vars, int64_t begin, int64_t end, void* scratch);
using ItemsFunction = int64_t (*)(const int64_t* vars);

class CpuExecutable final : public device::Executable {
 public:
  CpuExecutable(std::unique_ptr<LinkedObject> object, const std::string& name, size_t slots, size_t vars,
                double work);
  int64_t items(const int64_t* vars) const { return items_(vars); }
  // `scratch`: that many bytes, aligned to 64, for this call alone.
  void run(void** slots, const int64_t* vars, int64_t begin, int64_t end, void* scratch) const {
    function_(slots, vars, begin, end, scratch);
  }
  size_t scratch_bytes() const { return scratch_bytes_; }
  size_t slots() const { return slots_; }
  size_t vars() const { return vars_; }
  double work() const { return work_; }  // operations of a launch, about

 private:
  std::unique_ptr<LinkedObject> object_;
  KernelFunction function_;
  ItemsFunction items_;
  size_t scratch_bytes_, slots_, vars_;
  double work_;
};

struct FreeScratch {
  void operator()(void* memory) const { std::free(memory); }
};
using Scratch = std::unique_ptr<void, FreeScratch>;
// Aligned to 64; null for no bytes, or when there is no memory.
Scratch make_scratch(size_t bytes);

// The key of a program's content: its kernel and the shape of its loops, in every process.
support::Key program_key(const ir::Graph& graph, const loop::Program& program);

class CpuDevice final : public device::Device, private device::CodeStore {
 public:
  explicit CpuDevice(Pool& pool = process_pool(), ObjectCache& cache = process_cache(),
                     const Target& target = host_target());
  ~CpuDevice() override;

  const device::Caps& caps() const override { return caps_; }
  std::vector<std::shared_ptr<const device::Executable>> compile(
      ir::Graph& graph, std::span<const loop::Program> programs) override;
  std::shared_ptr<device::Memory> allocate(size_t bytes) override;
  void write(const device::Slice& to, std::span<const std::byte> from) override;
  void read(const device::Slice& from, std::span<std::byte> to) override;
  void submit(std::span<const device::Launch> launches) override;
  void wait() override;
  std::vector<device::LaunchTime> submit_timed(std::span<const device::Launch> launches) override;

  std::span<const device::Form> forms() const override;
  std::string render(ir::Graph& graph, const loop::Program& program, std::string_view form) override;
  device::CodeStore* code_store() override { return this; }

  void set_caps(device::Caps caps) { caps_ = std::move(caps); }
  // The operations for which one more thread joins a launch; 0: all threads do. Before anything is submitted.
  void set_thread_work(double operations) { thread_work_ = operations; }

 private:
  // CodeStore
  Totals totals() override { return folder_totals(cache_, journal_); }
  Totals clear() override { return clear_folder(cache_, journal_); }
  std::vector<Found> find(ir::Graph& graph, std::span<const loop::Program> programs) override;

  support::Key object_key(const ir::Graph& graph, const loop::Program& program) const;
  JournalEntry journal_entry(const ir::Graph& graph, const loop::Program& program) const;

  struct Job {
    const CpuExecutable* executable;
    size_t first_slot, first_var;  // in the batch
    bool beside;                   // the job before it
  };
  struct Batch {
    std::vector<Job> jobs;
    std::vector<void*> slots;
    std::vector<int64_t> vars;
    std::vector<device::LaunchTime>* times = nullptr;  // filled when there is one
  };
  void enqueue(std::span<const device::Launch> launches, std::vector<device::LaunchTime>* times);
  void reserve_scratch(size_t bytes);
  void start_server();
  void serve();
  void run(Batch& batch);
  void run(Batch& batch, std::span<const Job> jobs);

  Pool& pool_;
  ObjectCache& cache_;
  Journal journal_;
  Target target_;
  support::Key version_;
  device::Caps caps_;
  // Some five microseconds: several times what it takes to wake a thread that is awake, and a part of what it
  // takes where others use the machine.
  double thread_work_ = 1 << 16;

  std::mutex compiled_lock_;
  std::unordered_map<std::string, std::weak_ptr<const CpuExecutable>> compiled_;  // by key

  std::mutex queue_lock_;
  std::condition_variable queue_filled_, queue_empty_;
  std::deque<Batch> queue_;
  std::vector<Batch> spare_;      // done: their memory is used again
  std::vector<Scratch> scratch_;  // of each thread; changed only while nothing runs
  size_t scratch_bytes_ = 0;      // of each
  std::atomic<size_t> unfinished_{0};
  bool stopping_ = false;
  std::thread server_;  // uses the rest; a child's begins with its first launch
  std::unique_ptr<ForkGuard> guard_;
};

}  // namespace anneal::cpu
