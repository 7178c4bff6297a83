// SPDX-License-Identifier: MIT
#include "support/number_text.h"

#include <gtest/gtest.h>

namespace anneal::support {
namespace {

TEST(NumberText, SizesHaveThreeOrFourDigits) {
  EXPECT_EQ(size_text(uint64_t{0}), "0 B");
  EXPECT_EQ(size_text(uint64_t{999}), "999 B");
  EXPECT_EQ(size_text(uint64_t{1000}), "1.0 KB");
  EXPECT_EQ(size_text(uint64_t{999'940}), "999.9 KB");
  EXPECT_EQ(size_text(uint64_t{999'960}), "1.0 MB") << "not 1000.0 KB";
  EXPECT_EQ(size_text(uint64_t{37'500'000}), "37.5 MB");
  EXPECT_EQ(size_text(uint64_t{999'960'000}), "1.00 GB");
  EXPECT_EQ(size_text(2.25e9), "2.25 GB");
  EXPECT_EQ(size_text(UINT64_MAX), "18446744073.71 GB");
}

TEST(NumberText, SizesAreReadInTheUnitsTheyArePrintedIn) {
  const std::pair<const char*, uint64_t> sizes[] = {{"0", 0},
                                                    {"640", 640},
                                                    {"640B", 640},
                                                    {"2K", 2000},
                                                    {"150M", 150'000'000},
                                                    {"150MB", 150'000'000},
                                                    {"150MiB", 150u << 20},
                                                    {"1.5G", 1'500'000'000},
                                                    {"1T", 1'000'000'000'000},
                                                    {"0.25KiB", 256},
                                                    {"1.000001M", 1'000'001},
                                                    {"18446744073709551615", UINT64_MAX}};
  for (const auto& [text, bytes] : sizes) EXPECT_EQ(parse_size(text), bytes) << text;
  for (const char* bad :
       {"",          "many", "-1", "+1",    " 1",  "1 ",  "1.", ".5",         "1.5.5",
        "1e3",       "0x10", "1P", "1KiBs", "1iB", "1BB", "1k", "1.1234567M", "18446744073709551616",
        "20000000T", "inf",  "nan"})
    EXPECT_FALSE(parse_size(bad)) << bad;
  EXPECT_EQ(parse_size("256", 1'000'000), 256'000'000u);
  EXPECT_EQ(parse_size("1.5", 1'000'000), 1'500'000u);
  EXPECT_EQ(parse_size("256K", 1'000'000), 256'000u);
  EXPECT_EQ(size_text(*parse_size("150M")), "150.0 MB");
}

}  // namespace
}  // namespace anneal::support
