// SPDX-License-Identifier: MIT
// The device `loops`: runs loop programs by interpretation (loop/run.h), which checks every access. Slow;
// there to tell whether a mistake is one of the compiler's or one of a device. Tested by
// src/runtime/runtime_test.cc.
#pragma once

#include "device/device.h"

namespace anneal::device {

class InterpDevice final : public Device {
 public:
  InterpDevice();
  const Caps& caps() const override { return caps_; }
  std::vector<std::shared_ptr<const Executable>> compile(ir::Graph& graph,
                                                         std::span<const loop::Program> programs) override;
  std::shared_ptr<Memory> allocate(size_t bytes) override;
  void write(const Slice& to, std::span<const std::byte> from) override;
  void read(const Slice& from, std::span<std::byte> to) override;
  // At once. Raises what loop::run raises. Slots may share memory as emitted code may: what is written at an
  // index was read before at that index only.
  void submit(std::span<const Launch> launches) override;
  void wait() override {}

 private:
  Caps caps_;
};

}  // namespace anneal::device
