// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "anneal/error.h"

namespace anneal::cli {

namespace {
// What is wrong with the text as a number of that range; empty if nothing is.
std::string out_of_range(const std::string& text, Range range) {
  char* end = nullptr;
  const double v = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0 || std::isnan(v)) return fmt::format("'{}' is no number", text);
  if (range == Range::kPositive && !(v > 0)) return fmt::format("{} is not positive", text);
  return v < 0 ? fmt::format("{} is negative", text) : std::string();
}
}  // namespace

struct Options::App {
  CLI::App parser;
  std::string program, missing;

  void limit(CLI::Option* option, Range range) {
    if (range != Range::kAny) option->check([range](const std::string& t) { return out_of_range(t, range); });
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

void Options::option(std::string_view name, std::string& value, std::string_view help) {
  app_->parser.add_option(std::string(name), value, std::string(help));
}

void Options::option(std::string_view name, std::vector<std::string>& values, std::string_view help) {
  app_->parser.add_option(std::string(name), values, std::string(help))
      ->type_size(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Options::option(std::string_view name, int64_t& value, std::string_view help, Range range) {
  app_->limit(app_->parser.add_option(std::string(name), value, std::string(help)), range);
}

void Options::option(std::string_view name, double& value, std::string_view help, Range range) {
  app_->limit(app_->parser.add_option(std::string(name), value, std::string(help)), range);
}

void Options::required(std::string_view name) { app_->parser.get_option(std::string(name))->required(); }

void Options::when_missing(std::string text) { app_->missing = std::move(text); }

void Options::exclusive(std::string_view one, std::string_view other) {
  app_->parser.get_option(std::string(one))->excludes(std::string(other));
}

bool Options::parse(std::vector<std::string> arguments) {
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
