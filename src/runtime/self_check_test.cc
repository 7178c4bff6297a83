// SPDX-License-Identifier: MIT
#include "runtime/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anneal/error.h"
#include "device/registry.h"
#include "runtime/backend.h"

namespace anneal::runtime {
namespace {

TEST(SelfCheck, DevicesGiveWhatTheInterpreterGives) {
  for (const std::string& device : device_names()) {
    if (device != "interp" && !device::find_device(device).caps().runs) continue;
    for (size_t i = 0; i < self_checks().size(); ++i)
      EXPECT_EQ(self_check(device, i), "") << device << ": " << self_checks()[i];
  }
}

TEST(SelfCheck, WhatRunsNothingFails) {
  for (size_t i = 0; i < self_checks().size(); ++i)
    EXPECT_THROW(self_check("null", i), Error) << self_checks()[i];
}

}  // namespace
}  // namespace anneal::runtime
