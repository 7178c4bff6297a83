// SPDX-License-Identifier: MIT
// One entry at work: its tensors by name, and the checks made so far.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "anneal/functions.h"
#include "conform/compare.h"
#include "conform/conform.h"
#include "programs/session.h"

namespace anneal::conform {

class Entry {
 public:
  Entry(const nlohmann::json& json, const io::SafeTensors& tensors, std::string name,
        const ConformOptions& options)
      : json_(json), tensors_(tensors), name_(std::move(name)), options_(options) {}

  const std::string& name() const { return name_; }
  const nlohmann::json& json() const { return json_; }
  const io::SafeTensors& tensors() const { return tensors_; }
  bool in_f64() const { return options_.in_f64; }

  const io::TensorView& view(const std::string& tensor) const;  // raises when it is not there
  Tensor load(const std::string& tensor) const;

  // Their values, computed together. Raises when that takes many minutes: a few numbers of an entry are
  // enough to ask for it.
  std::vector<programs::Array> evaluate(const std::vector<Tensor>& values) const;

  void fail(const std::string& what, const std::string& message);
  void check(const std::string& what, const ir::BufferData& got, const io::TensorView& reference,
             const Tolerance& tolerance);
  // A shape that is known before anything is computed; false when it is wrong.
  bool check_shape(const std::string& what, const Tensor& got, const io::TensorView& reference);

  const std::vector<std::string>& failures() const { return failures_; }
  double worst() const { return worst_; }
  size_t gradients() const { return gradients_; }
  void count_gradients(size_t count) { gradients_ += count; }

 private:
  const nlohmann::json& json_;
  const io::SafeTensors& tensors_;
  std::string name_;
  const ConformOptions& options_;
  std::vector<std::string> failures_;
  double worst_ = 0;
  size_t gradients_ = 0;
};

// An entry of an op of the table.
void run_op(Entry& entry, const std::string& op);
// An entry with op "model".
void run_model(Entry& entry);

// A folder with a published GPT-2 and a reference beside it (checkpoint.cc).
bool is_checkpoint_folder(const std::string& path);
ConformReport run_checkpoint(const std::string& folder, const ConformOptions& options);

// The first line of an error's text, without its kind.
std::string first_line(const std::string& text);

}  // namespace anneal::conform
