// SPDX-License-Identifier: MIT
// The benchmark table: ./dev bench [--json] [--filter RE]. Exit code 1 when a row misses its target.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <regex>

#include "anneal/error.h"
#include "bench/bench.h"
#include "cli/json.h"
#include "cli/options.h"

namespace anneal::bench {

double min_seconds(int repetitions, const std::function<void()>& f, const std::function<void()>& prepare) {
  double least = 1e300;
  for (int i = 0; i < repetitions; ++i) {
    prepare();
    const auto begin = std::chrono::steady_clock::now();
    f();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    least = std::min(least, taken.count());
  }
  return least;
}

namespace {

bool lacks_peer(const Row& row, const Result& r) { return row.against == Against::kPeer && r.peer == 0; }

// A row whose peer is not installed has nothing to miss.
bool meets(const Row& row, const Result& r) {
  if (lacks_peer(row, r)) return true;
  const double value = row.against == Against::kPeer ? r.value / r.peer : r.value;
  return row.better == Better::kLower ? value <= row.target : value >= row.target;
}

void print_row(const Row& row, const Result& r, bool json) {
  const bool ok = meets(row, r);
  if (json) {
    cli::Json line{{"row", row.name}, {"value", r.value}, {"unit", row.unit}, {"target", row.target}};
    line["peer"] = r.peer != 0 ? cli::Json(r.peer) : cli::Json(nullptr);
    line["ratio"] = r.peer != 0 ? cli::Json(r.value / r.peer) : cli::Json(nullptr);
    line["target_of"] = row.against == Against::kPeer ? "peer" : "value";
    line["ok"] = lacks_peer(row, r) ? cli::Json(nullptr) : cli::Json(ok);
    fmt::print("{}\n", line.dump());
  } else {
    const std::string target =
        fmt::format("{} {:g}{}", row.better == Better::kLower ? "<=" : ">=", row.target,
                    row.against == Against::kPeer ? "x" : "");
    const std::string peer = r.peer != 0 ? fmt::format("{:.3g} ({:.2f}x)", r.peer, r.value / r.peer) : "-";
    fmt::print("{:<44} {:>10.4g} {:<10} {:>10}  {:<16} {}\n", row.name, r.value, row.unit, target, peer,
               lacks_peer(row, r) ? "no peer"
               : ok               ? "ok"
                                  : "MISSED");
  }
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  cli::Options options("The benchmark table: one thread, minimum over repetitions.", "anneal_bench",
                       "anneal_bench --json --filter simplify");
  bool json = false;
  std::string filter;
  options.flag("--json", json, "one JSON object a line");
  options.option("--filter", filter, "only the rows whose name matches this regular expression");
  if (!options.parse({argv + 1, argv + argc})) return 0;
  std::regex wanted;
  try {
    wanted = std::regex(filter);
  } catch (const std::regex_error& e) {
    fmt::print(stderr, "error: --filter: {}\n", e.what());
    return 1;
  }
  if (!json)
    fmt::print("{:<44} {:>10} {:<10} {:>10}  {:<16} {}\n", "row", "value", "unit", "target", "peer", "");
  bool all_ok = true;
  int rows = 0;
  std::vector<Row> rows_of_all = graph_rows();
  for (Row& row : cpu_rows()) rows_of_all.push_back(std::move(row));
  for (Row& row : contraction_rows()) rows_of_all.push_back(std::move(row));
  for (Row& row : attention_rows()) rows_of_all.push_back(std::move(row));
  for (Row& row : schedule_rows()) rows_of_all.push_back(std::move(row));
  for (Row& row : runtime_rows()) rows_of_all.push_back(std::move(row));
  for (Row& row : model_rows()) rows_of_all.push_back(std::move(row));
  for (Row& row : use_rows()) rows_of_all.push_back(std::move(row));
  for (const Row& row : rows_of_all) {
    if (!filter.empty() && !std::regex_search(row.name, wanted)) continue;
    const Result r = row.run();
    print_row(row, r, json);
    all_ok = all_ok && meets(row, r);
    ++rows;
  }
  if (rows == 0) {
    fmt::print(stderr, "error: no row matches '{}'\n", filter);
    return 1;
  }
  return all_ok ? 0 : 1;
}

}  // namespace
}  // namespace anneal::bench

int main(int argc, char** argv) {
  try {
    return anneal::bench::run(argc, argv);
  } catch (const anneal::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
