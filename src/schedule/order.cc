// SPDX-License-Identifier: MIT
#include "schedule/order.h"

#include <algorithm>
#include <tuple>

#include "support/check.h"

namespace anneal::schedule {

namespace {

constexpr uint32_t kNobody = ~0u;

class Orderer {
 public:
  Orderer(const ValueGraph& values, const std::vector<Launch>& launches)
      : values_(values),
        launches_(launches),
        jobs_(launches.size()),
        writer_(values.values().size(), kNobody),
        readers_(values.values().size()) {
    for (uint32_t l = 0; l < launches.size(); ++l) describe(l);
    for (uint32_t l = 0; l < launches.size(); ++l)
      for (uint32_t v : jobs_[l].reads)
        if (writer_[v] != kNobody && writer_[v] != l) add_edge(writer_[v], l);
  }

  // Readers of the leaf before the writer of the root.
  void add_hazards(std::span<const Overwrite> overwrites) {
    for (const Overwrite& o : overwrites) {
      if (!o.granted) continue;
      const uint32_t writer = writer_[o.root];
      for (uint32_t reader : readers_[o.leaf])
        if (reader != writer) add_edge(reader, writer);
    }
  }

  // The launches that could be ordered: all of them unless there is a cycle.
  std::vector<uint32_t> run() {
    find_paths();
    std::vector<uint32_t> waits(jobs_.size(), 0), ready, order;
    for (const Job& job : jobs_)
      for (uint32_t next : job.next) ++waits[next];
    left_.resize(readers_.size());
    for (size_t v = 0; v < readers_.size(); ++v) left_[v] = static_cast<uint32_t>(readers_[v].size());
    for (uint32_t l = 0; l < jobs_.size(); ++l)
      if (waits[l] == 0) ready.push_back(l);
    while (!ready.empty()) {
      const auto best = choose(ready);
      const uint32_t l = *best;
      *best = ready.back();
      ready.pop_back();
      order.push_back(l);
      for (uint32_t v : jobs_[l].reads) --left_[v];
      for (uint32_t next : jobs_[l].next)
        if (--waits[next] == 0) ready.push_back(next);
    }
    return order;
  }

 private:
  struct Job {
    std::vector<uint32_t> reads, writes;  // values, each once
    std::vector<uint32_t> next;
    support::Key key;
    double seconds = 0, path = 0;
  };

  void describe(uint32_t l) {
    Job& job = jobs_[l];
    support::Hasher h;
    const ir::Graph& graph = values_.graph();
    for (const Kernel& k : launches_[l].parts) {
      job.seconds += k.cost.seconds;
      h.add(graph.key(k.sink));
      for (const Slot& slot : k.slots) (slot.written ? job.writes : job.reads).push_back(slot.value);
    }
    for (std::vector<uint32_t>* list : {&job.reads, &job.writes}) {
      std::sort(list->begin(), list->end());
      list->erase(std::unique(list->begin(), list->end()), list->end());
    }
    for (uint32_t v : job.reads) readers_[v].push_back(l);
    for (uint32_t v : job.writes) {
      writer_[v] = l;
      h.add(graph.key(values_[v].node));
    }
    job.key = h.finish();
  }

  void add_edge(uint32_t from, uint32_t to) { jobs_[from].next.push_back(to); }

  // The time from the start of each launch to the end of the program. On a cycle it stays what it was.
  void find_paths() {
    std::vector<uint32_t> waits(jobs_.size(), 0), order;
    for (const Job& job : jobs_)
      for (uint32_t next : job.next) ++waits[next];
    for (uint32_t l = 0; l < jobs_.size(); ++l)
      if (waits[l] == 0) order.push_back(l);
    for (size_t i = 0; i < order.size(); ++i)
      for (uint32_t next : jobs_[order[i]].next)
        if (--waits[next] == 0) order.push_back(next);
    for (size_t i = order.size(); i-- > 0;) {
      Job& job = jobs_[order[i]];
      double longest = 0;
      for (uint32_t next : job.next) longest = std::max(longest, jobs_[next].path);
      job.path = job.seconds + longest;
    }
  }

  double bytes_of(uint32_t v) const {
    return values_[v].elements * static_cast<double>(dtype_size(values_.graph().dtype(values_[v].node)));
  }

  // Bytes given back less bytes taken when this launch runs now.
  double gain(const Job& job) const {
    double gain = 0;
    for (uint32_t v : job.reads)
      if (left_[v] == 1 && values_[v].kind != ValueKind::kLeaf && !values_[v].root) gain += bytes_of(v);
    for (uint32_t v : job.writes) gain -= bytes_of(v);
    return gain;
  }

  std::vector<uint32_t>::iterator choose(std::vector<uint32_t>& ready) const {
    const auto rank = [&](uint32_t l) {
      const Job& job = jobs_[l];
      const double freed = gain(job);
      const bool frees = freed >= 0;
      return std::tuple(frees, frees ? freed : job.path, frees ? job.path : freed, job.key);
    };
    auto best = ready.begin();
    auto best_rank = rank(*best);
    for (auto it = ready.begin() + 1; it != ready.end(); ++it)
      if (auto r = rank(*it); r > best_rank) {
        best = it;
        best_rank = r;
      }
    return best;
  }

  const ValueGraph& values_;
  const std::vector<Launch>& launches_;
  std::vector<Job> jobs_;
  std::vector<uint32_t> writer_;                // launch, by value
  std::vector<std::vector<uint32_t>> readers_;  // launches, by value
  std::vector<uint32_t> left_;                  // readers that are still to run, by value
};

// Overwrites whose writer an order leaves out stand in a cycle, or behind one.
void refuse_stuck(std::span<Overwrite> overwrites, const std::vector<Launch>& launches,
                  const std::vector<uint32_t>& order) {
  std::vector<bool> done(launches.size(), false);
  for (uint32_t l : order) done[l] = true;
  for (uint32_t l = 0; l < launches.size(); ++l) {
    if (done[l]) continue;
    for (const Kernel& k : launches[l].parts)
      for (const Slot& slot : k.slots)
        for (Overwrite& o : overwrites)
          if (slot.written && slot.value == o.root) o.granted = false;
  }
}

}  // namespace

void order_launches(const ValueGraph& values, std::vector<Launch>& launches,
                    std::span<Overwrite> overwrites) {
  std::vector<uint32_t> order;
  for (;;) {
    Orderer orderer(values, launches);
    orderer.add_hazards(overwrites);
    order = orderer.run();
    if (order.size() == launches.size()) break;
    const auto granted = [](const Overwrite& o) { return o.granted; };
    const auto before = std::count_if(overwrites.begin(), overwrites.end(), granted);
    refuse_stuck(overwrites, launches, order);
    ANNEAL_CHECK(std::count_if(overwrites.begin(), overwrites.end(), granted) < before);
  }
  std::vector<Launch> ordered;
  for (uint32_t l : order) ordered.push_back(std::move(launches[l]));
  launches = std::move(ordered);
}

}  // namespace anneal::schedule
