// SPDX-License-Identifier: MIT
// See null_device.h.
#include "device/null_device.h"

#include "anneal/error.h"

namespace anneal::device {
namespace {

class NullMemory final : public Memory {
 public:
  explicit NullMemory(size_t bytes) : Memory(bytes) {}
  std::byte* host() override { return nullptr; }
};

}  // namespace

NullDevice::NullDevice() {
  caps_.name = "null";
  caps_.description = "counts what would run";
  caps_.runs = false;
}

std::vector<std::shared_ptr<const Executable>> NullDevice::compile(ir::Graph&,
                                                                   std::span<const loop::Program> programs) {
  programs_ += programs.size();
  std::vector<std::shared_ptr<const Executable>> list;
  for (size_t i = 0; i < programs.size(); ++i) list.push_back(std::make_shared<Executable>());
  return list;
}

std::shared_ptr<Memory> NullDevice::allocate(size_t bytes) { return std::make_shared<NullMemory>(bytes); }

void NullDevice::write(const Slice&, std::span<const std::byte>) {}

void NullDevice::read(const Slice&, std::span<std::byte>) {
  raise(ErrorCode::kDevice, "the device 'null' runs nothing, so there is nothing to read");
}

void NullDevice::submit(std::span<const Launch> launches) { launches_ += launches.size(); }

}  // namespace anneal::device
