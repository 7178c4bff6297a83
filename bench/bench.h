// SPDX-License-Identifier: MIT
// Rows of the benchmark table. A row measures one thing, says its unit and its target, and may measure a peer
// beside it in the same run. Times are the minimum over repetitions: the machine is shared, the minimum is
// what the code costs.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace anneal::bench {

enum class Better { kLower, kHigher };
enum class Against { kNumber, kPeer };  // what a target is a multiple of

struct Result {
  double value = 0;
  double peer = 0;  // 0: no peer
};

struct Row {
  std::string name, unit;
  Better better;
  double target;
  std::function<Result()> run;
  Against against = Against::kNumber;
};

// The rows of each topic, in the order of the table.
std::vector<Row> graph_rows();
std::vector<Row> cpu_rows();
std::vector<Row> contraction_rows();
std::vector<Row> attention_rows();
std::vector<Row> schedule_rows();
std::vector<Row> runtime_rows();
std::vector<Row> model_rows();
std::vector<Row> use_rows();

// The least time of `f` in seconds over `repetitions`; `prepare` runs before each and is not timed.
double min_seconds(
    int repetitions, const std::function<void()>& f, const std::function<void()>& prepare = [] {});

// The time that all threads of the process together take to read memory once.
double read_seconds(const void* memory, size_t bytes);

// Keeps a value from being optimised away.
inline void keep(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

}  // namespace anneal::bench
