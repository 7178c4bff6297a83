// SPDX-License-Identifier: MIT
#include "cpu/cpu_device.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "cpu/test_cpu.h"
#include "device/registry.h"
#include "loop/lower.h"

namespace anneal::cpu {
namespace {

using device::Launch;
using device::Slice;

struct DeviceTest : testing::Test, CpuTest {
  ObjectCache no_cache{{}, 0};

  std::shared_ptr<device::Memory> memory(CpuDevice& d, std::vector<float> values) {
    auto m = d.allocate(values.size() * sizeof(float));
    d.write({m.get(), 0}, std::as_bytes(std::span(values)));
    return m;
  }
  std::vector<float> floats(CpuDevice& d, device::Memory& m) {
    std::vector<float> values(m.bytes() / sizeof(float));
    d.read({&m, 0}, std::as_writable_bytes(std::span(values)));
    return values;
  }
  // out[i] = in[i] * 2 + 1
  Node affine(int64_t n) {
    const Node i = range(0, n);
    const Node x = b.load(slot(0, f32, n), i);
    const Node s =
        b.store(slot(1, f32, n), i, b.add(b.mul(x, b.constant_float(2, f32)), b.constant_float(1, f32)));
    return b.sink(std::span(&s, 1));
  }
};

TEST_F(DeviceTest, LaunchesRunInOrder) {
  for (const int threads : {1, 2, 3, 7}) {
    Pool pool(threads);
    CpuDevice d(pool, no_cache);
    d.set_thread_work(0);
    const std::vector<Program> programs{loop::lower(graph, affine(1000), {.item_work = 50})};
    const auto code = d.compile(graph, programs);
    auto a = memory(d, std::vector<float>(1000, 1)), c = memory(d, std::vector<float>(1000));
    const Slice forth[] = {{a.get(), 0}, {c.get(), 0}}, back[] = {{c.get(), 0}, {a.get(), 0}};
    std::vector<Launch> launches;
    for (int i = 0; i < 10; ++i) launches.push_back({code[0].get(), i % 2 == 0 ? forth : back, {}});
    d.submit(std::span(launches).first(4));
    d.submit(std::span(launches).subspan(4));
    for (const float v : floats(d, *a)) ASSERT_EQ(v, 2047);
  }
}

// A device that has run things, and then compiles and runs in a child, while the parent goes on.
TEST_F(DeviceTest, GoesOnInAChildOfFork) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the thread sanitizer allows no threads in a child";
#endif
  for (const int threads : {1, 3}) {
    Pool pool(threads);
    CpuDevice d(pool, no_cache);
    d.set_thread_work(0);
    const std::vector<Program> programs{loop::lower(graph, affine(1000), {.item_work = 50})},
        others{loop::lower(graph, affine(2000), {.item_work = 50})};
    const auto code = d.compile(graph, programs);
    auto a = memory(d, std::vector<float>(1000, 1)), c = memory(d, std::vector<float>(1000));
    const Slice slots[] = {{a.get(), 0}, {c.get(), 0}};
    const std::vector<Launch> launches(50, Launch{code[0].get(), slots, {}});
    d.submit(launches);  // not waited for: the fork does
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::alarm(60);
      bool good = floats(d, *c) == std::vector<float>(1000, 3);
      const std::vector<float> twos(1000, 2);
      d.write({a.get(), 0}, std::as_bytes(std::span(twos)));
      d.submit(launches);
      good = good && floats(d, *c) == std::vector<float>(1000, 5);
      const auto more = d.compile(graph, others);
      auto x = memory(d, std::vector<float>(2000, 4)), y = memory(d, std::vector<float>(2000));
      const Slice other_slots[] = {{x.get(), 0}, {y.get(), 0}};
      const Launch launch{more[0].get(), other_slots, {}};
      d.submit(std::span(&launch, 1));
      ::_exit(good && floats(d, *y) == std::vector<float>(2000, 9) ? 0 : 1);
    }
    d.submit(launches);
    EXPECT_EQ(floats(d, *c), std::vector<float>(1000, 3));
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << threads << " threads";
  }
}

TEST_F(DeviceTest, SumsHaveTheSameBitsOnEveryNumberOfThreads) {
  constexpr int64_t kRows = 13, kColumns = 1003;
  const Node i = range(0, kRows), j = reduce_range(1, kColumns);
  const Node at = b.add(b.mul(i, b.index(kColumns)), j);
  const Node sum =
      b.accumulate(b.load(slot(0, f32, kRows * kColumns), at), ir::ReduceOp::kAdd, std::span(&j, 1));
  const Node s = b.store(slot(1, f32, kRows), i, sum);
  const Program program = loop::lower(graph, b.sink(std::span(&s, 1)), {.item_work = 1});
  std::vector<float> values(kRows * kColumns);
  for (size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(std::sin(static_cast<double>(k)));
  std::vector<float> first;
  for (const Target& target : test_targets())
    for (const int threads : {1, 2, 3, 7}) {
      Pool pool(threads);
      CpuDevice d(pool, no_cache, target);
      d.set_thread_work(0);
      const auto code = d.compile(graph, std::span(&program, 1));
      auto in = memory(d, values), out = memory(d, std::vector<float>(kRows));
      const Slice slots[] = {{in.get(), 0}, {out.get(), 0}};
      const Launch launch{code[0].get(), slots, {}};
      d.submit(std::span(&launch, 1));
      const std::vector<float> got = floats(d, *out);
      if (first.empty()) first = got;
      EXPECT_EQ(got, first) << threads << " threads, " << target.level;
    }
  double exact = 0;
  for (size_t k = 0; k < kColumns; ++k) exact += values[k];
  EXPECT_NEAR(first[0], exact, 1e-4);
}

// What decides how many threads take part in a launch.
TEST_F(DeviceTest, WorkGrowsWithTheExtents) {
  Pool pool(1);
  CpuDevice d(pool, no_cache);
  const auto work_of = [&](Node kernel) {
    const Program program = loop::lower(graph, kernel);
    return static_cast<const CpuExecutable&>(*d.compile(graph, std::span(&program, 1))[0]).work();
  };
  EXPECT_EQ(work_of(affine(1000)), 4000);  // load, mul, add, store
  EXPECT_EQ(work_of(affine(50000)), 200000);
  const Node i = range(0, 100), j = reduce_range(1, 300);
  const Node at = b.add(b.mul(i, b.index(300)), j);
  const Node x = b.make(ir::Op::Exp, {b.load(slot(0, f32, 30000), at)});
  const Node s = b.store(slot(1, f32, 100), i, b.accumulate(x, ir::ReduceOp::kAdd, std::span(&j, 1)));
  EXPECT_EQ(work_of(b.sink(std::span(&s, 1))), 30000 * (1 + 8 + 1) + 100);
}

TEST_F(DeviceTest, MemoryIsAlignedOrRefused) {
  Pool pool(1);
  CpuDevice d(pool, no_cache);
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{4} << 20, (size_t{5} << 20) + 3}) {
    const auto m = d.allocate(bytes);
    EXPECT_EQ(m->bytes(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(m->host()) % (bytes >= size_t{4} << 20 ? 2 << 20 : 64), 0u);
    std::memset(m->host(), 1, bytes);
  }
  for (const size_t bytes : {SIZE_MAX, SIZE_MAX - 100, SIZE_MAX / 2})
    EXPECT_EQ(d.allocate(bytes), nullptr) << bytes;
}

TEST_F(DeviceTest, EqualProgramsAreCompiledOnce) {
  Pool pool(2);
  CpuDevice d(pool, no_cache);
  const std::vector<Program> programs{loop::lower(graph, affine(64)), loop::lower(graph, affine(65)),
                                      loop::lower(graph, affine(64))};
  const auto code = d.compile(graph, programs);
  EXPECT_EQ(code[0], code[2]);
  EXPECT_NE(code[0], code[1]);
  EXPECT_EQ(d.compile(graph, std::span(programs).first(1))[0], code[0]);
}

TEST_F(DeviceTest, CodeFromTheDiskRuns) {
  std::string name = (std::filesystem::temp_directory_path() / "anneal_device_XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  ObjectCache cache(name, 1 << 20);
  Pool pool(1);
  for (int process = 0; process < 2; ++process) {
    CpuDevice d(pool, cache);
    const Program program = loop::lower(graph, affine(100));
    const auto code = d.compile(graph, std::span(&program, 1));
    auto in = memory(d, std::vector<float>(100, 3)), out = memory(d, std::vector<float>(100));
    const Slice slots[] = {{in.get(), 0}, {out.get(), 0}};
    const Launch launch{code[0].get(), slots, {}};
    d.submit(std::span(&launch, 1));
    EXPECT_EQ(floats(d, *out), std::vector<float>(100, 7));
  }
  EXPECT_EQ(cache.statistics().hits, 1u);
  std::filesystem::remove_all(name);
}

TEST(Registry, DevicesGoByName) {
  EXPECT_EQ(device::device_list().front()->name, "cpu") << "the default";
  EXPECT_EQ(device::find_device("cpu").caps().name, "cpu");
  EXPECT_EQ(device::find_device("null").caps().name, "null");
  try {
    device::find_device("cpi");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kName);
    EXPECT_NE(e.message().find("'cpu'"), std::string::npos);
  }
}

}  // namespace
}  // namespace anneal::cpu
