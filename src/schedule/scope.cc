// SPDX-License-Identifier: MIT
#include "schedule/scope.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "schedule/cost.h"
#include "schedule/fit.h"
#include "support/check.h"

namespace anneal::schedule {

namespace {

// -- What is inlined --

constexpr double kCheapWork = 2;       // a cast, a scale, a mask: made again wherever it is used
constexpr double kExpensiveWork = 8;   // an exp or tanh: made once where it would be needed many times
constexpr double kRecomputeWork = 40;  // made again at each position rather than written and read
constexpr double kFewElements = 64;    // made again for each work item
constexpr double kMostWork = 500;      // even what reads nothing is stored before it grows without end

// What an inlined value costs its user for an element.
struct Cone {
  double work = 0;
  std::vector<uint32_t>
      whole_reads;  // values in memory that are about as large as it is or larger; a few at most
};

class Inliner {
 public:
  Inliner(const ValueGraph& values, Fuse fuse)
      : values_(values), fuse_(fuse), cones_(values.values().size()) {}

  std::vector<bool> run() {
    const std::vector<Value>& all = values_.values();
    std::vector<bool> inlined(all.size(), false);
    for (uint32_t i = 0; i < all.size(); ++i) {
      const Value& v = all[i];
      if (v.kind == ValueKind::kLeaf) continue;
      Cone& cone = cones_[i];
      cone.work = v.work;
      for (const Read& r : v.reads) {
        const Value& from = all[r.producer];
        if (inlined[r.producer]) {
          cone.work += cones_[r.producer].work;
          for (uint32_t w : cones_[r.producer].whole_reads)
            if (all[w].elements > 0.5 * v.elements) note(cone, w);
        } else if (from.elements > 0.5 * v.elements) {
          note(cone, r.producer);
        }
      }
      const bool unused = v.users.empty() && !v.root;
      inlined[i] = unused || (v.kind == ValueKind::kMap && !v.root && inline_it(v, cone));
    }
    return inlined;
  }

 private:
  static void note(Cone& cone, uint32_t read) {
    const bool known =
        std::find(cone.whole_reads.begin(), cone.whole_reads.end(), read) != cone.whole_reads.end();
    if (!known && cone.whole_reads.size() < 4) cone.whole_reads.push_back(read);
  }

  // A user that reads it at several positions makes it again at each.
  size_t uses_of(const Value& v) const {
    size_t uses = 0;
    for (uint32_t u : v.users)
      for (const Read& r : values_[u].reads) uses += &values_[r.producer] == &v;
    return uses;
  }

  // A bias or a cast of the result of a contraction, which nobody else reads: made where that is stored,
  // once.
  bool rides_behind(const Value& v) const {
    return std::any_of(v.reads.begin(), v.reads.end(), [&](const Read& r) {
      const Value& from = values_[r.producer];
      return from.kind == ValueKind::kContract && from.users.size() == 1 && !from.root && r.in_step &&
             r.axes == all_axes(v.space);
    });
  }

  bool inline_it(const Value& v, const Cone& cone) const {
    if (cone.work > kMostWork && uses_of(v) > 1) return false;
    if (cone.whole_reads.empty()) return true;  // positions, masks, random bits: never in memory
    const bool few = v.elements <= kFewElements &&
                     std::all_of(v.reads.begin(), v.reads.end(),
                                 [&](const Read& r) { return values_[r.producer].elements <= kFewElements; });
    if (few) return true;
    if (fuse_ == Fuse::kNone) return false;
    if (rides_behind(v)) return false;
    const size_t uses = uses_of(v);
    double times = 0;  // most often that one element is used
    bool packed = false, ordered = false;
    for (uint32_t u : v.users) {
      times = std::max(times, values_[u].positions / std::max(1.0, v.elements));
      packed = packed || values_[u].kind == ValueKind::kContract;
      ordered = ordered || values_[u].kind == ValueKind::kOrdered;
    }
    if (uses == 1 && times <= 1) return !ordered || cone.work <= kExpensiveWork;
    if (cone.whole_reads.size() > 1) return false;
    if (packed || ordered || times > 1) return cone.work < (uses == 1 ? kExpensiveWork : kCheapWork);
    return cone.work <= kRecomputeWork;
  }

  const ValueGraph& values_;
  const Fuse fuse_;
  std::vector<Cone> cones_;
};

// -- Groups --

class Grouper {
 public:
  Grouper(const ValueGraph& values, const device::Caps& caps, const std::vector<bool>& alone)
      : values_(values), caps_(caps), alone_(alone) {
    const std::vector<Value>& all = values.values();
    out_.group_of.assign(all.size(), -1);
    out_.stored.assign(all.size(), false);
    for (uint32_t i = 0; i < all.size(); ++i) {
      const Value& v = all[i];
      if (v.kind == ValueKind::kLeaf || v.inlined || (!v.root && v.users.empty())) continue;
      out_.group_of[i] = static_cast<int32_t>(groups_.size());
      place_.push_back(static_cast<int32_t>(groups_.size()));
      order_.push_back(place_.back());
      groups_.push_back(single(values, i));
    }
    version_.assign(groups_.size(), 0);
    seconds_.assign(groups_.size(), -1);
  }

  Scopes apart() {
    finish();
    return std::move(out_);
  }

  // All that is legal in the order of the program, or, of that, what gains time.
  Scopes in_order(bool by_model) {
    by_model_ = by_model;
    join_producers();
    join_siblings();
    join_producers();
    finish();
    return std::move(out_);
  }

  // What gains most time, first.
  Scopes by_gain() {
    by_model_ = true;
    join_by_gain();
    finish();
    return std::move(out_);
  }

 private:
  // -- In the order of the program --

  // Every value with the groups it reads, nearest first.
  void join_producers() {
    for (uint32_t i = 0; i < values_.values().size(); ++i) {
      if (out_.group_of[i] < 0) continue;
      std::vector<Read> reads = values_[i].reads;
      std::sort(reads.begin(), reads.end(), [&](const Read& a, const Read& b) {
        const double x = values_[a.producer].elements, y = values_[b.producer].elements;
        return x != y ? x > y : a.producer < b.producer;
      });
      for (const Read& r : reads) try_join(r.producer, i, true);
    }
  }

  void join_siblings() {
    each_sibling([&](uint32_t a, uint32_t b) { try_join(a, b, false); });
  }

  // Values that read the same value, pairwise along its list of users.
  template <typename Visit>
  void each_sibling(const Visit& visit) const {
    for (const Value& v : values_.values()) {
      if (v.users.size() < 2) continue;
      for (size_t i = 0; i < v.users.size(); ++i)
        for (size_t j = i + 1; j < v.users.size() && j < i + 8; ++j)
          if (out_.group_of[v.users[i]] >= 0 && out_.group_of[v.users[j]] >= 0) visit(v.users[i], v.users[j]);
    }
  }

  void try_join(uint32_t producer, uint32_t consumer, bool reads) {
    Move move{producer, consumer, reads};
    if (!is_open(move)) return;
    Fit fit = fit_of(move);
    if (by_model_) weigh(move, fit);
    if (fit.reason.empty() && lies_between(group_of(producer), group_of(consumer))) fit.reason = kBetween;
    log(move, fit.reason);
    if (fit.reason.empty()) merge(group_of(producer), group_of(consumer), fit);
  }

  // -- What gains most, first --

  // Two groups that could become one, by a member of each.
  struct Move {
    uint32_t producer, consumer;
    bool reads;            // one the other, not both the same
    double gain = 0;       // modelled seconds
    uint32_t version = 0;  // of the younger of the two groups when the gain was worked out
    bool operator<(const Move& o) const {
      if (gain != o.gain) return gain < o.gain;
      return std::tie(producer, consumer) > std::tie(o.producer, o.consumer);
    }
  };

  // Joining two groups can make others fit, so it goes on until a round changes nothing. That round logs what
  // stays apart.
  void join_by_gain() {
    for (bool changed = true; changed;) {
      changed = false;
      for (Move& move : moves()) queue_.push_back(move);
      std::make_heap(queue_.begin(), queue_.end());
      while (!queue_.empty()) {
        std::pop_heap(queue_.begin(), queue_.end());
        const Move move = queue_.back();
        queue_.pop_back();
        changed = take(move) || changed;
      }
    }
    for (const auto& [move, reason] : vetoes_) log(move, reason);
  }

  std::vector<Move> moves() {
    vetoes_.clear();
    std::vector<Move> out;
    const auto add = [&](uint32_t producer, uint32_t consumer, bool reads) {
      Move move{producer, consumer, reads};
      if (is_open(move) && is_worth_it(move)) out.push_back(move);
    };
    for (uint32_t i = 0; i < values_.values().size(); ++i)
      if (out_.group_of[i] >= 0)
        for (const Read& r : values_[i].reads) add(r.producer, i, true);
    each_sibling([&](uint32_t a, uint32_t b) { add(a, b, false); });
    return out;
  }

  bool is_worth_it(Move& move) {
    Fit fit = fit_of(move);
    weigh(move, fit);
    move.version = version_of(move);
    if (!fit.reason.empty()) vetoes_.emplace_back(move, fit.reason);
    return fit.reason.empty();
  }

  bool take(Move move) {
    if (!is_open(move)) return false;
    if (version_of(move) != move.version) {
      if (is_worth_it(move)) {
        queue_.push_back(move);
        std::push_heap(queue_.begin(), queue_.end());
      }
      return false;
    }
    const int32_t p = group_of(move.producer), c = group_of(move.consumer);
    if (lies_between(p, c)) {
      vetoes_.emplace_back(move, kBetween);
      return false;
    }
    log(move, {});
    merge(p, c, fit_of(move));
    return true;
  }

  uint32_t version_of(const Move& move) const {
    return std::max(version_[static_cast<size_t>(group_of(move.producer))],
                    version_[static_cast<size_t>(group_of(move.consumer))]);
  }

  // -- For both --

  // The gain of a legal move, which must be one.
  void weigh(Move& move, Fit& fit) {
    if (!fit.reason.empty()) return;
    const Group joined = united(group(move.producer), group(move.consumer), fit);
    move.gain = seconds(group_of(move.producer)) + seconds(group_of(move.consumer)) -
                group_cost(values_, joined, caps_).seconds;
    if (move.gain <= 0) fit.reason = "apart they take less time";
  }
  double seconds(int32_t g) {
    double& known = seconds_[static_cast<size_t>(g)];
    if (known < 0) known = group_cost(values_, groups_[static_cast<size_t>(g)], caps_).seconds;
    return known;
  }

  static constexpr const char* kBetween = "another kernel lies between them";

  int32_t group_of(uint32_t v) const { return out_.group_of[v]; }
  const Group& group(uint32_t v) const { return groups_[static_cast<size_t>(group_of(v))]; }
  bool is_open(const Move& move) const {
    const int32_t p = group_of(move.producer), c = group_of(move.consumer);
    if (p < 0 || c < 0 || p == c) return false;
    return alone_.empty() || (!alone_[move.producer] && !alone_[move.consumer]);
  }
  Fit fit_of(const Move& move) const { return fits(values_, group(move.producer), group(move.consumer)); }

  void log(const Move& move, std::string reason) {
    const bool fused = reason.empty();
    if (fused) reason = move.reads ? "the consumer takes it in step" : "they read the same value in step";
    out_.log.push_back({move.producer, move.consumer, fused, std::move(reason), move.gain});
  }

  static Group united(const Group& from, const Group& to, const Fit& fit) {
    Group out{fit.kind, {}, fit.space, fit.reduced};
    std::merge(from.members.begin(), from.members.end(), to.members.begin(), to.members.end(),
               std::back_inserter(out.members));
    return out;
  }

  void merge(int32_t p, int32_t c, const Fit& fit) {
    Group& from = groups_[static_cast<size_t>(p)];
    Group& to = groups_[static_cast<size_t>(c)];
    to = united(from, to, fit);
    version_[static_cast<size_t>(c)] = ++merges_;
    seconds_[static_cast<size_t>(c)] = -1;
    for (uint32_t v : from.members) out_.group_of[v] = c;
    from.members.clear();
    close_up(p, c);
  }

  // Groups stand in an order in which each comes after what it reads, so a path from the earlier of two to
  // the later one lies between them. Notes what the earlier one reaches there, for close_up().
  bool lies_between(int32_t a, int32_t b) {
    const int32_t first = place(a) < place(b) ? a : b, last = first == a ? b : a;
    reached_.assign(static_cast<size_t>(place(last) - place(first)) + 1, false);
    std::vector<int32_t> stack{first};
    while (!stack.empty()) {
      const int32_t g = stack.back();
      stack.pop_back();
      for (uint32_t v : groups_[static_cast<size_t>(g)].members)
        for (uint32_t u : values_[v].users) {
          const int32_t next = out_.group_of[u];
          if (next == g || place(next) > place(last)) continue;
          if (next == last && g != first) return true;
          const auto at = static_cast<size_t>(place(next) - place(first));
          if (next == last || reached_[at]) continue;
          reached_[at] = true;
          stack.push_back(next);
        }
    }
    return false;
  }

  // The two become one at the place of the later, and what the earlier one reaches in between moves behind.
  void close_up(int32_t gone, int32_t stays) {
    const int32_t begin = std::min(place(gone), place(stays)), end = std::max(place(gone), place(stays));
    std::vector<int32_t> behind;
    int32_t to = begin;
    for (int32_t at = begin; at <= end; ++at) {
      const int32_t g = order_[static_cast<size_t>(at)];
      if (g == gone || g == stays) continue;
      if (reached_[static_cast<size_t>(at - begin)])
        behind.push_back(g);
      else
        put(g, to++);
    }
    put(stays, to++);
    for (int32_t g : behind) put(g, to++);
    put(gone, to);  // empty from now on
  }

  int32_t place(int32_t g) const { return place_[static_cast<size_t>(g)]; }
  void put(int32_t g, int32_t at) {
    order_[static_cast<size_t>(at)] = g;
    place_[static_cast<size_t>(g)] = at;
  }

  // Groups in an order in which each comes after what it reads; among those that could be next, the one whose
  // last member is the earliest in the program.
  void finish() {
    const std::vector<Value>& all = values_.values();
    std::vector<int32_t> waits(groups_.size(), 0);  // reads of other groups not yet out
    const auto each_read = [&](int32_t g, const auto& visit) {
      for (uint32_t v : groups_[static_cast<size_t>(g)].members)
        for (const Read& r : all[v].reads)
          if (const int32_t from = out_.group_of[r.producer]; from >= 0 && from != g) visit(from);
    };
    std::vector<std::vector<int32_t>> readers(groups_.size());
    const auto later = [&](int32_t a, int32_t b) {
      return groups_[static_cast<size_t>(a)].members.back() > groups_[static_cast<size_t>(b)].members.back();
    };
    std::vector<int32_t> ready;
    for (int32_t g = 0; g < static_cast<int32_t>(groups_.size()); ++g) {
      if (groups_[static_cast<size_t>(g)].members.empty()) continue;
      each_read(g, [&](int32_t from) {
        readers[static_cast<size_t>(from)].push_back(g);
        ++waits[static_cast<size_t>(g)];
      });
      if (waits[static_cast<size_t>(g)] == 0) ready.push_back(g);
    }
    std::make_heap(ready.begin(), ready.end(), later);
    std::vector<int32_t> renumbered(groups_.size(), -1);
    while (!ready.empty()) {
      std::pop_heap(ready.begin(), ready.end(), later);
      const int32_t g = ready.back();
      ready.pop_back();
      renumbered[static_cast<size_t>(g)] = static_cast<int32_t>(out_.groups.size());
      out_.groups.push_back(groups_[static_cast<size_t>(g)]);
      for (int32_t reader : readers[static_cast<size_t>(g)]) {
        if (--waits[static_cast<size_t>(reader)] != 0) continue;
        ready.push_back(reader);
        std::push_heap(ready.begin(), ready.end(), later);
      }
    }
    for (int32_t left : waits) ANNEAL_CHECK(left == 0);  // no groups that read each other
    for (uint32_t i = 0; i < all.size(); ++i) {
      int32_t& g = out_.group_of[i];
      if (g < 0) continue;
      out_.stored[i] = all[i].root || std::any_of(all[i].users.begin(), all[i].users.end(), [&](uint32_t u) {
                         return out_.group_of[u] != out_.group_of[i];
                       });
    }
    for (int32_t& g : out_.group_of)
      if (g >= 0) g = renumbered[static_cast<size_t>(g)];
  }

  const ValueGraph& values_;
  const device::Caps& caps_;
  const std::vector<bool>& alone_;
  bool by_model_ = false;
  std::vector<Group> groups_;           // some emptied by merging
  std::vector<int32_t> order_, place_;  // of groups: what they read comes before them
  std::vector<bool> reached_;           // by place, from that of the group asked for
  std::vector<uint32_t> version_;       // by group: the number of the merge that made it
  uint32_t merges_ = 0;
  std::vector<double> seconds_;                       // by group: modelled, or -1
  std::vector<Move> queue_;                           // a heap
  std::vector<std::pair<Move, std::string>> vetoes_;  // of the last round
  Scopes out_;
};

}  // namespace

std::vector<bool> choose_inlined(const ValueGraph& values, Fuse fuse) { return Inliner(values, fuse).run(); }

Scopes choose_scopes(const ValueGraph& values, Fuse fuse, const device::Caps& caps,
                     const std::vector<bool>& alone) {
  if (fuse == Fuse::kNone) return Grouper(values, caps, alone).apart();
  Scopes in_order = Grouper(values, caps, alone).in_order(fuse == Fuse::kModel);
  if (fuse == Fuse::kGreedy) return in_order;
  // Several small gains may be worth more than the large one that they rule out, so both orders are tried.
  Scopes by_gain = Grouper(values, caps, alone).by_gain();
  const auto seconds = [&](const Scopes& scopes) {
    double sum = 0;
    for (const Group& g : scopes.groups) sum += group_cost(values, g, caps).seconds;
    return sum;
  };
  return seconds(by_gain) < seconds(in_order) ? by_gain : in_order;
}

}  // namespace anneal::schedule
