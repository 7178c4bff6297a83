// SPDX-License-Identifier: MIT
// Whole models on the cpu device: a training step of a character model beside PyTorch where that is
// installed, and what the levels of fusing come to. PyTorch runs as a process of its own, in turns with ours.
#include <cstdio>
#include <memory>

#include "anneal/anneal.h"
#include "bench/bench.h"
#include "cpu/cpu_device.h"
#include "device/registry.h"
#include "programs/session.h"
#include "runtime/backend.h"
#include "schedule/schedule.h"
#include "tensor/call.h"

namespace anneal::bench {
namespace {

// The model that others are measured with: 4 layers of width 128, 4 heads, 64 positions, 32 examples a step.
constexpr int64_t kVocabulary = 65, kContext = 64, kExamples = 32;

constexpr const char* kTorchStep = R"(
import sys, time
import torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(int(sys.argv[1]))
V, T, D, H, L, B = 65, 64, 128, 4, 4, 32
class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.qkv, self.out = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.up, self.down = nn.Linear(D, 4 * D), nn.Linear(4 * D, D)
        self.register_buffer("later", torch.ones(T, T, dtype=torch.bool).triu(1))
    def forward(self, x):
        q, k, v = (p.view(B, T, H, D // H).transpose(1, 2) for p in self.qkv(self.ln1(x)).split(D, 2))
        scores = (q @ k.transpose(2, 3) * (D // H) ** -0.5).masked_fill(self.later, float("-inf"))
        x = x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, D))
        return x + self.down(F.gelu(self.up(self.ln2(x))))
model = nn.Sequential(nn.Embedding(V, D), *(Layer() for _ in range(L)), nn.LayerNorm(D), nn.Linear(D, V, bias=False))
place = nn.Parameter(torch.zeros(T, D))
optimizer = torch.optim.AdamW([*model.parameters(), place], lr=1e-3)
ids, targets = torch.randint(0, V, (B, T)), torch.randint(0, V, (B, T))
least = 1e9
for step in range(8):
    begin = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    F.cross_entropy(model[1:](model[0](ids) + place).flatten(0, 1), targets.flatten()).backward()
    optimizer.step()
    least = min(least, time.perf_counter() - begin)
print(1e3 * least)
)";

// Of the first Python that has PyTorch; 0 where none has. The script goes to the shell in single quotes.
double torch_milliseconds(int threads) {
  const std::string command = "for python in python3 /usr/bin/python3; do \"$python\" -c '" +
                              std::string(kTorchStep) + "' " + std::to_string(threads) +
                              " 2>/dev/null && break; done";
  double value = 0;
  if (std::FILE* out = popen(command.c_str(), "r")) {
    if (std::fscanf(out, "%lf", &value) != 1) value = 0;
    pclose(out);
  }
  return value;
}

// The cpu device on one thread, beside that of the process.
constexpr const char* kOneThread = "cpu-1";
const device::Registration kRegistered({kOneThread, "the processor, one thread", 2000, [] {
                                          static cpu::Pool pool(1);
                                          return std::make_unique<cpu::CpuDevice>(pool);
                                        }});

Result char_step(const char* name) {
  const runtime::Using device({.device = name});
  const int threads = device::find_device(name).caps().threads;
  programs::Session session(
      programs::build_language_model(
          {.train = true, .batch = kExamples, .optimizer = programs::parse_optimizer("adamw lr=1e-3")},
          {.vocabulary = kVocabulary, .context = kContext, .width = 128, .heads = 4, .layers = 4}),
      1);
  session.set({{"ids", randint(0, kVocabulary, {kExamples, kContext}, 1)},
               {"targets", randint(0, kVocabulary, {kExamples, kContext}, 2)}});
  Result out{1e300, 1e300};
  for (int turn = 0; turn < 3; ++turn) {
    out.value = std::min(out.value, 1e3 * min_seconds(8, [&] { session.step()[0].item<float>(); }));
    out.peer = std::min(out.peer, torch_milliseconds(threads));
  }
  return out;
}

// The kernels of a program at a level, in order.
support::Key schedule_key(const programs::Program& program, schedule::Fuse fuse) {
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<ir::Node> roots;
  for (const Tensor& t : program.roots()) roots.push_back(node_of(t));
  const std::vector<int32_t> replaced = program.replaced();
  support::Hasher key;
  for (const schedule::Launch& launch :
       schedule::make_schedule(graph, roots, {}, {.fuse = fuse, .replaced = replaced}).launches)
    for (const schedule::Kernel& kernel : launch.parts) key.add(graph.key(kernel.sink));
  return key.finish();
}

// A step of a built-in model with everything fused that the model of costs wants, over the better one of the
// other levels. They take turns, each as often first as the others. A level that gives the same kernels would
// measure the machine.
Result model_over_others(std::string_view name, bool train, int rounds, int steps) {
  constexpr schedule::Fuse kLevels[] = {schedule::Fuse::kNone, schedule::Fuse::kGreedy,
                                        schedule::Fuse::kModel};
  const programs::ProgramInfo& info = programs::find_program(name);
  const auto batch = name == "gpt2" ? int64_t{1} : info.batch();
  std::vector<std::unique_ptr<programs::Session>> sessions;
  double seconds[3] = {1e300, 1e300, 1e300};
  const programs::Program program = programs::build_program(info, {.train = train, .batch = batch});
  const bool same = schedule_key(program, kLevels[1]) == schedule_key(program, kLevels[2]);
  for (int round = 0; round < 3 * rounds; ++round)
    for (size_t turn = 0; turn < 3; ++turn) {
      const size_t level = round == 0 ? turn : (turn + static_cast<size_t>(round)) % 3;
      const runtime::Using device({.device = "cpu", .plan = {.fuse = kLevels[level]}});
      if (round == 0) {
        const programs::BuildOptions options{.train = train, .batch = batch};
        sessions.push_back(std::make_unique<programs::Session>(programs::build_program(info, options), 1));
        sessions.back()->set(info.data(batch, 1, 1));
      }
      const double least = min_seconds(steps, [&] { sessions[level]->step()[0].to_vector<float>(); });
      if (round > 0) seconds[level] = std::min(seconds[level], least);
    }
  return {seconds[2] / (same ? seconds[0] : std::min(seconds[0], seconds[1]))};
}

}  // namespace

std::vector<Row> model_rows() {
  std::vector<Row> rows = {
      {"cpu: a char nanogpt step, 1 thread", "ms", Better::kLower, 1.25, [] { return char_step(kOneThread); },
       Against::kPeer},
      {"cpu: a char nanogpt step, all threads", "ms", Better::kLower, 1.25, [] { return char_step("cpu"); },
       Against::kPeer},
  };
  for (const char* name : {"mlp", "conv", "nanogpt"})
    rows.push_back({"cpu: " + std::string(name) + " step, model over other fusing", "of time", Better::kLower,
                    1.02, [name] { return model_over_others(name, true, 5, 10); }});
  rows.push_back({"cpu: gpt2 forward, model over other fusing", "of time", Better::kLower, 1.02,
                  [] { return model_over_others("gpt2", false, 1, 2); }});
  return rows;
}

}  // namespace anneal::bench
