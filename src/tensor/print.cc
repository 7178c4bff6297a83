// SPDX-License-Identifier: MIT
// Values as numpy prints them: one format for all floats of an array, columns aligned on the point, long axes
// shortened to their ends, lines broken at 75 columns. Tested by print_test.cc, whose expectations numpy
// printed.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>

#include "support/number_text.h"
#include "tensor/host_value.h"

namespace anneal {
namespace {

constexpr int64_t kThreshold = 1000;  // arrays with more elements than this are shortened
constexpr int64_t kEdge = 3;          // elements kept at each end of a shortened axis
constexpr int kMaxFraction = 8;       // digits behind the point
constexpr size_t kLineWidth = 75;

// -- Decimals --

// A finite number as the digits d.ddd * 10^exponent.
struct Decimal {
  bool negative = false;
  std::string digits;  // at least one; no trailing zeros
  int exponent = 0;
};

Decimal decimal_from(std::string_view text) {  // "-1.2345e-05"
  Decimal d;
  d.negative = text[0] == '-';
  const size_t e = text.find('e');
  for (char c : text.substr(0, e))
    if (c >= '0' && c <= '9') d.digits += c;
  while (d.digits.size() > 1 && d.digits.back() == '0') d.digits.pop_back();
  const std::string_view exponent = text.substr(e + (text[e + 1] == '+' ? 2 : 1));
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), d.exponent);
  return d;
}

// The fewest digits that are read back as the same value of type t.
Decimal shortest(double v, DType t) {
  char text[64];
  if (t == DType::kF64)
    return decimal_from({text, std::to_chars(text, text + 64, v, std::chars_format::scientific).ptr});
  if (t == DType::kF32)
    return decimal_from(
        {text, std::to_chars(text, text + 64, static_cast<float>(v), std::chars_format::scientific).ptr});
  for (int fraction = 0;; ++fraction) {
    const std::string attempt = fmt::format("{:.{}e}", v, fraction);
    double read = 0;
    support::parse_double(attempt, &read);
    if (fraction == 16 || ir::Scalar::from_double(read, t) == ir::Scalar::from_double(v, t))
      return decimal_from(attempt);
  }
}

// At most kMaxFraction digits behind the point in scientific form.
Decimal shortened(double v, DType t) {
  Decimal d = shortest(v, t);
  return d.digits.size() > kMaxFraction + 1 ? decimal_from(fmt::format("{:.{}e}", v, kMaxFraction)) : d;
}

// The parts of a printed number: "-12" "34" for -12.34, and the exponent "+08" when it is scientific.
struct Parts {
  std::string whole, fraction, exponent;
};

Parts positional(double v, DType t) {
  const Decimal d = shortest(v, t);
  const int fraction = static_cast<int>(d.digits.size()) - 1 - d.exponent;
  if (fraction > kMaxFraction || fraction < 0) {
    // Too many digits, or none for the last places before the point: those of the number itself, rounded
    // once.
    const std::string text = fmt::format("{:.{}f}", v, std::clamp(fraction, 0, kMaxFraction));
    const size_t point = std::min(text.find('.'), text.size());
    Parts p{text.substr(0, point), text.substr(std::min(point + 1, text.size())), {}};
    p.fraction.resize(p.fraction.find_last_not_of('0') + 1);
    return p;
  }
  Parts p{d.negative ? "-" : "", {}, {}};
  for (int place = std::max(d.exponent, 0);
       place >= std::min(0, d.exponent - static_cast<int>(d.digits.size()) + 1); --place) {
    const int at = d.exponent - place;
    const char digit =
        at >= 0 && at < static_cast<int>(d.digits.size()) ? d.digits[static_cast<size_t>(at)] : '0';
    (place >= 0 ? p.whole : p.fraction) += digit;
  }
  if (p.fraction.find_first_not_of('0') == std::string::npos) p.fraction.clear();
  return p;
}

Parts scientific(const Decimal& d) {
  return {(d.negative ? "-" : "") + d.digits.substr(0, 1), d.digits.substr(1),
          fmt::format("{}{:02}", d.exponent < 0 ? '-' : '+', std::abs(d.exponent))};
}

std::string not_finite(double v) { return std::isnan(v) ? "nan" : v < 0 ? "-inf" : "inf"; }

// A number alone: all its digits, and a zero behind a bare point.
std::string scalar_text(double v, DType t) {
  if (!std::isfinite(v)) return not_finite(v);
  const double magnitude = std::abs(v);
  if (v == 0 || (magnitude >= 1e-4 && magnitude < 1e16)) {
    const Decimal d = shortest(v, t);
    const int fraction = std::max(1, static_cast<int>(d.digits.size()) - 1 - d.exponent);
    std::string whole = d.digits;
    if (d.exponent < 0) whole.insert(0, static_cast<size_t>(-d.exponent), '0');
    const auto point = static_cast<size_t>(std::max(0, d.exponent)) + 1;
    whole.resize(std::max(whole.size(), point + static_cast<size_t>(fraction)), '0');
    return (d.negative ? "-" : "") + whole.substr(0, point) + "." + whole.substr(point);
  }
  const Decimal d = shortest(v, t);
  const std::string fraction = d.digits.size() > 1 ? "." + d.digits.substr(1) : "";
  return (d.negative ? "-" : "") + d.digits.substr(0, 1) + fraction +
         fmt::format("e{}{:02}", d.exponent < 0 ? '-' : '+', std::abs(d.exponent));
}

// -- Cells --

bool needs_exponent(const std::vector<HostValue>& values, DType t) {
  double high = 0, low = HUGE_VAL;
  for (const HostValue& v : values)
    if (std::isfinite(v.number) && v.number != 0) {
      high = std::max(high, std::abs(v.number));
      low = std::min(low, std::abs(v.number));
    }
  const double ratio = dtype_size(t) == 1 ? high / low : ir::Scalar::from_double(high / low, t).as_double(t);
  return high > 0 && (high >= 1e8 || low < 1e-4 || ratio > 1000);
}

std::vector<std::string> float_cells(const std::vector<HostValue>& values, DType t) {
  const bool with_exponent = needs_exponent(values, t);
  std::vector<Parts> parts;
  size_t left = 0, right = 0, exponent_digits = 0;
  bool any_finite = false, any_not = false, any_negative_infinity = false;
  for (const HostValue& v : values) {
    Parts p;
    if (std::isfinite(v.number)) {
      any_finite = true;
      p = with_exponent ? scientific(shortened(v.number, t)) : positional(v.number, t);
      left = std::max(left, p.whole.size());
      right = std::max(right, p.fraction.size());
      exponent_digits = std::max(exponent_digits, p.exponent.empty() ? 0 : p.exponent.size() - 1);
    } else {
      any_not = true;
      any_negative_infinity = any_negative_infinity || (std::isinf(v.number) && v.number < 0);
    }
    parts.push_back(std::move(p));
  }
  const size_t behind =
      1 + right + (with_exponent && any_finite ? exponent_digits + 2 : 0);  // the point and on
  const size_t longest = any_not ? (any_negative_infinity ? 4 : 3) : 0;
  const size_t width = std::max(left + behind, longest);
  std::vector<std::string> cells;
  for (size_t i = 0; i < values.size(); ++i) {
    Parts& p = parts[i];
    std::string text;
    if (!std::isfinite(values[i].number)) {
      text = not_finite(values[i].number);
    } else if (with_exponent) {
      // All numbers have the digits of the longest one: further ones of their own, not zeros.
      if (p.fraction.size() < right)
        p = scientific(decimal_from(fmt::format("{:.{}e}", values[i].number, right)));
      p.fraction.resize(right, '0');
      p.exponent.insert(1, exponent_digits + 1 - p.exponent.size(), '0');
      text = p.whole + "." + p.fraction + "e" + p.exponent;
    } else {
      p.fraction.resize(right, ' ');
      text = p.whole + "." + p.fraction;
    }
    cells.push_back(std::string(width - text.size(), ' ') + text);
  }
  return cells;
}

std::string integer_text(const HostValue& v, DType t) {
  if (t == DType::kBool) return v.integer != 0 ? "True" : "False";
  return v.is_signed ? fmt::format("{}", static_cast<int64_t>(v.integer)) : fmt::format("{}", v.integer);
}

std::vector<std::string> integer_cells(const std::vector<HostValue>& values, DType t) {
  size_t width = t == DType::kBool ? 5 : 0;  // as wide as False, even when there is none
  std::vector<std::string> cells;
  for (const HostValue& v : values) {
    cells.push_back(integer_text(v, t));
    width = std::max(width, cells.back().size());
  }
  for (std::string& c : cells) c.insert(0, width - c.size(), ' ');
  return cells;
}

// -- Layout --

class ArrayPrinter {
 public:
  explicit ArrayPrinter(const ir::BufferData& data) : data_(data) {
    int64_t count = 1;
    for (int64_t d : data.shape) count *= d;
    shorten_ = count > kThreshold;
    std::vector<HostValue> values;
    collect(0, 0, values);
    cells_ = is_float(data.dtype) ? float_cells(values, data.dtype) : integer_cells(values, data.dtype);
  }

  // Everything below one position of the axes before `axis`, in brackets. Recursion goes as deep as the rank.
  std::string text(size_t axis) {
    const size_t rank = data_.shape.size();
    const std::string indent(axis + 1, ' ');
    const bool is_row = axis + 1 == rank;
    const std::string separator = is_row ? " " : std::string(rank - axis - 1, '\n');
    const size_t width = kLineWidth - rank;  // the closing brackets stay on the line
    std::string out, line = indent;          // the indent of the first line becomes the bracket
    const std::vector<int64_t> kept = kept_positions(axis);
    for (size_t i = 0; i < kept.size(); ++i) {
      const std::string item = kept[i] < 0 ? "..." : is_row ? cells_[next_++] : text(axis + 1);
      if (is_row && line.size() + item.size() > width && line.size() > indent.size()) {
        line.resize(line.find_last_not_of(' ') + 1);
        out += line + "\n";
        line = indent;
      }
      line += item;
      if (i + 1 < kept.size()) line += separator + (is_row ? "" : indent);
    }
    return "[" + (out + line).substr(axis + 1) + "]";
  }

 private:
  // -1 stands for what is left out.
  std::vector<int64_t> kept_positions(size_t axis) const {
    const int64_t extent = data_.shape[axis];
    std::vector<int64_t> kept;
    for (int64_t i = 0; i < extent; ++i) {
      if (shorten_ && extent > 2 * kEdge && i == kEdge) {
        kept.push_back(-1);
        i = extent - kEdge;
      }
      kept.push_back(i);
    }
    return kept;
  }

  void collect(size_t axis, int64_t flat, std::vector<HostValue>& values) const {
    if (axis == data_.shape.size()) {
      values.push_back(load_value(data_, static_cast<size_t>(flat)));
      return;
    }
    for (int64_t i : kept_positions(axis))
      if (i >= 0) collect(axis + 1, flat * data_.shape[axis] + i, values);
  }

  const ir::BufferData& data_;
  bool shorten_ = false;
  std::vector<std::string> cells_;
  size_t next_ = 0;
};

}  // namespace

std::string array_text(const ir::BufferData& data) {
  if (data.shape.empty()) {
    const HostValue v = load_value(data, 0);
    return is_float(data.dtype) ? scalar_text(v.number, data.dtype) : integer_text(v, data.dtype);
  }
  if (std::find(data.shape.begin(), data.shape.end(), 0) != data.shape.end()) return "[]";
  return ArrayPrinter(data).text(0);
}

std::string Tensor::str(const RunOptions& options, Loc loc) const {
  return array_text(*evaluate(*this, options, loc));
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << t.str({}, Loc()); }

}  // namespace anneal
