// SPDX-License-Identifier: MIT
#include "support/nearest.h"

#include <algorithm>
#include <utility>

namespace anneal::support {
namespace {
constexpr size_t kMaxCompared = 256;  // names are short; a huge unknown name is compared by its start
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, kMaxCompared);
  b = b.substr(0, kMaxCompared);
  std::vector<int> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int substitute = last[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitute});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string_view nearest_name(std::string_view text, std::span<const std::string_view> names) {
  std::string_view best;
  int best_distance = -1;
  for (std::string_view name : names) {
    const int d = edit_distance(text, name);
    if (best_distance < 0 || d < best_distance) {
      best = name;
      best_distance = d;
    }
  }
  return best;
}

std::string nearest_hint(std::string_view before, std::string_view text,
                         std::span<const std::string_view> names, std::string_view after) {
  const std::string_view name = nearest_name(text, names);
  const size_t longer = std::min(kMaxCompared, std::max(text.size(), name.size()));
  if (name.empty() || 2 * static_cast<size_t>(edit_distance(text, name)) > longer) return {};
  return std::string(before) + std::string(name) + std::string(after);
}

std::vector<std::string_view> nearest_names(std::string_view text, std::span<const std::string_view> names,
                                            size_t count) {
  std::vector<std::pair<int, size_t>> order;
  for (size_t i = 0; i < names.size(); ++i) order.emplace_back(edit_distance(text, names[i]), i);
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
  std::partial_sort(order.begin(), end, order.end());
  std::vector<std::string_view> out;
  for (auto it = order.begin(); it != end; ++it) out.push_back(names[it->second]);
  return out;
}

}  // namespace anneal::support
