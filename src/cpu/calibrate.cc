// SPDX-License-Identifier: MIT
// See calibrate.h.
#include "cpu/calibrate.h"

#include <limits>
#include <sstream>

#include "cpu/cache_files.h"
#include "support/hash.h"

namespace anneal::cpu {
namespace {

namespace fs = std::filesystem;

fs::path path_of(const fs::path& folder, const device::Caps& caps) {
  const support::Key key = support::Hasher().add(caps.name).add(caps.description).finish();
  return folder / (std::string(kFiguresPrefix) + support::key_text(key));
}

bool is_sane(const device::Measured& m) {
  for (const double v : {m.memory_bandwidth, m.cache_bandwidth, m.flops, m.contract_flops})
    if (!(v >= 1e6 && v <= 1e16)) return false;
  return m.launch_seconds > 0 && m.launch_seconds < 1;
}

}  // namespace

std::optional<device::Measured> kept_figures(const fs::path& folder, const device::Caps& caps) {
  std::istringstream file(read_regular(path_of(folder, caps)).value_or(""));
  device::Measured m;
  file >> m.memory_bandwidth >> m.cache_bandwidth >> m.flops >> m.contract_flops >> m.launch_seconds;
  if (!file || !is_sane(m)) return {};
  return m;
}

void keep_figures(const fs::path& folder, const device::Caps& caps, const device::Measured& m) {
  std::error_code error;
  fs::create_directories(folder, error);
  std::ostringstream text;
  text.precision(std::numeric_limits<double>::max_digits10);
  text << m.memory_bandwidth << ' ' << m.cache_bandwidth << ' ' << m.flops << ' ' << m.contract_flops << ' '
       << m.launch_seconds << '\n';
  replace_with_text(path_of(folder, caps), text.str());
}

device::Caps calibrated(device::Device& device, const fs::path& folder) {
  device::Caps caps = device.caps();
  if (folder.empty()) return caps;
  std::optional<device::Measured> figures = kept_figures(folder, caps);
  if (!figures) {
    const device::Measured fresh = device::measure(device);
    keep_figures(folder, caps, fresh);
    figures = kept_figures(folder, caps);
  }
  if (figures) device::apply(*figures, caps);
  return caps;
}

}  // namespace anneal::cpu
