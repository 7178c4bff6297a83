// SPDX-License-Identifier: MIT
// The device `null`: compiles nothing and runs nothing, for counts of kernels, bytes and launches on a
// machine without the real one. Memory can be allocated, and is never touched. Tested by
// src/cpu/cpu_device_test.cc.
#pragma once

#include "device/device.h"

namespace anneal::device {

class NullDevice final : public Device {
 public:
  NullDevice();
  const Caps& caps() const override { return caps_; }
  std::vector<std::shared_ptr<const Executable>> compile(ir::Graph& graph,
                                                         std::span<const loop::Program> programs) override;
  std::shared_ptr<Memory> allocate(size_t bytes) override;
  void write(const Slice& to, std::span<const std::byte> from) override;
  void read(const Slice& from, std::span<std::byte> to) override;  // raises kDevice: there is nothing to read
  void submit(std::span<const Launch> launches) override;
  void wait() override {}

  size_t programs() const { return programs_; }
  size_t launches() const { return launches_; }

 private:
  Caps caps_;
  size_t programs_ = 0, launches_ = 0;
};

}  // namespace anneal::device
