// SPDX-License-Identifier: MIT
#include "conform/entry.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "anneal/transforms.h"
#include "conform/ops.h"
#include "interp/work.h"
#include "support/error_text.h"
#include "tensor/call.h"

namespace anneal::conform {

using Json = nlohmann::json;

std::string first_line(const std::string& text) {
  return std::string(support::without_kind(std::string_view(text).substr(0, text.find('\n'))));
}

const io::TensorView& Entry::view(const std::string& tensor) const {
  const io::TensorView* found = tensors_.find(tensor);
  if (found == nullptr) raise(ErrorCode::kData, "there is no tensor " + io::in_quotes(tensor));
  return *found;
}

Tensor Entry::load(const std::string& tensor) const {
  const io::TensorView& v = view(tensor);
  return from_bytes(v.data, v.shape, v.dtype);
}

std::vector<programs::Array> Entry::evaluate(const std::vector<Tensor>& values) const {
  if (!options_.force) {
    ir::Graph& graph = ir::default_graph();
    const ir::Graph::Scope scope(graph);
    std::vector<ir::Node> roots;
    for (const Tensor& t : values) roots.push_back(node_of(t));
    const double work = interp::estimate_work(graph, roots);
    char text[32];
    std::snprintf(text, sizeof text, "%.0e", work);
    if (work >= interp::kMuchWork)
      raise(ErrorCode::kLimit, "takes about " + std::string(text) +
                                   " element operations, which is many minutes on the interpreter; --force "
                                   "runs it all the same");
  }
  return programs::evaluate_together(values, in_f64());
}

void Entry::fail(const std::string& what, const std::string& message) {
  failures_.push_back(what.empty() ? message : what + ": " + message);
  worst_ = HUGE_VAL;
}

void Entry::check(const std::string& what, const ir::BufferData& got, const io::TensorView& reference,
                  const Tolerance& tolerance) {
  const Comparison result = compare(got, reference, tolerance);
  if (!result.ok) fail(what, result.message);
  if (result.tolerance > 0) worst_ = std::max(worst_, result.error / result.tolerance);
}

bool Entry::check_shape(const std::string& what, const Tensor& got, const io::TensorView& reference) {
  if (got.shape() == reference.shape) return true;
  fail(what, "shape " + shape_text(got.shape()) + ", reference " + shape_text(reference.shape));
  return false;
}

namespace {

// A list of tensor names; null stands for none where that is allowed.
std::vector<std::string> name_list(const Json& entry, const char* key, bool may_be_absent,
                                   bool may_hold_null) {
  const auto it = entry.find(key);
  std::vector<std::string> out;
  if (it == entry.end() || it->is_null()) {
    if (!may_be_absent) raise(ErrorCode::kData, std::string("the entry has no \"") + key + "\"");
    return out;
  }
  if (!it->is_array()) raise(ErrorCode::kData, std::string("\"") + key + "\" is not a list");
  for (const Json& item : *it) {
    if (item.is_string())
      out.push_back(item.get<std::string>());
    else if (item.is_null() && may_hold_null)
      out.emplace_back();
    else
      raise(ErrorCode::kData,
            std::string("\"") + key + "\" holds something that is not the name of a tensor");
  }
  return out;
}

// What is computed, under which name, against which reference.
struct Check {
  std::string what;
  Tensor value;
  const io::TensorView* reference;
};

void add_check(Entry& entry, std::vector<Check>& checks, std::string what, const Tensor& value,
               const std::string& reference) {
  const io::TensorView& view = entry.view(reference);
  if (entry.check_shape(what, value, view)) checks.push_back({std::move(what), value, &view});
}

void add_gradients(Entry& entry, std::vector<Check>& checks, const Tensor& first_output,
                   const std::vector<Tensor>& inputs, const std::vector<std::string>& references) {
  std::vector<Tensor> wrt;
  std::vector<size_t> places;
  for (size_t i = 0; i < references.size(); ++i) {
    if (references[i].empty()) continue;
    if (i >= inputs.size()) raise(ErrorCode::kData, "there are more gradients than inputs");
    wrt.push_back(inputs[i]);
    places.push_back(i);
  }
  if (wrt.empty()) return;
  const Tensor upstream = entry.load(entry.name() + ".gout");
  if (upstream.shape() != first_output.shape())
    raise(ErrorCode::kData, "gout has shape " + shape_text(upstream.shape()) + ", the output " +
                                shape_text(first_output.shape()));
  const std::vector<Tensor> found = vjp({first_output}, {upstream}, wrt);
  entry.count_gradients(found.size());
  for (size_t i = 0; i < found.size(); ++i)
    add_check(entry, checks, "grad " + std::to_string(places[i]), found[i], references[places[i]]);
}

// A field that nobody reads is a check that nobody makes.
void check_fields(const Json& json) {
  for (const auto& [key, value] : json.items())
    if (key != "name" && key != "op" && key != "inputs" && key != "args" && key != "out" && key != "grads")
      raise(ErrorCode::kData, "the entry has an unknown field, " + io::in_quotes(key));
}

void check_count(const OpEntry& op, size_t count) {
  if (count >= op.min_inputs && count <= op.max_inputs) return;
  std::string needs = std::to_string(op.min_inputs);
  if (op.max_inputs == kAny)
    needs += " or more";
  else if (op.max_inputs != op.min_inputs)
    needs += " to " + std::to_string(op.max_inputs);
  raise(ErrorCode::kData, std::string(op.name) + " takes " + needs + " inputs, not " + std::to_string(count));
}

void check_arguments(const Args& args) {
  const std::vector<std::string> unused = args.unused();
  if (!unused.empty()) raise(ErrorCode::kArgument, "the op has no argument " + io::in_quotes(unused[0]));
}

}  // namespace

void run_op(Entry& entry, const std::string& op_name) {
  const OpEntry& op = find_op(op_name);
  const Json& json = entry.json();
  check_fields(json);
  const std::vector<std::string> outs = name_list(json, "out", false, true);
  const std::vector<std::string> grads = name_list(json, "grads", true, true);
  std::vector<Tensor> inputs;
  for (const std::string& name : name_list(json, "inputs", op.min_inputs == 0, false))
    inputs.push_back(entry.load(name));
  check_count(op, inputs.size());
  const auto is_left_out = [](const std::string& name) { return name.empty(); };
  if (std::all_of(outs.begin(), outs.end(), is_left_out))
    raise(ErrorCode::kData, "\"out\" is empty: there is nothing to compare with");

  static const Json kNoArguments = Json::object();
  const auto arguments = json.find("args");
  if (arguments != json.end() && !arguments->is_object() && !arguments->is_null())
    raise(ErrorCode::kData, "\"args\" is not an object");
  const Args args(arguments == json.end() ? kNoArguments : *arguments);
  const Outputs result = op.apply({inputs, args});
  check_arguments(args);
  if (outs.size() > result.values.size() || outs.size() + result.optional < result.values.size())
    raise(ErrorCode::kData, std::to_string(outs.size()) + " outputs in the set, the op gives " +
                                std::to_string(result.values.size()));

  std::vector<Check> checks;
  for (size_t i = 0; i < outs.size(); ++i)
    if (!outs[i].empty()) add_check(entry, checks, "out " + std::to_string(i), result.values[i], outs[i]);
  try {
    add_gradients(entry, checks, result.values[0], inputs, grads);
  } catch (const Error& error) {
    entry.fail("gradients", first_line(error.message()));
  }
  std::vector<Tensor> values;
  for (const Check& check : checks) values.push_back(check.value);
  const std::vector<programs::Array> arrays = entry.evaluate(values);
  for (size_t i = 0; i < checks.size(); ++i)
    entry.check(checks[i].what, *arrays[i], *checks[i].reference, kTolerance);
}

}  // namespace anneal::conform
