// SPDX-License-Identifier: MIT
#include "anneal/training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "anneal/anneal.h"
#include "tests/support/test_error.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;

struct Net {
  nn::Linear l1{2, 16}, l2{16, 3};
  Tensor operator()(const Tensor& x) const { return l2(anneal::tanh(l1(x))); }
};

Tensor net_loss(const Net& m, Inputs in) { return cross_entropy(m(in["x"]), in["y"]); }

struct Batch {
  Tensor x, y;
};
Batch batch_of(uint64_t seed, int64_t size = 32) {
  const Tensor x = randn({size, 2}, {.seed = seed}).realize();
  const Tensor y = cast(x.slice({_, 0}) > 0, i32) + cast(x.slice({_, 1}) > 0, i32);
  return {x, y.realize()};
}

Step<Net> make_step(Optimizer optimizer, uint64_t seed = 7) {
  return compile(Training{.model = Net{},
                          .loss = net_loss,
                          .inputs = {{"x", {32, 2}}, {"y", {32}, i32}},
                          .optimizer = std::move(optimizer),
                          .seed = seed});
}

TEST(Training, LowersTheLoss) {
  const auto step = make_step(AdamW{.lr = 1e-2});
  double first = 0, last = 0;
  for (int i = 0; i < 60; ++i) {
    const Batch b = batch_of(static_cast<uint64_t>(i));
    const StepResult r = step({{"x", b.x}, {"y", b.y}});
    EXPECT_EQ(r.step, i + 1);
    if (i == 0) first = r.loss();
    last = r.loss();
  }
  EXPECT_LT(last, 0.5 * first);
  EXPECT_EQ(step.compiles(), 1u);
}

void run_steps(const Step<Net>& step, int from, int to) {
  for (int i = from; i < to; ++i) {
    const Batch b = batch_of(static_cast<uint64_t>(i));
    step({{"x", b.x}, {"y", b.y}});
  }
}
// All elements of all tensors, as bits.
std::vector<std::vector<uint32_t>> bits_of(const NamedTensors& tensors) {
  std::vector<std::vector<uint32_t>> out;
  for (const NamedTensor& t : tensors) out.push_back(bitcast(t.value, u32).to_vector<uint32_t>());
  return out;
}
TEST(Training, TheOptimizerIsOneLaunch) {
  if (counters().device == "interp") GTEST_SKIP() << "the interpreter has no launches";
  const Optimizer all[] = {Sgd{.momentum = 0.9, .nesterov = true}, Adam{.weight_decay = 0.1},
                           AdamW{.weight_decay = 0.1}, Lion{}};
  for (const Optimizer& optimizer : all) {
    const auto launches = [](const std::string& text) {
      const size_t at = text.find(" launches");
      return std::stoi(text.substr(text.rfind('\n', at) + 1));
    };
    const std::string whole = make_step(optimizer).explain();
    const std::string plain = make_step(Sgd{}).explain();
    EXPECT_EQ(launches(whole), launches(plain)) << whole << plain;
  }
  const auto step = make_step(AdamW{});
  const Batch b = batch_of(1);
  step({{"x", b.x}, {"y", b.y}});
  const Counters before = counters();
  step({{"x", b.x}, {"y", b.y}});
  EXPECT_EQ(counters().runs - before.runs, 1u);
}

TEST(Training, ResumesBitForBit) {
  const auto whole = make_step(AdamW{.lr = warmup_cosine(1e-2, 5, 20)});
  run_steps(whole, 0, 20);
  const auto first = make_step(AdamW{.lr = warmup_cosine(1e-2, 5, 20)});
  run_steps(first, 0, 10);
  const auto second = make_step(AdamW{.lr = warmup_cosine(1e-2, 5, 20)}, 99);
  second.load_state(first.state());
  EXPECT_EQ(second.steps(), 10);
  EXPECT_EQ(second.seed(), 7u);
  run_steps(second, 10, 20);
  EXPECT_EQ(bits_of(second.state().tensors), bits_of(whole.state().tensors));
  EXPECT_NE(bits_of(second.parameters()), bits_of(first.parameters()));
  TrainingState broken = first.state();
  broken.tensors.pop_back();
  EXPECT_THAT(message_of([&] { second.load_state(broken); }), HasSubstr("optimizer/l2.bias/v"));
}

TEST(Training, TheCallersModelStaysAsItIs) {
  const Net net;
  nn::initialize(net, 1);
  const std::vector<float> before = net.l1.weight.tensor().to_vector<float>();
  const auto step = compile(Training{.model = net,
                                     .loss = net_loss,
                                     .inputs = {{"x", {32, 2}}, {"y", {32}, i32}},
                                     .optimizer = Sgd{.lr = 0.1}});
  EXPECT_EQ(step.parameter("l1.weight").to_vector<float>(), before) << "values that the model has are kept";
  run_steps(step, 0, 2);
  EXPECT_NE(step.parameter("l1.weight").to_vector<float>(), before);
  EXPECT_EQ(net.l1.weight.tensor().to_vector<float>(), before);
}

TEST(Training, AttachedForwardsSeeEachStep) {
  const auto step = make_step(Sgd{.lr = 0.5});
  const auto predict =
      step.attach([](const Net& m, Inputs in) { return m(in["x"]); }, {{"x", {dim("rows", 1, 64), 2}}});
  const Tensor x = randn({3, 2}, {.seed = 5});
  const auto by_hand = [&] {
    const NamedTensors p = step.parameters();
    const Tensor h = anneal::tanh(linear(x, p[0].value, p[1].value));
    return linear(h, p[2].value, p[3].value).to_vector<float>();
  };
  for (int i = 0; i < 3; ++i) {
    run_steps(step, i, i + 1);
    const std::vector<float> got = predict({{"x", x}}).to_vector<float>(), wanted = by_hand();
    for (size_t k = 0; k < got.size(); ++k) EXPECT_NEAR(got[k], wanted[k], 1e-5);
  }
  predict({{"x", ones({7, 2})}});
  EXPECT_EQ(predict.compiles(), 1u);
}

TEST(Training, ErrorsSayWhatWouldFit) {
  const auto step = make_step(Sgd{});
  const Batch b = batch_of(1);
  EXPECT_THAT(message_of([&] { step({{"x", b.x}}); }), HasSubstr("the input y has no value"));
  EXPECT_THAT(message_of([&] { step({{"x", b.x}, {"y", b.y}, {"xx", b.x}}); }),
              HasSubstr("there is no input xx; the nearest is x"));
  EXPECT_THAT(message_of([&] { step({{"x", b.y}, {"y", b.y}}); }),
              HasSubstr("the input x is i32[32], it must be f32[32,2]"));
  EXPECT_THAT(message_of([&] { step.parameter("l1.weigth"); }), HasSubstr("the nearest is l1.weight"));
  EXPECT_THAT(message_of([&] { step.upload({{"l3.weight", b.x}}); }),
              HasSubstr("unexpected:\n    l3.weight"));
  EXPECT_THAT(message_of([] {
                compile(Training{.model = Net{},
                                 .loss = [](const Net& m, Inputs in) { return m(in["z"]); },
                                 .inputs = {{"x", {4, 2}}}})({{"x", ones({4, 2})}});
              }),
              HasSubstr("there is no input z"));
  EXPECT_THAT(message_of([] {
                compile(Training{.model = Net{},
                                 .loss = [](const Net& m, Inputs in) { return m(in["x"]); },
                                 .inputs = {{"x", {4, 2}}}})({{"x", ones({4, 2})}});
              }),
              HasSubstr("the loss must be a scalar float, not f32[4,3]"));
  EXPECT_THAT(
      message_of([] {
        compile(Training{.model = Net{},
                         .loss = [](const Net& m, Inputs in) { return sum(m.l2(in["x"])); },
                         .inputs = {{"x", {4, 2}}}})({{"x", ones({4, 2})}});
      }),
      ::testing::AllOf(HasSubstr("l2 takes 16 features, the input has 2"), HasSubstr("training_test.cc")));
  EXPECT_THAT(
      message_of([] {
        compile(Training{.model = Net{},
                         .loss = [](const Net& m, Inputs in) { return sum(matmul(in["x"], m.l2.weight)); },
                         .inputs = {{"x", {4, 2}}}})({{"x", ones({4, 2})}});
      }),
      ::testing::AllOf(HasSubstr("f32[4,2]  x  from input  src/nn/training_test.cc:"),
                       HasSubstr("f32[3,16]  l2.weight  from parameter  src/nn/training_test.cc:")));
  const Net other;
  EXPECT_THAT(message_of([&] {
                compile(Training{.model = Net{},
                                 .loss = [&](const Net&, Inputs in) { return sum(other(in["x"])); },
                                 .inputs = {{"x", {4, 2}}}})({{"x", ones({4, 2})}});
              }),
              HasSubstr("is not part of the model being traced"));
  nn::initialize(other, 1);  // its values are constants then
  EXPECT_THAT(message_of([&] {
                compile(Training{.model = Net{},
                                 .loss = [&](const Net&, Inputs in) { return sum(other(in["x"])); },
                                 .inputs = {{"x", {4, 2}}}})({{"x", ones({4, 2})}});
              }),
              HasSubstr("the loss depends on no parameter of the model"));
  EXPECT_THAT(message_of([&] { step({{"x", b.x}, {"x", b.x}, {"y", b.y}}); }),
              HasSubstr("the input x is given twice"));
  EXPECT_THAT(message_of([] { make_step(Sgd{.nesterov = true}); }), HasSubstr("nesterov"));
  EXPECT_THAT(message_of([] {
                compile(Training{.model = Net{}, .loss = net_loss, .inputs = {}, .clip = {.norm = -1}});
              }),
              HasSubstr("neither can be negative"));
}

TEST(Training, UploadsAndGradients) {
  const auto step = make_step(AdamW{});
  step.upload({{"l1.bias", full({16}, 0.5)}});
  EXPECT_EQ(step.parameter("l1.bias").to_vector<float>(), std::vector<float>(16, 0.5f));
  const Batch b = batch_of(3);
  const NamedTensors slopes = step.gradients({{"x", b.x}, {"y", b.y}});
  ASSERT_EQ(slopes.size(), 4u);
  EXPECT_EQ(step.steps(), 0);
  const NamedTensors p = step.parameters();
  const Tensor w = alias(p[0].value);
  const Tensor loss =
      cross_entropy(linear(anneal::tanh(linear(b.x, w, p[1].value)), p[2].value, p[3].value), b.y);
  const Tensor wanted = gradients(loss, {w})[0];
  EXPECT_LT(anneal::max(abs(slopes[0].value - wanted)).item<double>(), 1e-6);
  run_steps(step, 0, 1);
  EXPECT_EQ(step.optimizer_state()[0].name, "optimizer/l1.weight/m");
  step.upload_optimizer_state({{"optimizer/l1.bias/m", ones({16})}});
  const std::vector<std::vector<uint32_t>> now = bits_of(step.parameters());
  step.reset(false, true);
  EXPECT_EQ(step.steps(), 0);
  EXPECT_EQ(bits_of(step.parameters()), now);
  EXPECT_EQ(step.optimizer_state()[2].value.sum().item<float>(), 0);
  step.reset();
  EXPECT_EQ(bits_of(step.parameters()), bits_of(make_step(AdamW{}).parameters()));
}

TEST(Training, LearningRatesDoNotRecompile) {
  const auto step = make_step(Sgd{.lr = linear_schedule(0.1, 0, 2)});
  EXPECT_DOUBLE_EQ(step.lr(), 0.1);
  run_steps(step, 0, 2);
  EXPECT_DOUBLE_EQ(step.lr(), 0);
  const auto before = bits_of(step.parameters());
  run_steps(step, 2, 3);
  EXPECT_EQ(bits_of(step.parameters()), before);
  step.set_lr(1e-2);
  run_steps(step, 3, 4);
  EXPECT_NE(bits_of(step.parameters()), before);
  // A schedule counts from where it is set, or from where it is told to.
  step.set_lr(linear_schedule(0.1, 0, 10));
  EXPECT_DOUBLE_EQ(step.lr(), 0.1);
  step.set_lr(linear_schedule(0.1, 0, 10), 2);
  EXPECT_DOUBLE_EQ(step.lr(), 0.08);
  step.set_lr(linear_schedule(0.1, 0, 10), 6);  // not yet: its beginning
  EXPECT_DOUBLE_EQ(step.lr(), 0.1);
  step.set_lr(linear_schedule(0.1, 0, 10));
  step.reset();  // to a step before that
  EXPECT_DOUBLE_EQ(step.lr(), 0.1);
  run_steps(step, 0, 1);
  EXPECT_DOUBLE_EQ(step.lr(), 0.09);
  EXPECT_EQ(step.compiles(), 1u);
}

TEST(Training, AccumulatedCallsAreOneStepOfTheWhole) {
  const auto whole = compile(Training{.model = Net{},
                                      .loss = net_loss,
                                      .inputs = {{"x", {32, 2}}, {"y", {32}, i32}},
                                      .optimizer = Sgd{.lr = 0.3, .momentum = 0.9},
                                      .clip = {.norm = 0.2}});
  const auto parts = compile(Training{.model = Net{},
                                      .loss = net_loss,
                                      .inputs = {{"x", {8, 2}}, {"y", {8}, i32}},
                                      .optimizer = Sgd{.lr = 0.3, .momentum = 0.9},
                                      .clip = {.norm = 0.2},
                                      .accumulate = 4});
  for (uint64_t i = 0; i < 2; ++i) {
    const Batch b = batch_of(i);
    whole({{"x", b.x}, {"y", b.y}});
    for (int64_t k = 0; k < 4; ++k) {
      const StepResult r = parts({{"x", narrow(b.x, 0, 8 * k, 8)}, {"y", narrow(b.y, 0, 8 * k, 8)}});
      EXPECT_EQ(r.step, static_cast<int64_t>(i) + (k == 3));
    }
  }
  const NamedTensors a = whole.parameters(), b = parts.parameters();
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_LT(anneal::max(abs(a[i].value - b[i].value)).item<double>(), 1e-5) << a[i].name;
}

// What one call leaves behind is no part of the next sum, not even an infinity.
TEST(Training, SumsOfGradientsBeginAnew) {
  struct One {
    Param w{{}, nn::init::ones()};
  };
  const auto step =
      compile(Training{.model = One{},
                       .loss = [](const One& m, Inputs in) { return m.w.tensor() * in["slope"].sum(); },
                       .inputs = {{"slope", {1}}},
                       .optimizer = Sgd{.lr = 0.5},
                       .clip = {.value = 1},
                       .accumulate = 2});
  for (const float slope : {1.0f, INFINITY, 1.0f, 1.0f})
    step({{"slope", full({1}, static_cast<double>(slope))}});
  EXPECT_EQ(step.parameter("w").item<float>(), 0);
}

// Steps too small for a narrow parameter add up, and a run that is resumed has them.
TEST(Training, NarrowParametersHaveAWideValueBehindThem) {
  struct One {
    Param w{{4}, nn::init::ones(), {.dtype = bf16}};
  };
  const auto make = [] {
    return compile(Training{.model = One{},
                            .loss = [](const One& m, Inputs) { return sum(m.w.tensor()); },
                            .inputs = {},
                            .optimizer = Sgd{.lr = 1e-4}});
  };
  const auto step = make(), later = make();
  for (int i = 0; i < 50; ++i) step({});
  later.load_state(step.state());
  for (int i = 0; i < 50; ++i) step({}), later({});
  for (const auto& run : {step, later}) {
    EXPECT_EQ(run.parameter("w").dtype(), bf16);
    EXPECT_NEAR(run.parameter("w").to_vector<float>()[0], 0.99, 0.002);
  }
  EXPECT_EQ(bits_of(step.state().tensors), bits_of(later.state().tensors));
  EXPECT_EQ(step.gradients({})[0].value.dtype(), bf16);
  const auto forward = step.attach([](const One& m, Inputs) { return m.w.tensor(); }, {});
  EXPECT_EQ(forward({}).dtype(), bf16);
}

// As doubles say, which a learning rate of f32 would not give.
TEST(Training, OfDoublesIsInDoubles) {
  struct One {
    Param w{{}, nn::init::ones(), {.dtype = f64}};
  };
  const auto step = compile(Training{.model = One{},
                                     .loss = [](const One& m, Inputs) { return m.w.tensor() * 3; },
                                     .inputs = {},
                                     .optimizer = Adam{.lr = 0.1, .eps = 0.1}});
  double p = 1, m = 0, v = 0;
  for (int i = 1; i <= 5; ++i) {
    step({});
    m = 0.9 * m + 0.1 * 3, v = 0.999 * v + 0.001 * 9;
    p -= 0.1 * (m / (1 - std::pow(0.9, i))) / (std::sqrt(v / (1 - std::pow(0.999, i))) + 0.1);
  }
  EXPECT_NEAR(step.parameter("w").item<double>(), p, 1e-13);
}

TEST(Training, CapturesAreForThoseWhoAsk) {
  int traces = 0;
  const auto loss = [&](const Net& m, Inputs in) {
    ++traces;
    const Tensor h = capture("hidden", anneal::tanh(m.l1(in["x"])));
    return cross_entropy(m.l2(h), in["y"]);
  };
  const auto step = compile(Training{
      .model = Net{}, .loss = loss, .inputs = {{"x", {32, 2}}, {"y", {32}, i32}}, .optimizer = Sgd{}});
  const Batch b = batch_of(1);
  const StepResult plain = step({{"x", b.x}, {"y", b.y}});
  EXPECT_TRUE(plain.captures.empty());
  EXPECT_THAT(message_of([&] { plain.capture("hidden"); }), HasSubstr("not asked for captures"));
  EXPECT_EQ(step.explain(), make_step(Sgd{}).explain()) << "they cost nothing";
  const NamedTensors p = step.parameters();
  const StepResult r = step({{"x", b.x}, {"y", b.y}}, {.captures = true});
  const Tensor wanted = anneal::tanh(linear(b.x, p[0].value, p[1].value));
  EXPECT_LT(anneal::max(abs(r.capture("hidden") - wanted)).item<double>(), 1e-5);
  EXPECT_THAT(message_of([&] { r.capture("hiden"); }), HasSubstr("the nearest is hidden"));
  EXPECT_EQ(traces, 2);
  const auto forward = step.attach([](const Net& m, Inputs in) { return capture("logits", m(in["x"])) * 2; },
                                   {{"x", {32, 2}}});
  NamedTensors captures;
  const Tensor twice = forward({{"x", b.x}}, captures);
  ASSERT_EQ(captures.size(), 1u);
  EXPECT_LT(anneal::max(abs(twice - captures[0].value * 2)).item<double>(), 1e-6);
  const auto same = step.attach(
      [](const Net& m, Inputs in) { return capture("a", capture("a", m(in["x"]))); }, {{"x", {32, 2}}});
  EXPECT_THAT(message_of([&] { same({{"x", b.x}}, captures); }), HasSubstr("there is a capture a already"));
}

struct Noisy {
  nn::Linear fc{4, 1};
  nn::Dropout dropout{0.5};
  nn::BatchNorm norm{4};
  Tensor operator()(const Tensor& x) const { return fc(dropout(norm(x))); }
};

TEST(Training, DropoutFollowsFromSeedAndStep) {
  const auto losses = [](uint64_t seed, int start = 0) {
    const Noisy model;
    nn::initialize(model, 1);  // the same whatever the seed
    const auto step =
        compile(Training{.model = model,
                         .loss = [](const Noisy& m, Inputs in) { return sum(square(m(in["x"]))); },
                         .inputs = {{"x", {16, 4}}},
                         .optimizer = Sgd{.lr = 0},
                         .seed = seed});
    std::vector<double> out;
    TrainingState state = step.state();
    state.numbers[0].second = state.numbers[1].second = start;
    step.load_state(state);
    for (int i = start; i < 4; ++i) out.push_back(step({{"x", randn({16, 4}, {.seed = 1})}}).loss());
    return out;
  };
  const std::vector<double> a = losses(1);
  EXPECT_EQ(a, losses(1));
  EXPECT_NE(a, losses(2));
  EXPECT_NE(a[0], a[1]);
  EXPECT_EQ(losses(1, 2), (std::vector<double>{a[2], a[3]}));
}

TEST(Training, RunningStatisticsAreForForwards) {
  const auto step = compile(Training{.model = Noisy{},
                                     .loss = [](const Noisy& m, Inputs in) { return mean(m(in["x"])); },
                                     .inputs = {{"x", {64, 4}}},
                                     .optimizer = Sgd{.lr = 0}});
  const auto normed =
      step.attach([](const Noisy& m, Inputs in) { return m.norm(m.dropout(in["x"])); }, {{"x", {64, 4}}});
  const Tensor x = (randn({64, 4}, {.seed = 2}) * 3 + 5).realize();
  for (int i = 0; i < 100; ++i) step({{"x", x}});
  EXPECT_LT(anneal::max(abs(step.parameter("norm.running_mean") - mean(x, 0))).item<double>(), 1e-2);
  const Tensor y = normed({{"x", x}});
  EXPECT_LT(anneal::max(abs(mean(y, 0))).item<double>(), 1e-2);
  EXPECT_NEAR(anneal::std(y.slice({_, 0})).item<double>(), 1, 1e-2);
  EXPECT_EQ(step.compiles(), 1u);
}

TEST(Training, SymbolicBatchesAreOneProgram) {
  const Extent batch = dim("batch", 1, 256);
  const auto step = compile(Training{.model = Net{},
                                     .loss = net_loss,
                                     .inputs = {{"x", {batch, 2}}, {"y", {batch}, i32}},
                                     .optimizer = Sgd{.lr = 0}});
  for (int64_t size : {1, 7, 32, 129}) {
    const Batch b = batch_of(4, size);
    const NamedTensors p = step.parameters();
    const Tensor h = anneal::tanh(linear(b.x, p[0].value, p[1].value));
    const double wanted = cross_entropy(linear(h, p[2].value, p[3].value), b.y).item<double>();
    EXPECT_NEAR(step({{"x", b.x}, {"y", b.y}}).loss(), wanted, 1e-5) << size;
  }
  EXPECT_EQ(step.compiles(), 1u);
  EXPECT_THAT(message_of([&] { step({{"x", ones({3, 2})}, {"y", zeros({4}, i32)}}); }),
              HasSubstr("the dimension batch is 4 in the input y, and 3 in x"));
}

TEST(Training, FrozenParametersStay) {
  const auto step =
      compile(Training{.model = Net{},
                       .loss = net_loss,
                       .inputs = {{"x", {32, 2}}, {"y", {32}, i32}},
                       .optimizer = AdamW{},
                       .trains = [](std::string_view name) { return name.starts_with("l2."); }});
  const auto before = bits_of(step.parameters());
  run_steps(step, 0, 2);
  const auto after = bits_of(step.parameters());
  EXPECT_EQ(before[0], after[0]);
  EXPECT_NE(before[2], after[2]);
  EXPECT_EQ(step.optimizer_state().size(), 4u);
}

}  // namespace
}  // namespace anneal
