// SPDX-License-Identifier: MIT
// The programs that were compiled for a run, as texts: their graphs, their schedules, and each kernel once,
// in the order in which they came up. Equal runs give equal texts. Tested by recorder_test.cc.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "bundles/manifest.h"
#include "runtime/context.h"

namespace anneal::bundles {

class ProgramLog {
 public:
  struct Kernel {
    std::string file, text;  // "K0012.ir": the kernel as it is parsed again, then its loops as remarks
  };

  // What a context tells to (runtime::Settings::made); this must live as long as it does.
  runtime::Observer observer();
  void add(ir::Graph& graph, const plan::Request& request, const plan::Planned& planned);

  size_t programs() const { return graphs_.size(); }
  const std::vector<Kernel>& kernels() const { return kernels_; }
  const std::map<std::string, Bounds>& dims() const { return dims_; }
  std::string graphs_text() const;     // graph.json
  std::string schedules_text() const;  // schedule.json
  // Of the files of all kernels, one behind the other: cat kernels/* | sha256sum.
  std::string hash() const;

 private:
  std::vector<std::string> graphs_, schedules_;  // JSON of each program
  std::vector<Kernel> kernels_;
  std::map<std::string, size_t> numbers_;  // by text
  std::map<std::string, Bounds> dims_;
};

std::string hash_of(const std::string& text);  // SHA-256

}  // namespace anneal::bundles
