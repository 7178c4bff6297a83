// SPDX-License-Identifier: MIT
#include "bundles/logs.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>

#include "io/json_file.h"

namespace anneal::bundles {
namespace {

using io::concat;
using io::Failure;
using Json = nlohmann::json;

template <typename T>
bool read_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string exact(double number) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), number);
  return {text, error == std::errc() ? end : text};
}
std::string milliseconds(double number) {
  char text[400];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), number, std::chars_format::fixed, 3);
  return {text, error == std::errc() ? end : text};
}

// Each whole line with its number, from 1.
Result<void> each_line(std::string_view text,
                       const std::function<Result<void>(std::string_view, size_t)>& take) {
  size_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    if (Result<void> taken = take(text.substr(at, end - at), number); !taken) return taken;
    at = end + 1;
  }
  return {};
}

// An object of texts and numbers, as the lines of our logs are.
class LineFields {
 public:
  static Result<LineFields> read(std::string_view line, const std::string& label) {
    Result<Json> parsed =
        io::parse_json(line, label, {.max_bytes = size_t{1} << 20, .max_values = 1000, .max_depth = 4});
    if (!parsed) return parsed.failure();
    if (!parsed->is_object()) return Failure{label + ": an object is needed"};
    return LineFields(std::move(*parsed), label);
  }

  std::string text(const char* name) {
    const auto found = object_.find(name);
    if (found != object_.end() && found->is_string()) return found->get<std::string>();
    wrong(name, "a text");
    return {};
  }
  int64_t integer(const char* name, int64_t max) {
    const auto found = object_.find(name);
    if (found != object_.end() && found->is_number_unsigned() &&
        found->get<uint64_t>() <= static_cast<uint64_t>(max))
      return found->get<int64_t>();
    wrong(name, "a number that is not negative");
    return 0;
  }
  double number(const char* name) {
    const auto found = object_.find(name);
    if (found != object_.end() && found->is_number()) return found->get<double>();
    wrong(name, "a number");
    return 0;
  }
  Result<void> result() const {
    if (message_.empty()) return {};
    return Failure{message_};
  }

 private:
  LineFields(Json object, std::string label) : object_(std::move(object)), label_(std::move(label)) {}
  void wrong(const char* name, const char* wanted) {
    if (message_.empty()) message_ = concat(label_, ": \"", name, "\" must be ", wanted);
  }

  Json object_;
  std::string label_, message_;
};

std::string json_line(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

double rounded(double ms) { return std::round(ms * 1e3) / 1e3; }

Failure system_problem(const std::string& path, std::string_view attempt) {
  return Failure{concat(path, ": cannot ", attempt, ": ", std::generic_category().message(errno))};
}

}  // namespace

std::string loss_line(const LossRow& row) {
  return std::to_string(row.step) + "," + exact(row.loss) + "," + milliseconds(row.wall_ms) + "\n";
}

Result<std::vector<LossRow>> parse_losses(std::string_view text, std::string_view label) {
  std::vector<LossRow> out;
  const Result<void> read = each_line(text, [&](std::string_view line, size_t number) -> Result<void> {
    const auto wrong = [&](std::string_view what) {
      return Failure{concat(label, ": line ", number, ": ", what, ", not ", io::in_quotes(line))};
    };
    if (number == 1) {
      if (line == kLossHead.substr(0, kLossHead.size() - 1)) return {};
      return wrong("the head must be step,loss,wall_ms");
    }
    const size_t first = line.find(','), second = line.find(',', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos)
      return wrong("three numbers are needed");
    LossRow row;
    if (!read_number(line.substr(0, first), row.step) || row.step < 1 ||
        !read_number(line.substr(first + 1, second - first - 1), row.loss) ||
        !read_number(line.substr(second + 1), row.wall_ms) || !std::isfinite(row.wall_ms))
      return wrong("a step, a loss and a time are needed");
    if (!out.empty() && row.step != out.back().step + 1)
      return wrong(concat("step ", out.back().step, " must be followed by the next one"));
    out.push_back(row);
    return {};
  });
  if (!read) return read.failure();
  return out;
}

std::string token_line(const TokenRow& row) {
  return json_line(
      {{"index", row.index}, {"token", row.token}, {"text", row.text}, {"wall_ms", rounded(row.wall_ms)}});
}

Result<std::vector<TokenRow>> parse_tokens(std::string_view text, std::string_view label) {
  std::vector<TokenRow> out;
  const Result<void> read = each_line(text, [&](std::string_view line, size_t number) -> Result<void> {
    Result<LineFields> fields = LineFields::read(line, concat(label, ": line ", number));
    if (!fields) return fields.failure();
    TokenRow row;
    row.index = fields->integer("index", std::numeric_limits<int64_t>::max());
    row.token = static_cast<int32_t>(fields->integer("token", std::numeric_limits<int32_t>::max()));
    row.text = fields->text("text");
    row.wall_ms = fields->number("wall_ms");
    if (Result<void> good = fields->result(); !good) return good;
    if (row.index != static_cast<int64_t>(out.size()))
      return Failure{concat(label, ": line ", number, ": token ", out.size(), " is missing")};
    out.push_back(std::move(row));
    return {};
  });
  if (!read) return read.failure();
  return out;
}

std::string event_line(const Event& e) {
  nlohmann::ordered_json out{{"wall_ms", rounded(e.wall_ms)}, {"event", e.event}, {"step", e.step}};
  out["detail"] = e.detail;
  return json_line(out);
}

Result<std::vector<Event>> parse_events(std::string_view text, std::string_view label) {
  std::vector<Event> out;
  const Result<void> read = each_line(text, [&](std::string_view line, size_t number) -> Result<void> {
    Result<LineFields> fields = LineFields::read(line, concat(label, ": line ", number));
    if (!fields) return fields.failure();
    Event e;
    e.wall_ms = fields->number("wall_ms");
    e.event = fields->text("event");
    e.step = fields->integer("step", std::numeric_limits<int64_t>::max());
    e.detail = fields->text("detail");
    if (Result<void> good = fields->result(); !good) return good;
    out.push_back(std::move(e));
    return {};
  });
  if (!read) return read.failure();
  return out;
}

LineFile::~LineFile() {
  if (file_ >= 0) ::close(file_);
}

Result<void> LineFile::create(const std::string& path) {
  path_ = path;
  file_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (file_ < 0) return system_problem(path, "create");
  return {};
}

Result<void> LineFile::append(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(file_, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_problem(path_, "write");
    line.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

void LineFile::lock() { ::flock(file_, LOCK_EX | LOCK_NB); }

bool is_locked(const std::string& path) {
  // A FIFO would have us wait for a writer.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return false;
  const bool locked = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return locked;
}

}  // namespace anneal::bundles
