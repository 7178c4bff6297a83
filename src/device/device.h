// SPDX-License-Identifier: MIT
// What a device is to the rest: capabilities, memory, compiled programs, and launches in order. A device is
// one folder below src/ and one registration line; nothing outside its folder names it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "loop/program.h"

namespace anneal::device {

// What passes ask of a device; the cost model's constants are for the whole device.
struct Caps {
  std::string name;         // "cpu"
  std::string description;  // "AMD EPYC, 2 threads, AVX-512, LLVM 19.1.7"
  bool runs = true;         // false: launches do nothing, there are no results
  int threads = 1;
  int vector_lanes = 16;          // 32-bit lanes of a vector loop
  int max_slots = 1 << 16;        // buffers of one kernel
  int64_t register_bytes = 2048;  // of one thread, for accumulators
  int64_t onchip_bytes = 1 << 20;
  int64_t cache_bytes = 32 << 20;  // a value read again within this much traffic comes from the cache
  double launch_seconds = 1e-6;
  double memory_bandwidth = 20e9, cache_bandwidth = 80e9;  // bytes a second
  double flops = 50e9;                                     // f32 a second, outside contractions
  double contract_flops = 100e9;
};

class Memory {
 public:
  virtual ~Memory() = default;
  size_t bytes() const { return bytes_; }
  virtual std::byte* host() = 0;  // null where the host cannot see it

 protected:
  explicit Memory(size_t bytes) : bytes_(bytes) {}

 private:
  size_t bytes_;
};

// A compiled program.
class Executable {
 public:
  virtual ~Executable() = default;
};

// Where a slot lies. A slot that is written may lie where one that is read does, when the kernel reads each
// element at most where it writes that position: by the same statement, or in the same loops.
struct Slice {
  Memory* memory = nullptr;  // null: the slot has no elements
  size_t offset = 0;         // bytes
};

// A text that a device can show of a program.
struct Form {
  std::string_view name, meaning;  // "asm", "machine code"
};

// When a launch ran, in seconds after the first one of its submission began.
struct LaunchTime {
  double begin = 0, end = 0;
};

struct Launch {
  const Executable* executable = nullptr;
  std::span<const Slice> slots;   // by number
  std::span<const int64_t> vars;  // the variables of the program's kernel, by name
  bool beside =
      false;  // may run at the same time as the launch before it: neither needs what the other makes
};

// Compiled code that is kept on disk.
class CodeStore {
 public:
  struct Totals {
    std::string folder;   // empty: turned off
    std::string problem;  // why it cannot be used; empty: it can
    uint64_t entries = 0, bytes = 0, limit = 0;
    uint64_t hits = 0, misses = 0, stored = 0, evicted = 0;  // of all processes since it was cleared
  };
  struct Found {
    bool there = false;
    std::string why;  // when it is not there
  };
  virtual ~CodeStore() = default;
  virtual Totals totals() = 0;
  virtual Totals clear() = 0;  // what was removed
  // For each program; loads nothing.
  virtual std::vector<Found> find(ir::Graph& graph, std::span<const loop::Program> programs) = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const Caps& caps() const = 0;

  // In the order given; equal programs may share one. Raises kDevice.
  virtual std::vector<std::shared_ptr<const Executable>> compile(ir::Graph& graph,
                                                                 std::span<const loop::Program> programs) = 0;
  // Null when there is no more. Contents are undefined.
  virtual std::shared_ptr<Memory> allocate(size_t bytes) = 0;
  virtual void write(const Slice& to, std::span<const std::byte> from) = 0;
  virtual void read(const Slice& from, std::span<std::byte> to) = 0;  // after all that was submitted before

  // Launches in order, each after the one before it or beside it. Returns at once; the spans are copied.
  virtual void submit(std::span<const Launch> launches) = 0;
  virtual void wait() = 0;
  // The same, and returns when all have run, with the time of each. A device that can tell better than by
  // waiting for each one does.
  virtual std::vector<LaunchTime> submit_timed(std::span<const Launch> launches);

  // -- For readers: none of it is needed to run --
  virtual std::span<const Form> forms() const { return {}; }  // the first one is for dumps
  // Of one of these forms.
  virtual std::string render(ir::Graph&, const loop::Program&, std::string_view) { return {}; }
  // The compiled code that it keeps between processes; null: none.
  virtual CodeStore* code_store() { return nullptr; }
};

// All of them in the form that the device names first, for dumps.
std::string render_all(Device& device, ir::Graph& graph, std::span<const loop::Program> programs);

}  // namespace anneal::device
