// SPDX-License-Identifier: MIT
//
// .npy files: bytes that numpy wrote, every layout that it may choose, and a message for what is refused.
#include "io/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "io/test_bytes.h"
#include "io/test_folder.h"

namespace anneal::io {
namespace {

std::span<const std::byte> view_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// A file of version 1 (two bytes of length) or later (four).
std::string npy_file(std::string_view header, std::string_view data, int version = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return file + std::string(header) + std::string(data);
}

std::string dict(std::string_view descr, std::string_view shape, std::string_view order = "False") {
  return concat("{'descr': ", descr, ", 'fortran_order': ", order, ", 'shape': ", shape, ", }\n");
}

std::string npy_message(const std::string& file) {
  const Result<Array> read = parse_npy(view_of(file), "f");
  return read.ok() ? "accepted" : read.message();
}

template <typename T>
std::vector<T> values_of(const Array& array) {
  std::vector<T> out(array.data.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), array.data.data(), array.data.size());
  return out;
}

template <typename T>
std::vector<T> read_values(const std::string& file, const std::vector<int64_t>& shape) {
  const Result<Array> read = parse_npy(view_of(file), "f");
  EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.message());
  if (!read.ok()) return {};
  EXPECT_EQ(read->shape, shape);
  return values_of<T>(*read);
}

const std::string kSixShorts("\1\0\2\0\3\0\4\0\5\0\6\0", 12);

// What numpy.save writes for arange(1, 7, dtype='<i2').reshape(2, 3).
std::string numpys_own_file() {
  return std::string("\x93NUMPY\1\0v\0", 10) + "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }" +
         std::string(58, ' ') + "\n" + kSixShorts;
}

TEST(Npy, ReadsAndWritesTheBytesOfNumpy) {
  const std::string file = numpys_own_file();
  EXPECT_EQ(read_values<int16_t>(file, {2, 3}), (std::vector<int16_t>{1, 2, 3, 4, 5, 6}));
  const TensorView tensor = {"", i16, {2, 3}, view_of(kSixShorts)};
  const Result<std::vector<std::byte>> written = serialize_npy(tensor);
  ASSERT_TRUE(written.ok()) << written.message();
  EXPECT_EQ(as_text(*written), file);
}

TEST(Npy, DataStaysWhereItIs) {
  const std::string file = numpys_own_file();
  const Result<Array> read = parse_npy(view_of(file), "f");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(static_cast<const void*>(read->data.data()), file.data() + 128);
}

TEST(Npy, VersionsOrdersAndByteOrders) {
  for (const int version : {1, 2, 3}) {
    EXPECT_EQ(read_values<int16_t>(npy_file(dict("'<i2'", "(6,)"), kSixShorts, version), {6}),
              (std::vector<int16_t>{1, 2, 3, 4, 5, 6}));
  }
  EXPECT_EQ(read_values<int16_t>(npy_file(dict("'<i2'", "(2, 3)", "True"), kSixShorts), {2, 3}),
            (std::vector<int16_t>{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(read_values<int16_t>(npy_file(dict("'>i2'", "(6L,)"), kSixShorts), {6}),
            (std::vector<int16_t>{0x100, 0x200, 0x300, 0x400, 0x500, 0x600}));
  EXPECT_EQ(read_values<int16_t>(npy_file(dict("'>i2'", "(2, 3)", "True"), kSixShorts), {2, 3}),
            (std::vector<int16_t>{0x100, 0x300, 0x500, 0x200, 0x400, 0x600}));
  EXPECT_EQ(read_values<double>(npy_file(dict("\">f8\"", "()"), std::string("\x3f\xf8\0\0\0\0\0\0", 8)), {}),
            std::vector<double>{1.5});
  EXPECT_EQ(read_values<float>(npy_file(dict("'<f4'", "(0, 7)"), ""), {0, 7}), std::vector<float>{});
  EXPECT_EQ(read_values<uint8_t>(npy_file("{\"shape\":(3,),\"fortran_order\":True,\"descr\":\"|b1\"}",
                                          std::string("\0\1\7", 3)),
                                 {3}),
            (std::vector<uint8_t>{0, 1, 1}));
}

TEST(Npy, EveryElementTypeComesBack) {
  const std::string data(16, '\1');
  for (const DType t : {boolean, i8, i16, i32, i64, u8, u16, u32, u64, f16, f32, f64}) {
    const auto count = static_cast<int64_t>(data.size()) / dtype_size(t);
    const TensorView tensor = {"", t, {count}, view_of(data)};
    const Result<std::vector<std::byte>> written = serialize_npy(tensor);
    ASSERT_TRUE(written.ok()) << written.message();
    const Result<Array> read = parse_npy(*written, "f");
    ASSERT_TRUE(read.ok()) << read.message();
    EXPECT_EQ(read->dtype, t);
    EXPECT_EQ(as_text(read->data), data);
  }
}

TEST(Npy, WhatNumpyLacksIsRefusedWithAdvice) {
  for (const DType t : {bf16, f8e4m3, f8e5m2}) {
    const Result<std::vector<std::byte>> written = serialize_npy({"", t, {0}, {}});
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.message(), concat("numpy has no element type ", dtype_name(t),
                                        ": convert the tensor to f32 first, or save it as safetensors"));
  }
  EXPECT_FALSE(serialize_npy({"", f32, {2}, {}}).ok());
  EXPECT_FALSE(serialize_npy({"", f32, {-1}, {}}).ok());
  EXPECT_FALSE(serialize_npy({"", f32, std::vector<int64_t>(65, 1), {}}).ok());
}

TEST(Npy, ElementTypesThatAreNoTensorsAreNamed) {
  const auto message = [](std::string_view descr) { return npy_message(npy_file(dict(descr, "(1,)"), "")); };
  EXPECT_NE(message("'<c8'").find("complex"), std::string::npos);
  EXPECT_NE(message("'|O'").find("Python object"), std::string::npos);
  EXPECT_NE(message("'<U3'").find("text"), std::string::npos);
  EXPECT_NE(message("'|S3'").find("text"), std::string::npos);
  EXPECT_NE(message("'<M8[ns]'").find("astype('i8')"), std::string::npos);
  EXPECT_NE(message("'|V2'").find("bf16"), std::string::npos);
  EXPECT_NE(message("'<f16'").find("long double"), std::string::npos);
  EXPECT_NE(message("[('a', '<f4'), ('b', '<i4', (2,))]").find("structured"), std::string::npos);
  EXPECT_NE(message("'<i3'").find("not one of those"), std::string::npos);
  EXPECT_NE(message("'|i4'").find("not one of those"), std::string::npos);
  EXPECT_NE(message("''").find("not one of those"), std::string::npos);
}

TEST(Npy, DamagedFilesAreRefused) {
  EXPECT_EQ(npy_message(""), "f: not a .npy file: it begins otherwise");
  EXPECT_EQ(npy_message("\x93NUMPY"), "f: cut short: 6 bytes");
  EXPECT_EQ(npy_message(npy_file("", "", 4)), "f: version 4.0 of the format; 1 to 3 are known");
  const std::string file = numpys_own_file();
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(npy_message(file.substr(0, size)), "accepted") << size;
  EXPECT_EQ(npy_message(file + "x"), "f: shape [2, 3] of i16 needs 12 bytes, but 13 bytes of data follow");
  EXPECT_EQ(
      npy_message(npy_file(dict("'<f4'", "(4611686018427387904, 4)"), "")),
      "f: shape [4611686018427387904, 4] of f32 needs more than 2^63-1 bytes, but 0 bytes of data follow");
  std::string huge("\x93NUMPY\2\0\xff\xff\xff\xff", 12);
  EXPECT_EQ(npy_message(huge), "f: a header of 4294967295 bytes; the limit is 1048576");
}

TEST(Npy, HeadersThatAreNotTheDictionary) {
  const auto message = [](std::string_view header) { return npy_message(npy_file(header, "")); };
  EXPECT_EQ(message("{}"),
            "f: the header is wrong: there is no entry \"descr\", at character 2 of the header");
  EXPECT_NE(message("").find("'{' expected"), std::string::npos);
  EXPECT_NE(message("{'descr': '<f4', 'descr': '<f4'}").find("twice"), std::string::npos);
  EXPECT_NE(message("{'extra': 1}").find("unknown entry"), std::string::npos);
  EXPECT_NE(message(dict("'<f4", "(1,)")).find("expected"), std::string::npos);
  EXPECT_NE(message(dict("'<f4'", "(-1,)")).find("0 or more"), std::string::npos);
  EXPECT_NE(message(dict("'<f4'", "(99999999999999999999,)")).find("beyond"), std::string::npos);
  EXPECT_NE(message(dict("'<f4'", "(1,", "Maybe")).find("True or False"), std::string::npos);
  EXPECT_NE(message(dict("'<f4'", "(0,)") + "x").find("text after"), std::string::npos);
  EXPECT_NE(message(dict("[('a'", "(1,)")).find("without end"), std::string::npos);
  std::string many = "(";
  for (int i = 0; i < 65; ++i) many += "1, ";
  EXPECT_NE(message(dict("'<f4'", many + ")")).find("more than 64"), std::string::npos);
}

TEST(Npy, NumpyReadsWhatIsWrittenAndIsRead) {
  const std::string python = python_with_numpy();
  if (python.empty()) GTEST_SKIP() << "there is no python3 with numpy";
  const TestFolder folder;
  const std::vector<float> values = {1, -2.5f, 3, 4, 5, 6};
  const TensorView tensor = {"", f32, {3, 2}, std::as_bytes(std::span(values))};
  ASSERT_TRUE(write_npy(folder.path("a.npy"), tensor).ok());
  folder.write("t.py",
               "import numpy as np\n"
               "a = np.load('a.npy', allow_pickle=False)\n"
               "assert a.dtype == '<f4' and a.tolist() == [[1, -2.5], [3, 4], [5, 6]], a\n"
               "np.save('b.npy', a)\n"
               "assert open('a.npy', 'rb').read() == open('b.npy', 'rb').read()\n"
               "np.save('c.npy', np.asfortranarray(a).astype('>f8'))\n");
  const CommandOutput run = run_command("cd '" + folder.path() + "' && " + python + " t.py");
  ASSERT_EQ(run.status, 0) << run.text;
  const Result<Array> back = read_npy(folder.path("c.npy"));
  ASSERT_TRUE(back.ok()) << back.message();
  EXPECT_EQ(back->dtype, f64);
  EXPECT_EQ(values_of<double>(*back), (std::vector<double>{1, -2.5, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace anneal::io
