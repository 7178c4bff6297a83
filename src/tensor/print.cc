// SPDX-License-Identifier: MIT
// Values as numpy prints them. Tested by print_test.cc.
#define FMT_HEADER_ONLY
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "tensor/host_value.h"

namespace anneal {
namespace {

constexpr int64_t kThreshold = 1000;  // more elements than this are shortened
constexpr int64_t kEdge = 3;          // elements kept at each end of a shortened axis
constexpr int kDigits = 8;
constexpr size_t kLineWidth = 75;

// How all floats of one array are written: fixed with as many digits as needed, or scientific.
struct FloatStyle {
  bool scientific = false;
  int precision = 0;
};

int fraction_digits(double v, bool scientific) {
  std::string s = scientific ? fmt::format("{:.{}e}", v, kDigits) : fmt::format("{:.{}f}", v, kDigits);
  if (scientific) s = s.substr(0, s.find('e'));
  const size_t dot = s.find('.');
  if (dot == std::string::npos) return 0;
  size_t last = s.find_last_not_of('0');
  return static_cast<int>(std::max(last, dot) - dot);
}

class ArrayPrinter {
 public:
  explicit ArrayPrinter(const ir::BufferData& data) : data_(data) {
    int64_t count = 1;
    for (int64_t d : data.shape) count *= d;
    shorten_ = count > kThreshold;
    collect();
  }

  std::string text() {
    if (data_.shape.empty()) return cells_.empty() ? "" : cells_[0];
    for (int64_t d : data_.shape)
      if (d == 0) return "[]";
    std::string out;
    size_t cell = 0;
    // One odometer over the kept positions; brackets open and close where outer axes turn.
    std::vector<size_t> at(data_.shape.size(), 0);
    const size_t rank = data_.shape.size();
    out.append(rank, '[');
    size_t column = rank;
    while (true) {
      const std::vector<int64_t>& row = kept_[rank - 1];
      for (size_t i = 0; i < row.size(); ++i) {
        std::string item = row[i] < 0 ? "..." : pad(cells_[cell]);
        if (row[i] >= 0) ++cell;
        if (i > 0) {
          if (column + 1 + item.size() > kLineWidth) {
            out += "\n" + std::string(rank, ' ');
            column = rank;
          } else {
            out += ' ';
            ++column;
          }
        }
        out += item;
        column += item.size();
      }
      size_t axis = rank - 1;
      while (axis > 0 && ++at[axis - 1] == kept_[axis - 1].size()) at[--axis] = 0;
      // `axis` outer axes go on; the others closed.
      if (axis == 0) return out + std::string(rank, ']');
      out += std::string(rank - axis, ']') + std::string(rank - axis, '\n') + std::string(axis, ' ');
      while (kept_[axis - 1][at[axis - 1]] < 0) {
        out += "..." + std::string(rank - axis, '\n') + std::string(axis, ' ');
        ++at[axis - 1];
      }
      out += std::string(rank - axis, '[');
      column = rank;
    }
  }

 private:
  std::string pad(const std::string& s) const { return std::string(width_ - s.size(), ' ') + s; }

  // Which positions of each axis are shown; -1 stands for "...".
  void choose_positions() {
    for (int64_t d : data_.shape) {
      std::vector<int64_t>& row = kept_.emplace_back();
      for (int64_t i = 0; i < d; ++i) {
        if (shorten_ && d > 2 * kEdge && i == kEdge) {
          row.push_back(-1);
          i = d - kEdge;
        }
        row.push_back(i);
      }
    }
  }

  void collect() {
    choose_positions();
    std::vector<HostValue> values;
    std::vector<size_t> at(data_.shape.size(), 0);
    for (int64_t d : data_.shape)
      if (d == 0) return;
    while (true) {
      int64_t flat = 0;
      bool gap = false;
      for (size_t i = 0; i < at.size(); ++i) {
        gap = gap || kept_[i][at[i]] < 0;
        flat = flat * data_.shape[i] + std::max<int64_t>(0, kept_[i][at[i]]);
      }
      if (!gap) values.push_back(load_value(data_, static_cast<size_t>(flat)));
      size_t axis = at.size();
      while (axis > 0 && ++at[axis - 1] == kept_[axis - 1].size()) at[--axis] = 0;
      if (axis == 0) break;
    }
    const FloatStyle style = choose_style(values);
    for (const HostValue& v : values) {
      cells_.push_back(cell_text(v, style));
      width_ = std::max(width_, cells_.back().size());
    }
  }

  FloatStyle choose_style(const std::vector<HostValue>& values) const {
    FloatStyle style;
    double high = 0, low = HUGE_VAL;
    for (const HostValue& v : values)
      if (v.is_float && std::isfinite(v.number) && v.number != 0) {
        high = std::max(high, std::abs(v.number));
        low = std::min(low, std::abs(v.number));
      }
    style.scientific = high >= 1e8 || (high > 0 && low < 1e-4);
    for (const HostValue& v : values)
      if (v.is_float && std::isfinite(v.number))
        style.precision = std::max(style.precision, fraction_digits(v.number, style.scientific));
    return style;
  }

  std::string cell_text(const HostValue& v, const FloatStyle& style) const {
    if (data_.dtype == DType::kBool) return v.integer != 0 ? "True" : "False";
    if (!v.is_float) return v.is_signed ? fmt::format("{}", static_cast<int64_t>(v.integer)) : fmt::format("{}", v.integer);
    if (std::isnan(v.number)) return "nan";
    if (std::isinf(v.number)) return v.number < 0 ? "-inf" : "inf";
    if (style.scientific) return fmt::format("{:.{}e}", v.number, std::max(1, style.precision));
    std::string s = fmt::format("{:.{}f}", v.number, style.precision);
    if (style.precision == 0) return s + ".";
    // Trailing zeros become blanks, so that columns align on the point.
    const size_t last = s.find_last_not_of('0');
    std::string blank(s.size() - last - 1, data_.shape.empty() ? '\0' : ' ');
    s.resize(last + 1);
    return data_.shape.empty() ? s : s + blank;
  }

  const ir::BufferData& data_;
  bool shorten_ = false;
  std::vector<std::vector<int64_t>> kept_;
  std::vector<std::string> cells_;
  size_t width_ = 0;
};

}  // namespace

std::string array_text(const ir::BufferData& data) { return ArrayPrinter(data).text(); }

std::string Tensor::str(const RunOptions& options) const { return array_text(*evaluate(*this, options)); }

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << t.str(); }

}  // namespace anneal
