// SPDX-License-Identifier: MIT
// anneal interp: evaluates a program with inputs out of files or made by a seed, and prints its results. Of a
// kernel, whose slots are its inputs, these are the slots that it writes.
#include "interp/interp.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <set>

#include "cli/common.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "conform/compare.h"
#include "interp/arrays.h"
#include "interp/kernel.h"
#include "io/safetensors.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "pass/pass.h"
#include "tensor/host_value.h"

namespace anneal::cli {
namespace {

struct InterpOptions {
  std::string program, out;
  std::vector<std::string> inputs, dims;
  int64_t seed = -1;
  bool in_f64 = false, force = false, json = false;
};

// "B=4"
std::pair<std::string, int64_t> parse_dim(const std::string& text) {
  const size_t equals = text.find('=');
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = equals == std::string::npos
                          ? std::from_chars_result{nullptr, std::errc::invalid_argument}
                          : std::from_chars(text.data() + equals + 1, end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    raise(ErrorCode::kArgument, "--dim: NAME=NUMBER is needed, not " + text);
  return {text.substr(0, equals), value};
}

// That the program has the dimensions that were given.
void check_dims(const ir::Graph& graph, std::span<const ir::Node> roots, const interp::Bindings& bindings) {
  std::vector<std::string> names;
  for (ir::Node n : ir::postorder(graph, roots, true))
    if (graph.op(n) == ir::Op::Var) names.push_back(graph.arg_as<ir::VarArg>(n).name);
  for (const auto& [name, value] : bindings.vars)
    if (std::find(names.begin(), names.end(), name) == names.end())
      raise_unknown("dimension", name, std::vector<std::string_view>(names.begin(), names.end()));
}

// "NAME_OR_NUMBER=file.safetensors:tensor"
void bind_file(const ir::Graph& graph, std::span<const ir::Node> params, const std::string& text,
               interp::Bindings& bindings) {
  const size_t equals = text.find('='), colon = text.rfind(':');
  if (equals == std::string::npos || colon == std::string::npos || colon < equals)
    raise(ErrorCode::kArgument, "--input: NAME_OR_NUMBER=FILE.safetensors:TENSOR is needed, not " + text);
  const std::string name = text.substr(0, equals), path = text.substr(equals + 1, colon - equals - 1),
                    tensor = text.substr(colon + 1);
  const io::Result<io::SafeTensors> file = io::SafeTensors::open(path);
  if (!file) raise(ErrorCode::kData, file.message());
  const io::TensorView* view = file->find(tensor);
  if (view == nullptr) {
    std::vector<std::string_view> names;
    for (const io::TensorView& v : file->tensors()) names.push_back(v.name);
    raise_unknown("tensor in " + path, tensor, names);
  }
  auto array = std::make_shared<const ir::BufferData>(conform::to_array(*view));
  bindings.params.emplace_back(find_param(graph, params, name), std::move(array));
}

using Values = std::vector<std::shared_ptr<const interp::Array>>;

void save(const std::string& path, const Values& results) {
  std::vector<io::TensorView> views;
  for (size_t i = 0; i < results.size(); ++i)
    views.push_back({std::to_string(i), results[i]->dtype, results[i]->shape, results[i]->bytes});
  const io::Result<void> written = io::write_safetensors(path, views);
  if (!written) raise(ErrorCode::kData, written.message());
}

// An integer keeps all its digits; a float that JSON has no number for is a string.
Json element_json(const interp::Array& array, size_t i) {
  const ir::Scalar value = interp::element(array, i);
  const DType t = array.dtype;
  if (is_bool(t)) return value.as_int(t) != 0;
  if (t == u64) return static_cast<uint64_t>(value.as_int(t));
  if (!is_float(t)) return value.as_int(t);
  const double number = value.as_double(t);
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  return number;
}

void print_json(const std::vector<std::shared_ptr<const interp::Array>>& results) {
  Json list = Json::array();
  for (const auto& result : results) {
    Json values = Json::array();
    const size_t count = result->bytes.size() / static_cast<size_t>(dtype_size(result->dtype));
    for (size_t i = 0; i < count; ++i) values.push_back(element_json(*result, i));
    list.push_back(
        {{"dtype", dtype_name(result->dtype)}, {"shape", result->shape}, {"values", std::move(values)}});
  }
  fmt::print("{}\n", Json{{"results", std::move(list)}}.dump());
}

// The slots that a kernel writes, by number, after it has run on the inputs.
Values run_kernel(const ir::Graph& graph, std::span<const ir::Node> statements,
                  const interp::Bindings& bindings, interp::Mode mode) {
  interp::KernelArrays arrays;
  for (const auto& [number, array] : bindings.params)
    arrays.emplace_back(number, std::make_shared<interp::Array>(*array));
  interp::run_kernel(graph, statements, arrays, bindings, {.mode = mode});
  std::set<int64_t> written;
  for (const ir::Node s : statements) written.insert(graph.arg_as<ir::ParamArg>(graph.source(s, 0)).index);
  Values results;
  for (const int64_t number : written)
    for (const auto& [n, array] : arrays)
      if (n == number) results.push_back(array);
  return results;
}

int run_interp(const InterpOptions& options) {
  if (!options.out.empty()) check_writable(options.out);
  const Loaded loaded = load_program(options.program);
  const ir::Graph& graph = ir::default_graph();
  interp::Bindings bindings;
  for (const std::string& dim : options.dims) bindings.vars.push_back(parse_dim(dim));
  check_dims(graph, loaded.roots, bindings);
  const std::vector<ir::Node> params = params_of(graph, loaded.roots);
  for (const std::string& input : options.inputs) bind_file(graph, params, input, bindings);
  if (options.seed >= 0) bind_random(graph, params, static_cast<uint64_t>(options.seed), bindings);

  if (options.inputs.empty() && options.seed < 0 && !params.empty() && !loaded.model.roots().empty())
    raise(ErrorCode::kArgument,
          fmt::format(
              "interp: the inputs of {0} have no values: give --input or --seed, or use anneal run {0}, "
              "which makes data for it",
              loaded.name));

  const interp::Mode mode = options.in_f64 ? interp::Mode::kDouble : interp::Mode::kExact;
  const bool is_kernel = pass::stage_of(graph, loaded.roots) == ir::Stage::kKernel;
  if (!is_kernel) check_work(graph, loaded.roots, loaded.name, options.force, bindings);
  const Values results = is_kernel ? run_kernel(graph, loaded.roots, bindings, mode)
                                   : interp::evaluate(graph, loaded.roots, bindings, {.mode = mode});
  for (size_t i = 0; i < results.size() && !options.json; ++i)
    fmt::print("{}: {}{}\n{}\n", i, dtype_name(results[i]->dtype), conform::shape_text(results[i]->shape),
               array_text(*results[i]));
  if (!options.out.empty()) save(options.out, results);
  if (options.json) print_json(results);
  return 0;
}

}  // namespace

Action add_interp(Options& verb) {
  const auto options = std::make_shared<InterpOptions>();
  verb.argument("program", options->program, "a text file, of a program or a kernel, or a model");
  verb.option("--input", options->inputs,
              "NAME_OR_NUMBER=FILE.safetensors:TENSOR: a value for an input; may be repeated");
  verb.option("--seed", options->seed, "random values for the inputs that have none", Range::kNotNegative);
  verb.option("--dim", options->dims, "NAME=NUMBER: a symbolic dimension; may be repeated");
  verb.flag("--f64", options->in_f64, "compute every float in f64");
  verb.flag("--force", options->force, "also when it takes many minutes");
  verb.flag("--json", options->json,
            "one object: results, a list of {dtype, shape, values}; the values in row-major order, and what "
            "JSON has no number for as \"nan\", \"inf\" or \"-inf\"");
  verb.option("--out", options->out, "also write the results to this safetensors file, named 0, 1, ...");
  return [options] { return run_interp(*options); };
}

}  // namespace anneal::cli
