// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "anneal/error.h"

namespace anneal::cli {

namespace {

std::string in_range(double v, const std::string& text, Range range) {
  if (range == Range::kPositive && !(v > 0)) return fmt::format("{} is not positive", text);
  return range != Range::kAny && v < 0 ? fmt::format("{} is negative", text) : std::string();
}

// Takes the text as a number; else says what is wrong with it.
std::string take(const std::string& text, Range range, int64_t& value) {
  const bool minus = text.starts_with('-');
  std::string_view digits = std::string_view(text).substr(minus || text.starts_with('+') ? 1 : 0);
  const bool is_hex = digits.starts_with("0x");
  if (is_hex) digits.remove_prefix(2);
  const std::string signed_digits = (minus ? "-" : "") + std::string(digits);
  const char* const end = signed_digits.data() + signed_digits.size();
  int64_t v = 0;
  const auto [stop, error] = std::from_chars(signed_digits.data(), end, v, is_hex ? 16 : 10);
  if (digits.starts_with('-') || stop != end || error == std::errc::invalid_argument)
    return fmt::format("'{}' is no whole number", text);
  if (error != std::errc())
    return fmt::format("{} is out of range, which ends at {}", text,
                       minus ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max());
  value = v;
  return in_range(static_cast<double>(v), text, range);
}

std::string take(const std::string& text, Range range, double& value) {
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0 || std::isnan(value)) return fmt::format("'{}' is no number", text);
  if (std::isinf(value)) return fmt::format("{} is not finite", text);
  return in_range(value, text, range);
}

std::string refuse_empty(const std::string& text) { return text.empty() ? "an empty value" : ""; }

}  // namespace

struct Options::App {
  CLI::App parser;
  std::string program, missing;

  template <typename T>
  void number(std::string_view name, T& value, std::string_view help, Range range, const char* type) {
    const auto set = [name = std::string(name), range, &value](const std::string& text) {
      const std::string problem = take(text, range, value);
      if (!problem.empty()) throw CLI::ValidationError(name, problem);
    };
    parser.add_option_function<std::string>(std::string(name), set, std::string(help))->type_name(type);
  }
};

Options::Options(std::string_view summary, std::string_view program, std::string_view example)
    : app_(new App{CLI::App(std::string(summary), std::string(program)), std::string(program), {}}) {
  if (!example.empty()) app_->parser.footer("example:\n  " + std::string(example));
}

Options::~Options() = default;

void Options::argument(std::string_view name, std::string& value, std::string_view help) {
  app_->parser.add_option(std::string(name), value, std::string(help))->required();
}

void Options::optional_argument(std::string_view name, std::string& value, std::string_view help) {
  app_->parser.add_option(std::string(name), value, std::string(help));
}

void Options::rest(std::string_view name, std::vector<std::string>& values, std::string_view help) {
  app_->parser.add_option(std::string(name), values, std::string(help));
}

void Options::flag(std::string_view name, bool& value, std::string_view help) {
  app_->parser.add_flag(std::string(name), value, std::string(help));
}

void Options::option(std::string_view name, std::string& value, std::string_view help, Empty empty) {
  CLI::Option* const option = app_->parser.add_option(std::string(name), value, std::string(help));
  if (empty == Empty::kRefused) option->check(refuse_empty);
}

void Options::option(std::string_view name, std::vector<std::string>& values, std::string_view help) {
  app_->parser.add_option(std::string(name), values, std::string(help))
      ->check(refuse_empty)
      ->type_size(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Options::option(std::string_view name, int64_t& value, std::string_view help, Range range) {
  app_->number(name, value, help, range, "INT");
}

void Options::option(std::string_view name, double& value, std::string_view help, Range range) {
  app_->number(name, value, help, range, "FLOAT");
}

void Options::required(std::string_view name) { app_->parser.get_option(std::string(name))->required(); }

void Options::when_missing(std::string text) { app_->missing = std::move(text); }

void Options::exclusive(std::string_view one, std::string_view other) {
  app_->parser.get_option(std::string(one))->excludes(std::string(other));
}

bool Options::parse(std::vector<std::string> arguments) {
  // The library would take what follows "--name=" for the value.
  for (size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    std::string& a = arguments[i];
    if (!a.starts_with("--") || a.find('=') != a.size() - 1) continue;
    a.pop_back();
    arguments.insert(arguments.begin() + static_cast<ptrdiff_t>(++i), std::string());
  }
  try {
    std::reverse(arguments.begin(), arguments.end());  // as the library wants them
    app_->parser.parse(arguments);
    return true;
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app_->parser.help());
    return false;
  } catch (const CLI::RequiredError& error) {
    std::string usage = "usage: " + app_->program;
    for (const CLI::Option* option : app_->parser.get_options())
      if (option->get_positional())
        usage += (option->get_required() ? " " : " [") + option->get_name(true) +
                 (option->get_required() ? "" : "]");
    raise(ErrorCode::kArgument, fmt::format("{}: {}\n{} [OPTIONS], see {} --help{}", app_->program,
                                            error.what(), usage, app_->program, app_->missing));
  } catch (const CLI::ParseError& error) {
    raise(ErrorCode::kArgument,
          fmt::format("{}: {}\nsee {} --help", app_->program, error.what(), app_->program));
  }
}

}  // namespace anneal::cli
