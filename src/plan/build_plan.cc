// SPDX-License-Identifier: MIT
#include "plan/build_plan.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <unordered_map>

#include "anneal/error.h"
#include "ir/dims.h"
#include "ir/kernel.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "loop/lower.h"
#include "loop/print.h"
#include "plan/arena.h"
#include "plan/check_plan.h"
#include "plan/guards.h"
#include "plan/in_place.h"
#include "plan/print.h"
#include "schedule/describe.h"
#include "schedule/order.h"
#include "support/check.h"
#include "support/dump.h"

namespace anneal::plan {

using ir::Node;
using schedule::Kernel;
using schedule::Launch;
using schedule::Schedule;
using schedule::Slot;
using schedule::ValueKind;
using support::StageId;

namespace {

constexpr uint32_t kNone = ~0u;

class Planner {
 public:
  Planner(ir::Graph& graph, const Request& request, const device::Caps& caps, const PlanOptions& options)
      : graph_(graph), request_(request), caps_(caps), options_(options) {}

  Planned run() {
    const auto begin = std::chrono::steady_clock::now();
    out_.schedule = schedule::make_schedule(graph_, request_.roots, caps_,
                                            {.fuse = options_.fuse, .replaced = request_.updates});
    out_.schedule_ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    plan_.vars = find_variables(graph_, request_.roots);
    plan_.guards = find_guards(graph_, request_.roots, plan_.vars);
    for (const Variable& v : plan_.vars) names_.push_back(v.name);
    block_of_.assign(values().values().size(), kNone);
    drop_empty_kernels();
    clock_.enter(StageId::kPlan);
    add_inputs();
    clock_.enter(StageId::kOrder);
    order();
    clock_.enter(StageId::kPlan);
    add_results();
    find_lives();
    place();
    lower();
    clock_.leave();
    show_stages();
    if (const std::string bad = check_plan(plan_); !bad.empty()) ANNEAL_CHECK_MSG(false, bad.c_str());
    return std::move(out_);
  }

 private:
  const schedule::ValueGraph& values() const { return *out_.schedule.values; }
  std::vector<Launch>& launches() { return out_.schedule.launches; }
  bool is_leaf(uint32_t v) const { return values()[v].kind == ValueKind::kLeaf; }

  void show_stages() const {
    clock_.show(StageId::kOrder, std::to_string(out_.schedule.launches.size()) + " launches",
                [&] { return schedule::describe_order(out_.schedule.launches); });
    clock_.show(StageId::kPlan, std::to_string(plan_.arena_bytes) + " bytes of arena",
                [&] { return print(plan_); });
    const auto each = [&](std::string (*print)(const ir::Graph&, const loop::Program&)) {
      std::string text;
      for (size_t i = 0; i < out_.programs.size(); ++i)
        text += "# program " + std::to_string(i) + "\n" + print(graph_, out_.programs[i]) + "\n";
      return text;
    };
    const std::string count = std::to_string(out_.programs.size()) + " programs";
    clock_.show(StageId::kLoops, count, [&] { return each(loop::print); });
    clock_.show(StageId::kContractions, count, [&] { return each(loop::print_contractions); });
  }

  // -- Values --

  uint64_t bytes_of(Node n) {
    const auto size = static_cast<int64_t>(dtype_size(graph_.dtype(n)));
    const int64_t elements = ir::dim_max(graph_, ir::dim_product(graph_, graph_.shape(n)));
    if (elements > INT64_MAX / 2 / size)
      raise(ErrorCode::kLimit, "the memory of " + ir::type_text(graph_, n) + " has no bound");
    return static_cast<uint64_t>(elements * size);
  }

  std::string name_of(Node n) const {
    const ir::Origin& origin = graph_.origin(n);
    const std::string &path = graph_.module_path(origin.path), &call = graph_.site(origin.site).call;
    std::string text = path.empty() ? "" : path + ": ";
    if (const auto* param = std::get_if<ir::ParamArg>(&graph_.arg(n)))
      text += param->name.empty() ? "input " + std::to_string(param->index) : param->name;
    else
      text += call.empty() ? std::string(ir::op_text(graph_.op(n))) : call;
    return text + " " + ir::type_text(graph_, n);
  }

  std::vector<Expression> shape_of(Node n) const {
    std::vector<Expression> out;
    for (const ir::Dim& d : graph_.shape(n)) out.emplace_back(graph_, d, names_);
    return out;
  }

  uint32_t add_block(uint32_t v, Place place, uint32_t number) {
    const Node n = values()[v].node;
    plan_.blocks.push_back({place, number, 0, bytes_of(n), name_of(n)});
    return static_cast<uint32_t>(plan_.blocks.size() - 1);
  }

  // A kernel over no elements has no statement.
  void drop_empty_kernels() {
    for (Launch& launch : launches())
      std::erase_if(launch.parts, [&](const Kernel& k) { return graph_.sources(k.sink).empty(); });
    std::erase_if(launches(), [](const Launch& launch) { return launch.parts.empty(); });
  }

  void add_inputs() {
    plan_.inputs.resize(request_.inputs);
    leaf_of_.assign(request_.inputs, kNone);
    for (uint32_t v = 0; v < values().values().size(); ++v) {
      if (!is_leaf(v)) continue;
      const auto* param = std::get_if<ir::ParamArg>(&graph_.arg(values()[v].node));
      ANNEAL_CHECK(param != nullptr && param->index < static_cast<int64_t>(request_.inputs));
      const auto number = static_cast<uint32_t>(param->index);
      leaf_of_[number] = v;
      block_of_[v] = add_block(v, Place::kInput, number);
    }
    for (Node n : ir::postorder(graph_, request_.roots)) {
      const auto* param = std::get_if<ir::ParamArg>(&graph_.arg(n));
      if (param == nullptr) continue;
      plan_.inputs[static_cast<size_t>(param->index)] = {graph_.dtype(n), shape_of(n), bytes_of(n),
                                                         name_of(n)};
    }
  }

  // -- Order, and what may be overwritten --

  // The slots of a kernel as numbers, and whether one may lie in the memory of the other.
  bool one_to_one(const Kernel& kernel, uint32_t read, uint32_t written) {
    const uint64_t pair = uint64_t{read} << 32 | written;
    const auto [it, is_new] = one_to_one_.try_emplace({kernel.sink.id, pair}, false);
    if (is_new) it->second = maps_one_to_one(graph_, kernel.sink, read, written);
    return it->second;
  }

  bool same_size(uint32_t a, uint32_t b) {
    const Node x = values()[a].node, y = values()[b].node;
    return dtype_size(graph_.dtype(x)) == dtype_size(graph_.dtype(y)) &&
           ir::dim_equal(graph_, ir::dim_product(graph_, graph_.shape(x)),
                         ir::dim_product(graph_, graph_.shape(y))) == ir::Tri::kTrue;
  }

  // The kernel that makes `root` reads the leaf at most where it writes, and no part beside it reads it.
  bool may_overwrite(uint32_t root, uint32_t leaf) {
    for (const Launch& launch : launches())
      for (const Kernel& kernel : launch.parts) {
        const auto written = find_slot(kernel, root, true);
        if (written == kernel.slots.size()) continue;
        for (const Kernel& part : launch.parts) {
          const auto read = find_slot(part, leaf, false);
          if (read == part.slots.size()) continue;
          if (&part != &kernel ||
              !one_to_one(kernel, static_cast<uint32_t>(read), static_cast<uint32_t>(written)))
            return false;
        }
        return true;
      }
    return false;  // made by no kernel: it has no elements
  }

  static size_t find_slot(const Kernel& kernel, uint32_t v, bool written) {
    const auto it = std::find_if(kernel.slots.begin(), kernel.slots.end(),
                                 [&](const Slot& s) { return s.value == v && s.written == written; });
    return static_cast<size_t>(it - kernel.slots.begin());
  }

  void order() {
    const std::vector<uint32_t>& roots = out_.schedule.roots;
    std::vector<schedule::Overwrite> wanted;
    std::vector<uint32_t> inputs;
    for (size_t i = 0; options_.share && i < request_.updates.size(); ++i) {
      if (request_.updates[i] < 0) continue;
      const auto input = static_cast<uint32_t>(request_.updates[i]);
      const uint32_t root = roots[i], leaf = leaf_of_[input];
      if (leaf == kNone || is_leaf(root) || std::count(roots.begin(), roots.end(), root) != 1) continue;
      if (std::count(roots.begin(), roots.end(), leaf) != 0) continue;
      if (!same_size(root, leaf) || !may_overwrite(root, leaf)) continue;
      wanted.push_back({root, leaf});
      inputs.push_back(input);
    }
    if (!wanted.empty()) schedule::order_launches(values(), launches(), wanted);
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (!wanted[i].granted) continue;
      block_of_[wanted[i].root] = add_block(wanted[i].root, Place::kInput, inputs[i]);
      plan_.inputs[inputs[i]].overwritten = true;
    }
  }

  void add_results() {
    for (size_t i = 0; i < request_.roots.size(); ++i) {
      const uint32_t v = out_.schedule.roots[i];
      if (block_of_[v] == kNone) {
        block_of_[v] = add_block(v, Place::kResult, static_cast<uint32_t>(plan_.result_bytes.size()));
        plan_.result_bytes.push_back(plan_.blocks.back().bytes);
      }
      plan_.results.push_back({block_of_[v], graph_.dtype(request_.roots[i]), shape_of(request_.roots[i])});
    }
  }

  // -- The arena --

  struct Life {
    uint32_t first = kNone, last = 0, readers = 0;  // launches; parts of the last one that read it
    uint32_t cell = kNone;
  };

  void find_lives() {
    lives_.resize(values().values().size());
    for (uint32_t t = 0; t < launches().size(); ++t)
      for (const Kernel& kernel : launches()[t].parts)
        for (const Slot& slot : kernel.slots) {
          Life& life = lives_[slot.value];
          if (slot.written)
            life.first = t;
          else
            life.readers = life.last == t ? life.readers + 1 : 1;
          life.last = std::max(life.last, t);
        }
  }

  bool in_arena(uint32_t v) const { return block_of_[v] == kNone; }

  // A value that dies here, in whose memory this kernel may make `v`.
  uint32_t dying_source(const Kernel& kernel, uint32_t t, uint32_t written) {
    const uint32_t v = kernel.slots[written].value;
    for (uint32_t i = 0; i < kernel.slots.size(); ++i) {
      const uint32_t u = kernel.slots[i].value;
      if (kernel.slots[i].written || is_leaf(u) || lives_[u].cell == kNone) continue;
      const Life& life = lives_[u];
      if (life.last != t || life.readers != 1 || taken_[u] || !same_size(u, v)) continue;
      if (one_to_one(kernel, i, written)) return u;
    }
    return kNone;
  }

  void place() {
    std::vector<Cell> cells;
    std::vector<uint32_t> cell_values;
    taken_.assign(lives_.size(), false);
    for (uint32_t t = 0; t < launches().size(); ++t)
      for (const Kernel& kernel : launches()[t].parts)
        for (uint32_t i = 0; i < kernel.slots.size(); ++i) {
          const uint32_t v = kernel.slots[i].value;
          if (!kernel.slots[i].written || !in_arena(v)) continue;
          const uint32_t source = options_.share ? dying_source(kernel, t, i) : kNone;
          if (source != kNone) taken_[source] = true;
          uint32_t& cell = lives_[v].cell;
          cell = source != kNone ? lives_[source].cell : static_cast<uint32_t>(cells.size());
          if (source == kNone) {
            const uint64_t bytes = bytes_of(values()[v].node);
            cells.push_back({aligned(bytes), lives_[v].first, 0, 0});
          }
          cells[cell].last = std::max(cells[cell].last, lives_[v].last);
          cell_values.push_back(v);
        }
    if (!options_.share)
      for (Cell& c : cells) c.first = 0, c.last = static_cast<uint32_t>(launches().size());
    const Packed packed = pack(cells);
    plan_.arena_bytes = cells.empty() ? 0 : packed.bytes;
    plan_.lower_bound = packed.lower_bound;
    for (uint32_t v : cell_values) {
      block_of_[v] = add_block(v, Place::kArena, 0);
      plan_.blocks.back().offset = cells[lives_[v].cell].offset;
    }
  }

  // -- Programs --

  void lower() {
    std::unordered_map<uint32_t, uint32_t> programs;  // by sink
    std::vector<std::vector<uint32_t>> vars;          // by program
    const loop::LowerOptions options{.lanes = caps_.vector_lanes, .onchip_bytes = caps_.onchip_bytes};
    clock_.enter(StageId::kLoops);
    for (const Launch& launch : launches()) {
      for (const Kernel& kernel : launch.parts) {
        const auto [it, is_new] =
            programs.try_emplace(kernel.sink.id, static_cast<uint32_t>(out_.programs.size()));
        if (is_new) {
          out_.programs.push_back(loop::lower_loops(graph_, kernel.sink, options));
          vars.push_back(variable_numbers(out_.programs.back().kernel));
        }
        add_step(kernel, it->second, vars[it->second]);
      }
      ++plan_.launches;
    }
    plan_.programs = static_cast<uint32_t>(out_.programs.size());
    clock_.enter(StageId::kContractions);
    for (loop::Program& program : out_.programs) loop::note_contractions(graph_, program, options);
  }

  std::vector<uint32_t> variable_numbers(Node kernel) const {
    std::vector<uint32_t> out;
    for (Node n : ir::variables_of(graph_, kernel)) {
      const auto at = std::find(names_.begin(), names_.end(), graph_.arg_as<ir::VarArg>(n).name);
      out.push_back(static_cast<uint32_t>(at - names_.begin()));
    }
    return out;
  }

  void add_step(const Kernel& kernel, uint32_t program, const std::vector<uint32_t>& vars) {
    Step step{program,
              plan_.launches,
              static_cast<uint32_t>(plan_.uses.size()),
              static_cast<uint32_t>(kernel.slots.size()),
              static_cast<uint32_t>(plan_.step_vars.size()),
              static_cast<uint32_t>(vars.size()),
              kernel.cost.bytes(),
              kernel.cost.flops,
              kernel.name,
              kernel.forward,
              kernel.backward};
    for (const Slot& slot : kernel.slots) {
      uint32_t& block = block_of_[slot.value];
      if (block == kNone)
        block = add_block(slot.value, Place::kArena, 0);  // without elements: nobody makes it
      plan_.uses.push_back({block, slot.written});
    }
    plan_.step_vars.insert(plan_.step_vars.end(), vars.begin(), vars.end());
    plan_.bytes += step.bytes;
    plan_.flops += step.flops;
    plan_.steps.push_back(std::move(step));
  }

  support::StageClock clock_;
  ir::Graph& graph_;
  const Request& request_;
  const device::Caps& caps_;
  const PlanOptions& options_;
  Planned out_;
  ExecPlan& plan_ = out_.plan;
  std::vector<std::string> names_;  // of variables
  std::vector<uint32_t> block_of_;  // by value
  std::vector<uint32_t> leaf_of_;   // values, by input
  std::vector<Life> lives_;         // by value
  std::vector<bool> taken_;         // by value: another one lies in its memory
  std::map<std::pair<uint32_t, uint64_t>, bool> one_to_one_;
};

}  // namespace

Planned build_plan(ir::Graph& graph, const Request& request, const device::Caps& caps,
                   const PlanOptions& options) {
  return Planner(graph, request, caps, options).run();
}

}  // namespace anneal::plan
