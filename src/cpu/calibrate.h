// SPDX-License-Identifier: MIT
// The cost model's constants for this machine, measured once and kept beside the compiled kernels. Tested by
// code_store_test.cc.
#pragma once

#include <filesystem>
#include <optional>

#include "device/measure.h"

namespace anneal::cpu {

// What is kept in the folder for a device of this description; none: nothing, or not readable.
std::optional<device::Measured> kept_figures(const std::filesystem::path& folder, const device::Caps& caps);
// Where it cannot be written, nothing is.
void keep_figures(const std::filesystem::path& folder, const device::Caps& caps,
                  const device::Measured& figures);

// The capabilities of the device with figures that are kept, or measured now. Without a folder to keep them
// in they stay as they are: each process would come to others.
device::Caps calibrated(device::Device& device, const std::filesystem::path& folder);

}  // namespace anneal::cpu
