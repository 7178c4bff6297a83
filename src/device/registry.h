// SPDX-License-Identifier: MIT
// The devices of this build, by name. A device registers itself in a line of its own file. Tested by
// src/cpu/cpu_device_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "device/device.h"

namespace anneal::device {

struct Entry {
  std::string name;
  std::string meaning;                            // a line for people
  int rank;                                       // the one with the least is the default
  std::function<std::unique_ptr<Device>()> make;  // raises kDevice where it cannot run
};

// A static object of this type in the device's file.
class Registration {
 public:
  explicit Registration(Entry entry);
};

// By rank, then by name.
std::vector<const Entry*> device_list();
// Made at its first use and kept. Raises kName, with the names that there are, or kDevice.
Device& find_device(std::string_view name);

}  // namespace anneal::device
