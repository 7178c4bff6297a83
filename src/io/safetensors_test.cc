// SPDX-License-Identifier: MIT
//
// Safetensors files: the exact bytes that are written, what is read back, and one malformed file for every
// rule of the format with the message it gives.
#include "io/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "io/test_bytes.h"

namespace anneal::io {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text) {
  Bytes bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string length_prefix(uint64_t length) {
  std::string prefix(8, '\0');
  for (size_t i = 0; i < 8; ++i) prefix[i] = static_cast<char>(length >> (8 * i) & 0xff);
  return prefix;
}

// A file from its header text and the size of its data, which counts up from 0.
Bytes file_of(std::string_view header, size_t data_size) {
  Bytes file = bytes_of(length_prefix(header.size()) + std::string(header));
  for (size_t i = 0; i < data_size; ++i) file.push_back(static_cast<std::byte>(i));
  return file;
}

std::string message_for(const Bytes& file) {
  const Result<SafeTensors> read = SafeTensors::parse(file, "f");
  return read.ok() ? "accepted" : read.message();
}
std::string message_for(std::string_view header, size_t data_size) {
  return message_for(file_of(header, data_size));
}

std::string message_for_entry(std::string_view entry, size_t data_size = 8) {
  return message_for(concat("{\"t\":", entry, "}"), data_size);
}

TEST(SafeTensors, ReadsTensorsInTheOrderOfTheirData) {
  const Bytes file = file_of(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[6,14]},
      "a":{"shape":[3,2],"dtype":"U8","data_offsets":[0,6]},
      "__metadata__":{"format":"pt","note":"caf\u00e9"}}   )",
                             14);
  const Result<SafeTensors> read = SafeTensors::parse(file, "f");
  ASSERT_TRUE(read.ok()) << read.message();
  ASSERT_EQ(read->tensors().size(), 2u);
  const TensorView& a = read->tensors()[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.dtype, DType::kU8);
  EXPECT_EQ(a.shape, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(as_text(a.data), std::string("\0\1\2\3\4\5", 6));
  const TensorView* b = read->find("b");
  ASSERT_EQ(b, &read->tensors()[1]);
  EXPECT_EQ(b->dtype, DType::kF32);
  EXPECT_EQ(as_text(b->data), std::string("\6\7\10\11\12\13\14\15"));
  EXPECT_EQ(b->data.data(), file.data() + file.size() - 8);
  EXPECT_EQ(read->find("c"), nullptr);
  EXPECT_EQ(read->find(""), nullptr);
  EXPECT_EQ(read->metadata(), (Metadata{{"format", "pt"}, {"note", "caf\u00e9"}}));
}

TEST(SafeTensors, ScalarsAndEmptyTensorsAndEmptyFiles) {
  EXPECT_EQ(message_for("{}", 0), "accepted");
  EXPECT_EQ(message_for("{}      ", 0), "accepted");
  EXPECT_EQ(message_for_entry(R"({"dtype":"F64","shape":[],"data_offsets":[0,8]})"), "accepted");
  EXPECT_EQ(message_for_entry(R"({"dtype":"F64","shape":[0,7],"data_offsets":[0,0]})", 0), "accepted");
  EXPECT_EQ(message_for(R"({"z":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},
      "y":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},
      "x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},
      "w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                        8),
            "accepted");
}

TEST(SafeTensors, CopiesAndMovesKeepTheirViews) {
  const Bytes file = file_of(R"({"t":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})", 3);
  Result<SafeTensors> read = SafeTensors::parse(file, "f");
  ASSERT_TRUE(read.ok());
  const SafeTensors copy = *read;
  const SafeTensors moved = std::move(*read);
  EXPECT_EQ(as_text(copy.find("t")->data), std::string("\0\1\2", 3));
  EXPECT_EQ(as_text(moved.find("t")->data), std::string("\0\1\2", 3));
}

TEST(SafeTensors, UnknownFieldsOfAnEntryAreIgnored) {
  EXPECT_EQ(message_for_entry(R"({"dtype":"I64","shape":[1],"data_offsets":[0,8],"comment":[1]})"),
            "accepted");
}

TEST(SafeTensors, TooShortForALength) {
  EXPECT_EQ(message_for(Bytes{}),
            "f: not a safetensors file: it has 0 bytes, fewer than the 8 that hold the header length");
  EXPECT_EQ(message_for(Bytes(7)),
            "f: not a safetensors file: it has 7 bytes, fewer than the 8 that hold the header length");
}

TEST(SafeTensors, HeaderLengthMustFit) {
  EXPECT_EQ(message_for(bytes_of(length_prefix(3) + "{}")),
            "f: byte 0: header length 3 goes past the end of the file, which has 10 bytes; at most 2 fits");
  EXPECT_EQ(
      message_for(bytes_of(length_prefix(100000001) + "{}")),
      "f: not a safetensors file: byte 0: header length 100000001 is above the format's limit of 100000000");
  EXPECT_EQ(message_for(Bytes(16, std::byte{0xff})),
            "f: not a safetensors file: byte 0: header length 18446744073709551615 is above the format's "
            "limit of 100000000");
}

TEST(SafeTensors, HeaderMustBeAJsonObjectInUtf8) {
  EXPECT_EQ(message_for("", 4),
            "f: not a safetensors file: byte 8: the header must begin with '{', not be empty");
  EXPECT_EQ(message_for("[]", 0),
            "f: not a safetensors file: byte 8: the header must begin with '{', not \"[\"");
  EXPECT_EQ(message_for(" {}", 0),
            "f: not a safetensors file: byte 8: the header must begin with '{', not \" \"");
  EXPECT_EQ(message_for("\xef\xbb\xbf{}", 0),
            "f: not a safetensors file: byte 8: the header must begin with '{', not \"\\xef\"");
  EXPECT_EQ(message_for("{\"\xff\":1}", 0), "f: the header (bytes 8 to 15) is not UTF-8 text");
  EXPECT_TRUE(message_for("{\"a\":1", 0).starts_with("f: byte 14: not valid JSON: "))
      << message_for("{\"a\":1", 0);
  EXPECT_TRUE(message_for("{} {}", 0).starts_with("f: byte 11: not valid JSON: ")) << message_for("{} {}", 0);
  EXPECT_EQ(message_for(std::string_view("{}\0{}", 5), 0), "f: byte 10: not valid JSON: a zero byte");
}

TEST(SafeTensors, DeepHeadersAreRefused) {
  std::string header = "{\"a\":";
  header.append(1000000, '[');
  EXPECT_EQ(message_for(header, 0), "f: byte 20: nested deeper than 8 levels");
}

TEST(SafeTensors, NamesStandOnce) {
  EXPECT_EQ(message_for(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                        2),
            "f: byte 62: the name \"t\" stands twice in one object");
  EXPECT_EQ(message_for_entry(R"({"dtype":"U8","dtype":"I8","shape":[8],"data_offsets":[0,8]})"),
            "f: byte 27: the name \"dtype\" stands twice in one object");
}

TEST(SafeTensors, MetadataIsAnObjectOfStrings) {
  EXPECT_EQ(message_for(R"({"__metadata__":[]})", 0),
            "f: __metadata__ must be an object of strings, not a list");
  EXPECT_EQ(message_for(R"({"__metadata__":{"steps":12}})", 0),
            "f: __metadata__: \"steps\" must be a string, not 12");
  EXPECT_EQ(message_for(R"({"__metadata__":{}})", 0), "accepted");
}

TEST(SafeTensors, FieldsMustBeThere) {
  EXPECT_EQ(message_for_entry("7"),
            "f: tensor \"t\": must be an object with dtype, shape and data_offsets, not 7");
  EXPECT_EQ(message_for_entry("{}"), "f: tensor \"t\": has no dtype");
  EXPECT_EQ(message_for_entry(R"({"dtype":"F32"})"), "f: tensor \"t\": has no shape");
  EXPECT_EQ(message_for_entry(R"({"dtype":"F32","shape":[2]})"), "f: tensor \"t\": has no data_offsets");
}

TEST(SafeTensors, FieldsMustHaveTheirTypes) {
  EXPECT_EQ(message_for_entry(R"({"dtype":32,"shape":[2],"data_offsets":[0,8]})"),
            "f: tensor \"t\": dtype must be a string, not 32");
  EXPECT_EQ(message_for_entry(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})"),
            "f: tensor \"t\": shape must be a list, not 2");
  EXPECT_EQ(message_for_entry(R"({"dtype":"F32","shape":[2],"data_offsets":{}})"),
            "f: tensor \"t\": data_offsets must be a list of two numbers, begin and end, not an object");
  EXPECT_EQ(message_for_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4,8]})"),
            "f: tensor \"t\": data_offsets must be a list of two numbers, begin and end, not of 3");
}

TEST(SafeTensors, UnknownDTypesListTheKnown) {
  for (const char* dtype : {"F4", "f32", "C64", ""}) {
    EXPECT_EQ(message_for_entry(concat("{\"dtype\":\"", dtype, "\",\"shape\":[2],\"data_offsets\":[0,8]}")),
              concat("f: tensor \"t\": unknown dtype \"", dtype,
                     "\"; known are BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, F32, F64, "
                     "I64, U64"));
  }
}

TEST(SafeTensors, ExtentsAreWholeNumbers) {
  for (const char* extent : {"-1", "2.5", "2.0", "9223372036854775808", "\"2\"", "null", "true"}) {
    const std::string entry = concat("{\"dtype\":\"F32\",\"shape\":[1,", extent, "],\"data_offsets\":[0,8]}");
    const std::string wanted =
        "f: tensor \"t\": shape[1] must be a whole number from 0 to 9223372036854775807, not ";
    EXPECT_EQ(message_for_entry(entry), wanted + extent);
  }
  EXPECT_EQ(message_for_entry(R"({"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})"),
            "f: tensor \"t\": shape[0] must be a whole number from 0 to 9223372036854775807, not a list");
  EXPECT_NE(message_for_entry(R"({"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]})")
                .find("shape[0] must be a whole number"),
            std::string::npos);
}

TEST(SafeTensors, SizesMustNotOverflow) {
  EXPECT_EQ(message_for_entry(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
            "f: tensor \"t\": shape [4294967296, 4294967296] of F32 has more than 9223372036854775807 bytes");
  EXPECT_NE(message_for_entry(R"({"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,8]})")
                .find("more than"),
            std::string::npos);
  // Modulo 2^64 this shape has 8 bytes, and a zero extent does not excuse the others.
  EXPECT_NE(message_for_entry(R"({"dtype":"U8","shape":[9223372036854775807,4,9223372036854775807,2],
      "data_offsets":[0,8]})")
                .find("more than"),
            std::string::npos);
  EXPECT_NE(message_for_entry(R"({"dtype":"U8","shape":[4294967296,0,4294967296],"data_offsets":[0,0]})", 0)
                .find("more than"),
            std::string::npos);
}

TEST(SafeTensors, OffsetsStayInsideTheData) {
  EXPECT_EQ(message_for_entry(R"({"dtype":"U8","shape":[4],"data_offsets":[4,0]})"),
            "f: tensor \"t\": data_offsets [4, 0] end before they begin");
  EXPECT_EQ(message_for_entry(R"({"dtype":"U8","shape":[9],"data_offsets":[0,9]})"),
            "f: tensor \"t\": data_offsets [0, 9] go past the end of the data, which has 8 bytes from byte "
            "61 of the file");
  EXPECT_EQ(message_for_entry(R"({"dtype":"U8","shape":[8],"data_offsets":[-1,8]})"),
            "f: tensor \"t\": data_offsets[0] must be a whole number from 0 to 8, not -1");
  EXPECT_EQ(message_for_entry(R"({"dtype":"U8","shape":[8],"data_offsets":[0,18446744073709551615]})"),
            "f: tensor \"t\": data_offsets[1] must be a whole number from 0 to 8, not 18446744073709551615");
}

TEST(SafeTensors, SizeMustAgreeWithTheShape) {
  EXPECT_EQ(message_for_entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
            "f: tensor \"t\": shape [3] of F32 needs 12 bytes, but data_offsets [0, 8] hold 8");
  EXPECT_EQ(message_for_entry(R"({"dtype":"F32","shape":[0,1,1,1,1,1,1,1,1,1],"data_offsets":[0,8]})"),
            "f: tensor \"t\": shape [0, 1, 1, 1, 1, 1, 1, 1, ... 10 extents] of F32 needs 0 bytes, but "
            "data_offsets "
            "[0, 8] hold 8");
}

TEST(SafeTensors, TensorsMustNotOverlap) {
  EXPECT_EQ(message_for(R"({"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},
      "b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
                        8),
            "f: tensor \"b\": data_offsets [4, 8] overlap tensor \"a\" at [0, 6]; they should begin at 6");
  EXPECT_EQ(message_for(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},
      "b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
                        8),
            "f: tensor \"b\": data_offsets [0, 8] overlap tensor \"a\" at [0, 8]; they should begin at 8");
  EXPECT_NE(message_for(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},
      "b":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})",
                        8)
                .find("overlap"),
            std::string::npos);
}

TEST(SafeTensors, NoByteMayBelongToNobody) {
  const Bytes file = file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
                             8);
  EXPECT_EQ(message_for(file), concat("f: data bytes 2 to 4 (byte ", file.size() - 6,
                                      " of the file) belong to no tensor; \"b\" should begin at 2"));
  EXPECT_EQ(message_for_entry(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8]})", 11),
            "f: the last 3 bytes of the file, from byte 69, belong to no tensor");
  EXPECT_EQ(message_for("{}", 5), "f: the last 5 bytes of the file, from byte 10, belong to no tensor");
}

TEST(SafeTensors, EveryTruncationAndEveryExtraByteIsRefused) {
  const Bytes file = file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  ASSERT_EQ(message_for(file), "accepted");
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(message_for(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))), "accepted")
        << size;
  }
  Bytes longer = file;
  longer.push_back(std::byte{0});
  EXPECT_NE(message_for(longer), "accepted");
}

TEST(SafeTensors, UntrustedNamesAreShortenedAndEscaped) {
  const std::string message = message_for("{\"\\u001b[2J" + std::string(100000, 'x') + "\":1}", 0);
  EXPECT_TRUE(message.starts_with("f: tensor \"\\x1b[2Jxxx")) << message;
  EXPECT_LT(message.size(), 300u);
}

// Data whose bytes count up from `first`, of the size that shape and type call for.
struct OwnedTensor {
  OwnedTensor(std::string name, DType dtype, std::vector<int64_t> shape, int first = 0)
      : view{std::move(name), dtype, std::move(shape), {}} {
    const int64_t count = std::accumulate(view.shape.begin(), view.shape.end(), int64_t{1},
                                          [](int64_t a, int64_t b) { return a * b; });
    bytes.resize(static_cast<size_t>(count * dtype_size(dtype)));
    for (size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(static_cast<size_t>(first) + i);
    view.data = bytes;
  }
  Bytes bytes;
  TensorView view;
};

TEST(SafeTensorsWriter, GivesTheFormatsExactBytes) {
  const OwnedTensor weight("w", DType::kF32, {1, 2}, 10);
  const OwnedTensor mask("a\"\n\u00e9", DType::kBool, {2}, 1);
  const std::vector<TensorView> tensors = {mask.view, weight.view};
  const Result<Bytes> written = serialize_safetensors(tensors, {{"format", "pt"}});
  ASSERT_TRUE(written.ok()) << written.message();
  const std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"w\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
      "\"a\\\"\\n\u00e9\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[8,10]}}";
  ASSERT_EQ(header.size() % 8, 4u);
  EXPECT_EQ(as_text(*written), length_prefix(header.size() + 4) + header + "    " +
                                   "\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11" + "\x01\x02");
}

TEST(SafeTensorsWriter, NoTensorsAndNoMetadata) {
  const Result<Bytes> written = serialize_safetensors({});
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(as_text(*written), length_prefix(8) + "{}      ");
  EXPECT_EQ(message_for(*written), "accepted");
}

TEST(SafeTensorsWriter, EveryTypeComesBackInTheOrderOfTheFormat) {
  const std::vector<DType> types = {DType::kU64,    DType::kI64,    DType::kF64, DType::kF32, DType::kU32,
                                    DType::kI32,    DType::kBF16,   DType::kF16, DType::kU16, DType::kI16,
                                    DType::kF8E4M3, DType::kF8E5M2, DType::kI8,  DType::kU8,  DType::kBool};
  std::vector<OwnedTensor> owned;
  for (size_t i = 0; i < types.size(); ++i) {
    owned.emplace_back(concat("second ", i), types[i], std::vector<int64_t>{3, 1}, static_cast<int>(i));
    owned.emplace_back(concat("first ", i), types[i], std::vector<int64_t>{}, static_cast<int>(i) + 50);
  }
  std::vector<TensorView> tensors;
  for (size_t i = owned.size(); i > 0; --i) tensors.push_back(owned[i - 1].view);
  const Result<Bytes> written = serialize_safetensors(tensors);
  ASSERT_TRUE(written.ok()) << written.message();
  const Result<SafeTensors> read = SafeTensors::parse(*written, "f");
  ASSERT_TRUE(read.ok()) << read.message();
  ASSERT_EQ(read->tensors().size(), owned.size());
  for (size_t i = 0; i < owned.size(); ++i) {
    const TensorView& expected = owned[i ^ 1].view;  // "first" before "second"
    const TensorView& actual = read->tensors()[i];
    EXPECT_EQ(actual.name, expected.name);
    EXPECT_EQ(actual.dtype, expected.dtype);
    EXPECT_EQ(actual.shape, expected.shape);
    EXPECT_EQ(as_text(actual.data), as_text(expected.data));
  }
}

std::string write_message(std::vector<TensorView> tensors, const Metadata& metadata = {}) {
  const Result<Bytes> written = serialize_safetensors(tensors, metadata);
  return written.ok() ? "written" : written.message();
}

TEST(SafeTensorsWriter, RefusesWhatCouldNotBeReadBack) {
  const Bytes data(8);
  EXPECT_EQ(write_message({{"t", DType::kF32, {2}, data}}), "written");
  EXPECT_EQ(write_message({{"t", DType::kF32, {3}, data}}),
            "tensor \"t\": shape [3] of F32 needs 12 bytes, but its data has 8");
  EXPECT_EQ(write_message({{"t", DType::kF32, {-2, -1}, data}}),
            "tensor \"t\": shape [-2, -1] has a negative extent");
  EXPECT_NE(write_message({{"t", DType::kU8, {INT64_MAX, INT64_MAX}, data}}).find("has more than"),
            std::string::npos);
  EXPECT_TRUE(write_message({{"t", DType::kIndex, {1}, data}})
                  .starts_with("tensor \"t\": the format has no element type index; it has BOOL, "));
  EXPECT_NE(write_message({{"t", DType::kVoid, {1}, {}}}).find("no element type void"), std::string::npos);
  EXPECT_EQ(write_message(
                {{"t", DType::kF32, {2}, data}, {"s", DType::kI8, {8}, data}, {"t", DType::kI8, {8}, data}}),
            "tensor \"t\": there are two of this name");
  EXPECT_EQ(write_message({{"\xff", DType::kF32, {2}, data}}),
            "tensor \"\\xff\": the name is not UTF-8 text");
  EXPECT_EQ(write_message({{"__metadata__", DType::kF32, {2}, data}}),
            "tensor \"__metadata__\": the format keeps this name for itself");
  EXPECT_EQ(write_message({}, {{"k", "\xc0"}}), "metadata \"k\": the value is not UTF-8 text");
  EXPECT_EQ(write_message({}, {{"\xc0", ""}}), "metadata \"\\xc0\": the name is not UTF-8 text");
}

TEST(SafeTensorsFile, WriteOpenAndReplace) {
  const std::string path =
      testing::TempDir() + std::to_string(getpid()) + "anneal_safetensors_test.safetensors";
  const OwnedTensor first("x", DType::kF32, {2, 3}, 1);
  const OwnedTensor second("y", DType::kI64, {1}, 7);
  ASSERT_TRUE(write_safetensors(path, {{first.view}}, {{"step", "1"}}).ok());
  const Result<SafeTensors> opened = SafeTensors::open(path);
  ASSERT_TRUE(opened.ok()) << opened.message();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(opened->find("x")->data.data()) % 8, 0u);

  // Replacing the file leaves the open one as it was.
  ASSERT_TRUE(write_safetensors(path, {{second.view}}, {{"step", "2"}}).ok());
  EXPECT_EQ(as_text(opened->find("x")->data), as_text(first.bytes));
  EXPECT_EQ(opened->metadata().at("step"), "1");
  const SafeTensors reopened = SafeTensors::open(path).value();
  EXPECT_EQ(as_text(reopened.find("y")->data), as_text(second.bytes));
  EXPECT_EQ(reopened.find("x"), nullptr);

  const Result<void> refused = write_safetensors(path, {{{"z", DType::kF32, {1}, {}}}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.message(), path + ": tensor \"z\": shape [1] of F32 needs 4 bytes, but its data has 0");
  EXPECT_TRUE(SafeTensors::open(path).ok());
  std::filesystem::remove(path);
}

TEST(SafeTensorsFile, FailuresNameTheFile) {
  const std::string path = testing::TempDir() + std::to_string(getpid()) + "anneal_safetensors_test_broken";
  EXPECT_EQ(SafeTensors::open(path).message(), path + ": cannot open: No such file or directory");
  std::ofstream(path) << "abc";
  EXPECT_EQ(SafeTensors::open(path).message(),
            path + ": not a safetensors file: it has 3 bytes, fewer than the 8 that hold the header length");
  std::filesystem::remove(path);
  EXPECT_FALSE(write_safetensors(path + "/missing/file", {}).ok());
}

}  // namespace
}  // namespace anneal::io
