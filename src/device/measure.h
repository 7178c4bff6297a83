// SPDX-License-Identifier: MIT
// What a device really does, from a few kernels that are all of one thing: a copy of much memory and of
// little, arithmetic, a product of matrices, and next to nothing. Takes some tens of milliseconds on a fast
// device. Tested by src/cpu/measure_test.cc.
#pragma once

#include "device/device.h"

namespace anneal::device {

struct Measured {
  double memory_bandwidth = 0, cache_bandwidth = 0;  // bytes a second, read and written
  double flops = 0, contract_flops = 0;              // f32 a second
  double launch_seconds = 0;                         // of one of many
};

// Raises kDevice for a device that runs nothing.
Measured measure(Device& device);

// These figures in the place of the capabilities' own, rounded to one of two steps for each power of two, so
// that the next measurement most likely comes to the same.
void apply(const Measured& measured, Caps& caps);

// The time that nothing of this traffic and work could beat.
double least_seconds(const Measured& measured, const Caps& caps, double bytes, double flops,
                     bool contraction);

}  // namespace anneal::device
