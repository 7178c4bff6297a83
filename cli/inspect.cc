// SPDX-License-Identifier: MIT
// anneal inspect: what is in a file of tensors.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "conform/compare.h"
#include "io/contents.h"
#include "io/layout.h"
#include "support/number_text.h"
#include "tensor/host_value.h"

namespace anneal::cli {
namespace {

constexpr size_t kShownValues = 16;

struct InspectOptions {
  std::string file;
  bool values = false, json = false;
};

// The first elements, as an array of one axis.
ir::BufferData first_values(const io::TensorView& tensor) {
  const auto size = static_cast<size_t>(dtype_size(tensor.dtype));
  const size_t count = std::min(kShownValues, tensor.data.size() / size);
  return conform::to_array(
      {tensor.name, tensor.dtype, {static_cast<int64_t>(count)}, tensor.data.first(count * size)});
}

// An integer keeps all its digits; a float that JSON has no number for is a string.
Json value_json(DType dtype, const HostValue& value) {
  if (is_bool(dtype)) return value.integer != 0;
  if (!value.is_float && value.is_signed) return static_cast<int64_t>(value.integer);
  if (!value.is_float) return value.integer;
  if (std::isfinite(value.number)) return value.number;
  return std::isnan(value.number) ? "nan" : value.number < 0 ? "-inf" : "inf";
}

std::string value_text(DType dtype, const HostValue& value) {
  if (is_bool(dtype)) return value.integer != 0 ? "true" : "false";
  if (!value.is_float)
    return value.is_signed ? std::to_string(static_cast<int64_t>(value.integer))
                           : std::to_string(value.integer);
  return dtype == f64 ? fmt::format("{}", value.number) : fmt::format("{}", static_cast<float>(value.number));
}

void print_json(const InspectOptions& options, const io::Contents& contents, uint64_t bytes) {
  Json tensors = Json::array();
  for (const io::TensorView& tensor : contents.tensors) {
    Json entry = {{"name", tensor.name},
                  {"dtype", dtype_name(tensor.dtype)},
                  {"shape", tensor.shape},
                  {"bytes", tensor.data.size()}};
    if (options.values) {
      const ir::BufferData values = first_values(tensor);
      Json list = Json::array();
      for (int64_t i = 0; i < values.shape[0]; ++i)
        list.push_back(value_json(tensor.dtype, load_value(values, static_cast<size_t>(i))));
      entry["values"] = std::move(list);
    }
    tensors.push_back(std::move(entry));
  }
  const Json out = {{"file", options.file},    {"kind", contents.kind},
                    {"bytes", bytes},          {"metadata", contents.metadata},
                    {"notes", contents.notes}, {"tensors", std::move(tensors)}};
  fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
}

void print_values(const io::TensorView& tensor) {
  const ir::BufferData values = first_values(tensor);
  std::string line;
  for (int64_t i = 0; i < values.shape[0]; ++i)
    line += " " + value_text(tensor.dtype, load_value(values, static_cast<size_t>(i)));
  const bool more = tensor.data.size() > values.bytes.size();
  fmt::print("   {}{}\n", line.empty() ? " (empty)" : line, more ? " ..." : "");
}

void print_table(const InspectOptions& options, const io::Contents& contents, uint64_t bytes) {
  fmt::print("{}: {}, {} tensor{}, {}\n", io::printable(options.file), contents.kind, contents.tensors.size(),
             contents.tensors.size() == 1 ? "" : "s", support::size_text(bytes));
  for (const std::string& note : contents.notes) fmt::print("note: {}\n", note);
  for (const auto& [name, value] : contents.metadata)
    fmt::print("metadata {} = {}\n", io::printable(name), io::printable(value));
  size_t name_width = 4, shape_width = 5;
  std::vector<std::string> names, shapes;
  for (const io::TensorView& tensor : contents.tensors) {
    names.push_back(tensor.name.empty() ? "-" : io::printable(tensor.name));
    shapes.push_back(io::shape_text(tensor.shape));
    name_width = std::max(name_width, names.back().size());
    shape_width = std::max(shape_width, shapes.back().size());
  }
  if (!names.empty())
    fmt::print("{:<{}}  {:<7} {:<{}}  {:>12}\n", "name", name_width, "dtype", "shape", shape_width, "bytes");
  for (size_t i = 0; i < names.size(); ++i) {
    const io::TensorView& tensor = contents.tensors[i];
    fmt::print("{:<{}}  {:<7} {:<{}}  {:>12}\n", names[i], name_width, dtype_name(tensor.dtype), shapes[i],
               shape_width, tensor.data.size());
    if (options.values) print_values(tensor);
  }
}

int inspect(const InspectOptions& options) {
  const io::Result<io::Contents> contents = io::open_contents(options.file);
  if (!contents) raise(ErrorCode::kData, contents.message());
  uint64_t bytes = 0;
  for (const io::TensorView& tensor : contents->tensors) bytes += tensor.data.size();
  if (options.json)
    print_json(options, *contents, bytes);
  else
    print_table(options, *contents, bytes);
  return 0;
}

}  // namespace

Action add_inspect(Options& verb) {
  const auto options = std::make_shared<InspectOptions>();
  verb.argument("file", options->file,
                "safetensors or their index, a checkpoint, npy, npz, idx (also gzip'd)");
  verb.flag("--values", options->values, "the first 16 values of each tensor too");
  verb.flag("--json", options->json, "as JSON");
  return [options] { return inspect(*options); };
}

}  // namespace anneal::cli
