// SPDX-License-Identifier: MIT
#include "conform/args.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "io/message.h"

namespace anneal::conform {

using Json = nlohmann::json;

namespace {

std::string first_name(std::string_view names) { return std::string(names.substr(0, names.find('|'))); }

// JSON has no infinity: it is written as a text.
std::optional<double> as_number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text == "inf" || text == "Infinity") return HUGE_VAL;
    if (text == "-inf" || text == "-Infinity") return -HUGE_VAL;
    if (text == "nan" || text == "NaN") return std::nan("");
  }
  return std::nullopt;
}

std::string shown(const Json& value) {
  return io::printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 60);
}

}  // namespace

std::optional<int64_t> as_integer(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto v = value.get<uint64_t>();
    return v <= INT64_MAX ? std::optional(static_cast<int64_t>(v)) : std::nullopt;
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number()) return std::nullopt;
  const auto v = value.get<double>();
  return v == std::floor(v) && std::abs(v) <= 0x1p53 ? std::optional(static_cast<int64_t>(v)) : std::nullopt;
}

void Args::fail(std::string_view names, const std::string& what) {
  raise(ErrorCode::kArgument, "argument " + first_name(names) + ": " + what);
}

const Json* Args::find(std::string_view names) const {
  if (!object_.is_object()) return nullptr;
  const Json* found = nullptr;
  while (!names.empty()) {
    const size_t bar = names.find('|');
    const auto it = object_.find(std::string(names.substr(0, bar)));
    if (it != object_.end()) {
      used_.insert(it.key());
      if (found == nullptr && !it->is_null()) found = &*it;
    }
    names = bar == std::string_view::npos ? std::string_view() : names.substr(bar + 1);
  }
  return found;
}

bool Args::is_text(std::string_view names) const {
  const Json* value = find(names);
  return value != nullptr && value->is_string();
}

int64_t Args::integer(std::string_view names, std::optional<int64_t> fallback) const {
  const Json* value = find(names);
  if (value == nullptr) {
    if (!fallback) fail(names, "is missing, an integer is needed");
    return *fallback;
  }
  const Json& one = value->is_array() && value->size() == 1 ? (*value)[0] : *value;
  const std::optional<int64_t> v = as_integer(one);
  if (!v) fail(names, "an integer is needed, not " + shown(*value));
  return *v;
}

double Args::number(std::string_view names, std::optional<double> fallback) const {
  const Json* value = find(names);
  if (value == nullptr) {
    if (!fallback) fail(names, "is missing, a number is needed");
    return *fallback;
  }
  const std::optional<double> v = as_number(*value);
  if (!v) fail(names, "a number is needed, not " + shown(*value));
  return *v;
}

bool Args::flag(std::string_view names, bool fallback) const {
  const Json* value = find(names);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  const std::optional<int64_t> v = as_integer(*value);
  if (!v || (*v != 0 && *v != 1)) fail(names, "true or false is needed, not " + shown(*value));
  return *v != 0;
}

std::string Args::text(std::string_view names, std::optional<std::string> fallback) const {
  const Json* value = find(names);
  if (value == nullptr) {
    if (!fallback) fail(names, "is missing, a text is needed");
    return *fallback;
  }
  if (!value->is_string()) fail(names, "a text is needed, not " + shown(*value));
  return value->get<std::string>();
}

std::vector<int64_t> Args::integers(std::string_view names,
                                    std::optional<std::vector<int64_t>> fallback) const {
  const Json* value = find(names);
  if (value == nullptr) {
    if (!fallback) fail(names, "is missing, an integer or a list of integers is needed");
    return *fallback;
  }
  std::vector<int64_t> out;
  const auto add = [&](const Json& item) {
    const std::optional<int64_t> v = as_integer(item);
    if (!v) fail(names, "integers are needed, not " + shown(*value));
    out.push_back(*v);
  };
  if (value->is_array()) {
    for (const Json& item : *value) add(item);
  } else {
    add(*value);
  }
  return out;
}

std::vector<double> Args::numbers(std::string_view names, std::optional<std::vector<double>> fallback) const {
  const Json* value = find(names);
  if (value == nullptr) {
    if (!fallback) fail(names, "is missing, a number or a list of numbers is needed");
    return *fallback;
  }
  std::vector<double> out;
  const auto add = [&](const Json& item) {
    const std::optional<double> v = as_number(item);
    if (!v) fail(names, "numbers are needed, not " + shown(*value));
    out.push_back(*v);
  };
  if (value->is_array()) {
    for (const Json& item : *value) add(item);
  } else {
    add(*value);
  }
  return out;
}

In Args::operand(std::string_view names) const {
  const Json* value = find(names);
  if (value == nullptr) fail(names, "is missing, a number is needed");
  if (value->is_boolean()) return In(value->get<bool>());
  if (value->is_number_integer()) {
    if (const std::optional<int64_t> v = as_integer(*value)) return In(*v);
  }
  return In(number(names));
}

namespace {
int checked_axis(std::string_view names, int64_t axis) {
  if (axis < INT32_MIN || axis > INT32_MAX)
    Args::fail(names, "an axis is needed, not " + std::to_string(axis));
  return static_cast<int>(axis);
}
}  // namespace

int Args::axis(std::optional<int64_t> fallback) const {
  return checked_axis(kAxis, integer(kAxis, fallback));
}

Axes Args::axes(std::string_view names) const {
  Axes out;
  for (int64_t a : integers(names, std::vector<int64_t>())) out.push_back(checked_axis(names, a));
  return out;
}

std::vector<std::string> Args::unused() const {
  std::vector<std::string> out;
  if (!object_.is_object()) return out;
  for (const auto& [name, value] : object_.items())
    if (!used_.contains(name)) out.push_back(name);
  return out;
}

}  // namespace anneal::conform
