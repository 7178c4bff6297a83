// SPDX-License-Identifier: MIT
// What a training run shows of itself, as lines of text: how far it is, its loss now and so far, its speed,
// its kernels and its memory. A pure function of what is known, for any width. Tested by dashboard_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "terminal/terminal.h"

namespace anneal::terminal {

struct Progress {
  std::string title;            // "nanogpt on cpu: 4 layers of width 128, 0.8 M parameters"
  int64_t step = 0, steps = 0;  // done, and in all
  int64_t done_before = 0;      // of these, by an earlier run
  double seconds = 0;           // of this one
  std::vector<double> losses;   // those that were read, oldest first
  double items_per_second = 0;
  std::string items = "examples";                 // or tokens
  int64_t forward = 0, backward = 0, across = 0;  // kernels; those across the seam do work of both passes
  uint64_t memory = 0;                            // bytes of tensors, at most so far
  uint64_t process_memory = 0;                    // of all of the process; 0: not known
  std::string hint = "q quits and saves";
};

std::vector<std::string> dashboard(const Progress& progress, int width, const Style& style);

// One character a value, from the least to the greatest; the last `width` of them. "?" is not finite.
std::string sparkline(const std::vector<double>& values, size_t width, bool unicode);
// "0:41", "2:03:59"
std::string time_text(double seconds);
// "12,340"
std::string count_text(int64_t count);

}  // namespace anneal::terminal
