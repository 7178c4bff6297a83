// SPDX-License-Identifier: MIT
// See device.h.
#include "device/device.h"

#include <chrono>

namespace anneal::device {

std::vector<LaunchTime> Device::submit_timed(std::span<const Launch> launches) {
  using Clock = std::chrono::steady_clock;
  wait();
  const Clock::time_point start = Clock::now();
  const auto now = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::vector<LaunchTime> times;
  for (size_t i = 0; i < launches.size(); ++i) {
    const double begin = now();
    submit(launches.subspan(i, 1));
    wait();
    times.push_back({begin, now()});
  }
  return times;
}

std::string render_all(Device& device, ir::Graph& graph, std::span<const loop::Program> programs) {
  if (device.forms().empty())
    return "; " + device.caps().name + " has no code to show: " + device.caps().description + "\n";
  std::string text;
  for (size_t i = 0; i < programs.size(); ++i)
    text += "; program " + std::to_string(i) + "\n" +
            device.render(graph, programs[i], device.forms().front().name) + "\n";
  return text;
}

}  // namespace anneal::device
