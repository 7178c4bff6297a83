// SPDX-License-Identifier: MIT
//
// zlib counts in 32 bits, so large buffers are given to it piece by piece.
#include "io/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

namespace anneal::io {
namespace {

constexpr size_t kZlibPiece = size_t{1} << 30;
constexpr int kRawWindow = -15;
constexpr int kGzipWindow = 15 + 16;

// zlib does not change its input, but older headers do not say so.
Bytef* zlib_input(std::span<const std::byte> bytes) {
  return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
}

class Inflater {
 public:
  explicit Inflater(int window) { ready_ = inflateInit2(&stream_, window) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool ready() const { return ready_; }
  size_t used() const { return used_; }
  size_t made() const { return made_; }

  // As far as input and room go. Z_STREAM_END, Z_OK when there is no room or no input left, or an error.
  int step(std::span<const std::byte> in, std::span<std::byte> room) {
    const std::span<const std::byte> piece = in.subspan(used_, std::min(in.size() - used_, kZlibPiece));
    const std::span<std::byte> space = room.subspan(made_, std::min(room.size() - made_, kZlibPiece));
    stream_.next_in = zlib_input(piece);
    stream_.avail_in = static_cast<uInt>(piece.size());
    stream_.next_out = reinterpret_cast<Bytef*>(space.data());
    stream_.avail_out = static_cast<uInt>(space.size());
    const int rc = ::inflate(&stream_, Z_NO_FLUSH);
    used_ += piece.size() - stream_.avail_in;
    made_ += space.size() - stream_.avail_out;
    return rc;
  }
  bool restart() { return inflateReset(&stream_) == Z_OK; }

 private:
  z_stream stream_ = {};
  bool ready_ = false;
  size_t used_ = 0, made_ = 0;
};

Failure damaged(std::string_view label, std::string_view what) {
  return Failure{concat(label, ": the compressed data is damaged: ", what)};
}

}  // namespace

uint64_t unfolded_limit(uint64_t bytes) {
  constexpr uint64_t kAlways = uint64_t{256} << 20, kTimes = 100;
  if (bytes > std::numeric_limits<uint64_t>::max() / kTimes) return std::numeric_limits<uint64_t>::max();
  return std::max(kAlways, bytes * kTimes);
}

Result<std::vector<std::byte>> inflate(std::span<const std::byte> stored, uint64_t size,
                                       std::string_view label) {
  Inflater inflater(kRawWindow);
  if (!inflater.ready()) return Failure{concat(label, ": no memory to unfold it")};
  // One byte more than declared, so that data that is too long shows.
  std::vector<std::byte> out(static_cast<size_t>(size) + 1);
  while (true) {
    const size_t before = inflater.used() + inflater.made();
    const int rc = inflater.step(stored, out);
    if (inflater.made() > size)
      return damaged(label, concat("it holds more than the ", size, " bytes declared"));
    if (rc == Z_STREAM_END) break;
    if ((rc != Z_OK && rc != Z_BUF_ERROR) || inflater.used() + inflater.made() == before)
      return damaged(label,
                     inflater.used() == stored.size() ? "it ends too early" : "it does not make sense");
  }
  if (inflater.made() != size)
    return damaged(label, concat("it holds ", inflater.made(), " bytes, not the ", size, " declared"));
  if (inflater.used() != stored.size())
    return damaged(label, concat(stored.size() - inflater.used(), " bytes follow its end"));
  out.resize(static_cast<size_t>(size));
  return out;
}

std::vector<std::byte> deflate(std::span<const std::byte> bytes) {
  z_stream stream = {};
  constexpr int kMemoryLevel = 8;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawWindow, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return {};
  std::vector<std::byte> out;
  constexpr size_t kStep = size_t{1} << 16;
  size_t used = 0, made = 0;
  int rc = Z_OK;
  while (rc != Z_STREAM_END) {
    if (made == out.size()) out.resize(out.size() + std::max(kStep, out.size() / 2));
    const std::span<const std::byte> piece = bytes.subspan(used, std::min(bytes.size() - used, kZlibPiece));
    const size_t room = std::min(out.size() - made, kZlibPiece);
    stream.next_in = zlib_input(piece);
    stream.avail_in = static_cast<uInt>(piece.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
    stream.avail_out = static_cast<uInt>(room);
    rc = ::deflate(&stream, used + piece.size() == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    used += piece.size() - stream.avail_in;
    made += room - stream.avail_out;
  }
  deflateEnd(&stream);
  out.resize(made);
  return out;
}

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

Result<std::vector<std::byte>> gunzip(std::span<const std::byte> stored, uint64_t max_bytes,
                                      std::string_view label) {
  Inflater inflater(kGzipWindow);
  if (!inflater.ready()) return Failure{concat(label, ": no memory to unfold it")};
  std::vector<std::byte> out;
  constexpr size_t kFirst = size_t{1} << 16;
  while (true) {
    if (inflater.made() == out.size()) {
      if (out.size() > max_bytes) {
        return Failure{concat(label, ": it unfolds to more than ", max_bytes,
                              " bytes, which is not what data does: unpack it first if it is right")};
      }
      out.resize(std::min<uint64_t>(std::max(kFirst, out.size() * 2), max_bytes + 1));
    }
    const size_t before = inflater.used() + inflater.made();
    const int rc = inflater.step(stored, out);
    if (rc == Z_STREAM_END) {
      if (inflater.used() == stored.size()) break;
      if (!is_gzip(stored.subspan(inflater.used())) || !inflater.restart())
        return damaged(label, concat(stored.size() - inflater.used(), " bytes follow its end"));
      continue;
    }
    if ((rc != Z_OK && rc != Z_BUF_ERROR) || inflater.used() + inflater.made() == before)
      return damaged(label,
                     inflater.used() == stored.size() ? "it ends too early" : "it does not make sense");
  }
  if (inflater.made() > max_bytes)
    return Failure{concat(label, ": it unfolds to more than ", max_bytes, " bytes")};
  out.resize(inflater.made());
  return out;
}

uint32_t crc32_of(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t second_size) {
  return static_cast<uint32_t>(::crc32_combine(first, second, static_cast<z_off_t>(second_size)));
}

}  // namespace anneal::io
