// SPDX-License-Identifier: MIT
#include "bundles/manifest.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "io/json_file.h"

namespace anneal::bundles {
namespace {

using Json = nlohmann::json;
using Ordered = nlohmann::ordered_json;
using io::Failure;

constexpr io::JsonLimits kLimits = {
    .max_bytes = size_t{64} << 20, .max_values = size_t{4} << 20, .max_depth = 8};
constexpr int64_t kMostInteger = std::numeric_limits<int64_t>::max();

// The members of an object, each asked for by its type; the first that does not fit is what failed.
class Fields {
 public:
  Fields(const Json& object, std::string label) : object_(object), label_(std::move(label)) {
    if (!object.is_object()) complain("an object is needed");
  }

  std::string text(const char* name) {
    const Json* value = find(name);
    if (value == nullptr) return {};
    if (value->is_string()) return value->get<std::string>();
    wrong(name, "a text");
    return {};
  }
  int64_t integer(const char* name, int64_t min) {
    const Json* value = find(name);
    if (value == nullptr) return min;
    if (const std::optional<int64_t> number = integer_of(*value); number && *number >= min) return *number;
    wrong(name, "an integer from " + std::to_string(min) + " up");
    return min;
  }
  std::optional<double> number_or_none(const char* name) {
    const Json* value = find(name);
    if (value == nullptr || value->is_null()) return {};
    if (value->is_number()) return value->get<double>();
    wrong(name, "a number or null");
    return {};
  }
  template <size_t N>
  size_t one_of(const char* name, const std::array<std::string_view, N>& words) {
    const std::string word = text(name);
    const auto found = std::find(words.begin(), words.end(), word);
    if (found != words.end()) return static_cast<size_t>(found - words.begin());
    std::string list;
    for (std::string_view one : words) list += (list.empty() ? "" : ", ") + std::string(one);
    if (message_.empty())
      complain(io::concat("\"", name, "\" is ", io::in_quotes(word), ", not one of ", list));
    return 0;
  }
  // The name of a file in the bundle, or nothing.
  std::string file(const char* name) {
    std::string out = text(name);
    if (out.empty() || is_plain_name(out)) return out;
    complain(
        io::concat("\"", name, "\" is ", io::in_quotes(out), ", which is no name of a file in the bundle"));
    return {};
  }
  std::string plain_name(const char* name) {
    std::string out = text(name);
    if (message_.empty() && !is_plain_name(out))
      complain(io::concat("\"", name, "\" is ", io::in_quotes(out), ", which is no name"));
    return out;
  }
  std::string hash(const char* name) {
    std::string out = text(name);
    const bool fits = out.size() == 64 && out.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (message_.empty() && !fits) wrong(name, "a SHA-256 in hexadecimal");
    return out;
  }
  const Json& object(const char* name) {
    static const Json none = Json::object();
    return like(none, name, "an object");
  }
  const Json& list(const char* name) {
    static const Json none = Json::array();
    return like(none, name, "a list");
  }
  // What is there of the same type as `none`, or that.
  const Json& like(const Json& none, const char* name, const char* wanted) {
    const Json* value = find(name);
    if (value != nullptr && value->type() == none.type()) return *value;
    if (value != nullptr) wrong(name, wanted);
    return none;
  }

  void wrong(std::string_view name, std::string_view wanted) {
    complain(io::concat(io::in_quotes(name), " must be ", wanted));
  }
  void complain(std::string_view what) {
    if (message_.empty()) message_ = io::concat(label_, ": ", what);
  }
  void take(const Fields& part) {
    if (message_.empty()) message_ = part.message_;
  }
  bool ok() const { return message_.empty(); }
  Failure failure() const { return {message_}; }

  static std::optional<int64_t> integer_of(const Json& value) {
    if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(kMostInteger)) return {};
    if (!value.is_number_integer()) return {};
    return value.get<int64_t>();
  }

 private:
  const Json* find(const char* name) {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    if (found != object_.end()) return &*found;
    complain(io::concat("\"", name, "\" is missing"));
    return nullptr;
  }

  const Json& object_;
  std::string label_, message_;
};

// Before all else: what a later version means by its fields is not known.
void check_version(Fields& fields, const Json& value) {
  const auto found = value.is_object() ? value.find("bundle_version") : value.end();
  if (!value.is_object() || found == value.end()) return fields.complain("\"bundle_version\" is missing");
  const std::optional<int64_t> version = Fields::integer_of(*found);
  if (version != kBundleVersion)
    fields.complain(io::concat("a bundle of version ", io::printable(found->dump(), 40),
                               "; this program reads version ", kBundleVersion));
}

std::string dumped(const Ordered& value) {
  return value.dump(1, ' ', false, Ordered::error_handler_t::replace) + "\n";
}

std::map<std::string, Value> read_settings(Fields& fields, const Json& object) {
  std::map<std::string, Value> out;
  for (const auto& [name, value] : object.items()) {
    if (value.is_boolean())
      out.emplace(name, value.get<bool>());
    else if (const std::optional<int64_t> number = Fields::integer_of(value))
      out.emplace(name, *number);
    else if (value.is_number_float())
      out.emplace(name, value.get<double>());
    else if (value.is_string())
      out.emplace(name, value.get<std::string>());
    else
      fields.wrong(name, "a number, a text, true or false");
  }
  return out;
}

std::vector<InputFile> read_files(Fields& fields, const Json& list, std::string_view label) {
  std::vector<InputFile> out;
  for (const Json& one : list) {
    Fields file(one, io::concat(label, ": data"));
    out.push_back({file.text("path"), file.hash("sha256")});
    if (!out.back().path.empty() && out.back().path[0] != '/') file.wrong("path", "an absolute path");
    fields.take(file);
  }
  return out;
}

}  // namespace

bool is_plain_name(std::string_view name) {
  constexpr size_t kLongest = 120;
  if (name.empty() || name.size() > kLongest || name[0] == '.') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view label) {
  const Result<Json> parsed = io::parse_json(text, label, kLimits);
  if (!parsed) return parsed.failure();
  Fields fields(*parsed, std::string(label));
  check_version(fields, *parsed);
  if (!fields.ok()) return fields.failure();
  Manifest out;
  out.kind = static_cast<Kind>(fields.one_of("kind", kKindText));
  out.state = static_cast<State>(fields.one_of("state", kStateText));
  out.message = fields.text("message");
  out.model = fields.plain_name("model");
  out.version = fields.text("version");
  out.git_rev = fields.text("git_rev");
  out.compiler = fields.text("compiler");
  out.device = fields.plain_name("device");
  out.adapter = fields.text("adapter");
  out.kernels = fields.integer("kernels", 0);
  out.kernels_hash = fields.hash("kernels_hash");
  for (const auto& [name, value] : fields.object("sym_binds").items()) {
    Fields bounds(value, io::concat(label, ": sym_binds ", io::in_quotes(name)));
    out.sym_binds[name] = {bounds.integer("min", 0), bounds.integer("max", 0)};
    fields.take(bounds);
  }
  out.created_at = fields.text("created_at");
  out.duration_ms = fields.integer("duration_ms", 0);
  out.steps = fields.integer("steps", 0);
  out.last_loss = fields.number_or_none("last_loss");
  out.checkpoint = fields.file("checkpoint");
  if (!fields.ok()) return fields.failure();
  return out;
}

Result<Config> parse_config(std::string_view text, std::string_view label) {
  const Result<Json> parsed = io::parse_json(text, label, kLimits);
  if (!parsed) return parsed.failure();
  Fields fields(*parsed, std::string(label));
  check_version(fields, *parsed);
  if (!fields.ok()) return fields.failure();
  Config out;
  out.verb = fields.text("verb");
  out.model = fields.plain_name("model");
  out.device = fields.plain_name("device");
  out.settings = read_settings(fields, fields.object("settings"));
  out.data = read_files(fields, fields.list("data"), label);
  for (const Json& token : fields.list("prompt_tokens")) {
    const std::optional<int64_t> id = Fields::integer_of(token);
    if (!id || *id < 0 || *id > std::numeric_limits<int32_t>::max())
      fields.wrong("prompt_tokens", "a list of numbers of tokens");
    else
      out.prompt.push_back(static_cast<int32_t>(*id));
  }
  out.start = fields.file("start");
  out.resumed_from = fields.text("resumed_from");
  for (const auto& [name, value] : fields.object("flags").items()) {
    if (!value.is_string()) fields.wrong(name, "a text");
    if (value.is_string()) out.flags.emplace(name, value.get<std::string>());
  }
  if (!fields.ok()) return fields.failure();
  return out;
}

std::string manifest_text(const Manifest& m) {
  Ordered dims = Ordered::object();
  for (const auto& [name, bounds] : m.sym_binds) dims[name] = {{"min", bounds.min}, {"max", bounds.max}};
  return dumped({{"bundle_version", kBundleVersion},
                 {"kind", kKindText[static_cast<size_t>(m.kind)]},
                 {"state", kStateText[static_cast<size_t>(m.state)]},
                 {"message", m.message},
                 {"model", m.model},
                 {"version", m.version},
                 {"git_rev", m.git_rev},
                 {"compiler", m.compiler},
                 {"device", m.device},
                 {"adapter", m.adapter},
                 {"kernels", m.kernels},
                 {"kernels_hash", m.kernels_hash},
                 {"sym_binds", dims},
                 {"created_at", m.created_at},
                 {"duration_ms", m.duration_ms},
                 {"steps", m.steps},
                 {"last_loss", m.last_loss ? Ordered(*m.last_loss) : Ordered()},
                 {"checkpoint", m.checkpoint}});
}

std::string config_text(const Config& c) {
  Ordered settings = Ordered::object(), data = Ordered::array(), flags = Ordered::object();
  for (const auto& [name, value] : c.settings)
    std::visit([&, &key = name](const auto& v) { settings[key] = v; }, value);
  for (const InputFile& file : c.data) data.push_back({{"path", file.path}, {"sha256", file.sha256}});
  for (const auto& [name, value] : c.flags) flags[name] = value;
  return dumped({{"bundle_version", kBundleVersion},
                 {"verb", c.verb},
                 {"model", c.model},
                 {"device", c.device},
                 {"settings", settings},
                 {"data", data},
                 {"prompt_tokens", c.prompt},
                 {"start", c.start},
                 {"resumed_from", c.resumed_from},
                 {"flags", flags}});
}

}  // namespace anneal::bundles
