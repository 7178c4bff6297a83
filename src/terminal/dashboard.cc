// SPDX-License-Identifier: MIT
#include "terminal/dashboard.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "support/number_text.h"

namespace anneal::terminal {
namespace {

constexpr const char *kTeal = "\x1b[38;2;0;173;216m", *kEmber = "\x1b[38;2;255;122;69m",
                     *kGold = "\x1b[38;2;242;197;124m", *kDim = "\x1b[2m", *kPlain = "\x1b[0m";
constexpr size_t kLosses = 40;

// A line that knows how wide it is, whatever bytes its characters and colours take.
class Line {
 public:
  Line(int width, const Style& style) : left_(static_cast<size_t>(std::max(width, 1))), style_(style) {}

  // As much of it as there is room for.
  Line& add(std::string_view text, const char* colour = nullptr) {
    std::string fits;
    for (size_t i = 0; i < text.size() && left_ > 0; --left_) {
      size_t next = i + 1;
      while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0) == 0x80) ++next;
      fits += text.substr(i, next - i);
      i = next;
    }
    if (colour != nullptr && style_.colour && !fits.empty())
      text_ += colour + fits + kPlain;
    else
      text_ += fits;
    return *this;
  }
  // Whole words of it, and "..." for the others.
  Line& add_words(std::string_view text) {
    size_t fits = text.size(), width = 0;
    for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    constexpr std::string_view kMore = "...";
    while (width > left_ && left_ > kMore.size()) {  // a word less
      fits = text.substr(0, fits).find_last_of(' ');
      if (fits == std::string_view::npos) return add(text);
      width = kMore.size();
      for (const char c : text.substr(0, fits))
        width += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    }
    if (fits == text.size()) return add(text);
    while (fits > 0 && (text[fits - 1] == ',' || text[fits - 1] == ' ')) --fits;
    return add(std::string(text.substr(0, fits)) + std::string(kMore));
  }
  size_t left() const { return left_; }
  const std::string& text() const { return text_; }

 private:
  size_t left_;
  const Style& style_;
  std::string text_;
};

std::string times(std::string_view part, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += part;
  return out;
}

template <typename... T>
std::string format(const char* pattern, T... values) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

double fraction(const Progress& p) {
  return p.steps <= 0 ? 0 : std::clamp(static_cast<double>(p.step) / static_cast<double>(p.steps), 0.0, 1.0);
}

double seconds_a_step(const Progress& p) { return p.seconds / static_cast<double>(p.step - p.done_before); }

std::string time_left(const Progress& p) {
  if (p.step <= p.done_before || p.step >= p.steps) return time_text(p.seconds) + " taken";
  return time_text(seconds_a_step(p) * static_cast<double>(p.steps - p.step)) + " left";
}

std::string progress_line(const Progress& p, int width, const Style& style) {
  constexpr size_t kLongest = 50;
  const std::string count = count_text(p.step) + "/" + count_text(p.steps);
  const std::string behind = format("  %3.0f %%  ", std::floor(100 * fraction(p))) + time_left(p);
  Line line(width, style);
  line.add("step     ").add(count).add(" ");
  const size_t room = line.left() > behind.size() ? std::min(line.left() - behind.size(), kLongest) : 0;
  const auto done = static_cast<size_t>(std::floor(fraction(p) * static_cast<double>(room)));
  line.add(times(style.unicode ? "\u2588" : "#", done), kTeal);
  line.add(times(style.unicode ? "\u2591" : "-", room - done), kDim);
  return line.add(behind).text();
}

std::string loss_line(const Progress& p, int width, const Style& style) {
  Line line(width, style);
  if (p.losses.empty()) return line.add("loss     -").text();
  double least = HUGE_VAL;
  for (const double v : p.losses) least = std::min(least, std::isnan(v) ? HUGE_VAL : v);
  line.add(format("loss     %.4f  ", p.losses.back()));
  const std::string best = format("  least %.4f", least);
  const size_t room = line.left() > best.size() ? std::min(line.left() - best.size(), kLosses) : 0;
  return line.add(sparkline(p.losses, room, style.unicode), kGold).add(best).text();
}

}  // namespace

std::string sparkline(const std::vector<double>& values, size_t width, bool unicode) {
  static constexpr std::string_view kBlocks[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                                 "\u2585", "\u2586", "\u2587", "\u2588"};
  static constexpr std::string_view kMarks[] = {"_", ".", ",", "-", "~", "=", "+", "^"};
  const size_t first = values.size() - std::min(values.size(), width);
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (size_t i = first; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  std::string out;
  for (size_t i = first; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      out += "?";
      continue;
    }
    const double share = high > low ? (values[i] - low) / (high - low) : 0;
    const auto level = static_cast<size_t>(std::lround(share * 7));
    out += unicode ? kBlocks[level] : kMarks[level];
  }
  return out;
}

std::string time_text(double seconds) {
  const auto whole = static_cast<long long>(std::clamp(std::round(seconds), 0.0, 1e9));
  const long long hours = whole / 3600, minutes = whole / 60 % 60;
  return hours != 0 ? format("%lld:%02lld:%02lld", hours, minutes, whole % 60)
                    : format("%lld:%02lld", minutes, whole % 60);
}

std::string count_text(int64_t count) {
  std::string digits = std::to_string(count);
  const ptrdiff_t first = digits[0] == '-' ? 1 : 0;
  for (auto at = static_cast<ptrdiff_t>(digits.size()) - 3; at > first; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

std::vector<std::string> dashboard(const Progress& p, int width, const Style& style) {
  std::vector<std::string> out;
  out.push_back(Line(width, style).add_words(p.title).text());
  out.push_back(progress_line(p, width, style));
  out.push_back(loss_line(p, width, style));
  Line speed(width, style);
  speed.add("speed    " + count_text(std::llround(p.items_per_second)) + " " + p.items + "/s");
  if (p.step > p.done_before) speed.add(format(", %.1f ms a step", 1e3 * seconds_a_step(p)));
  out.push_back(speed.text());
  Line kernels(width, style);
  kernels.add("kernels  ").add(count_text(p.forward) + " forward", kTeal).add(", ");
  kernels.add(count_text(p.backward) + " backward", kEmber).add(", ");
  kernels.add(count_text(p.across) + " across the seam", kGold);
  out.push_back(kernels.text());
  Line memory(width, style);
  memory.add("memory   " + support::size_text(p.memory));
  if (p.process_memory != 0)
    memory.add(" of tensors at most, " + support::size_text(p.process_memory) + " of the process");
  out.push_back(memory.text());
  out.push_back(Line(width, style).add(p.hint, kDim).text());
  return out;
}

}  // namespace anneal::terminal
