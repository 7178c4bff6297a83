// SPDX-License-Identifier: MIT
#include "support/random_stream.h"

#include <gtest/gtest.h>

namespace anneal::support {
namespace {

TEST(RandomStream, IsSplitMix) {
  RandomStream random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

TEST(RandomStream, DrawsStayInTheirRange) {
  RandomStream random(5);
  int counts[3] = {}, often = 0;
  constexpr char kLetters[] = {'a', 'b', 'c'};
  for (int i = 0; i < 3000; ++i) {
    ++counts[random.pick(kLetters) - 'a'];
    often += random.chance(90) ? 1 : 0;
    const double u = random.unit();
    EXPECT_TRUE(u >= 0 && u < 1);
  }
  for (int count : counts) EXPECT_NEAR(count, 1000, 150);
  EXPECT_NEAR(often, 2700, 100);
}

}  // namespace
}  // namespace anneal::support
