// SPDX-License-Identifier: MIT
// What a verb takes on the command line. It stands in front of CLI11, which takes seconds to compile wherever
// it is included: options.cc alone does. Tested by tests/cli_smoke.py.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace anneal::cli {

enum class Range : uint8_t { kAny, kNotNegative, kPositive };
enum class Empty : uint8_t {
  kRefused,
  kAllowed
};  // a path of no characters is a shell variable that is not set

// Values are written to the given variables, which hold the defaults, by parse(). Numbers must fit: none is
// taken for the nearest that does.
class Options {
 public:
  Options(std::string_view summary, std::string_view program, std::string_view example);
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  void argument(std::string_view name, std::string& value,
                std::string_view help);  // by position; must be there
  void optional_argument(std::string_view name, std::string& value, std::string_view help);
  void rest(std::string_view name, std::vector<std::string>& values,
            std::string_view help);  // those after the arguments; may be none
  void flag(std::string_view name, bool& value, std::string_view help);
  void option(std::string_view name, std::string& value, std::string_view help,
              Empty empty = Empty::kRefused);
  void option(std::string_view name, std::vector<std::string>& values,
              std::string_view help);  // may be repeated
  void option(std::string_view name, int64_t& value, std::string_view help, Range range = Range::kAny);
  void option(std::string_view name, double& value, std::string_view help, Range range = Range::kAny);
  void required(std::string_view name);
  // What is said, behind the usage, when an argument is not there.
  void when_missing(std::string text);
  void exclusive(std::string_view one, std::string_view other);

  // False when help was asked for and printed. Raises an Error that names the option and the program.
  bool parse(std::vector<std::string> arguments);

 private:
  struct App;
  std::unique_ptr<App> app_;
};

}  // namespace anneal::cli
