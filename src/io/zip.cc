// SPDX-License-Identifier: MIT
//
// The table at the end of an archive is believed only where the headers in front of the members say the same.
#include "io/zip.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "io/deflate.h"

namespace anneal::io {
namespace {

constexpr uint32_t kLocalMark = 0x04034b50, kTableMark = 0x02014b50, kEndMark = 0x06054b50;
constexpr uint32_t kEnd64Mark = 0x06064b50, kLocator64Mark = 0x07064b50;
constexpr size_t kLocalSize = 30, kTableSize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
constexpr uint32_t kNone32 = 0xffffffff;  // "see the zip64 field"
constexpr uint16_t kNone16 = 0xffff;
constexpr uint16_t kStoredMethod = 0, kDeflatedMethod = 8;
constexpr uint16_t kEncrypted = 1, kUtf8Names = 1 << 11;
constexpr uint16_t kZip64Field = 1;
constexpr size_t kMaxMembers = size_t{1} << 20;
constexpr uint64_t kDeflateRatio = 1032;  // no deflated data can be shorter than this part of its content

// A number in the archive, little-endian. The caller has checked the range.
template <typename T>
T number_at(std::span<const std::byte> bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= std::to_integer<uint64_t>(bytes[at + i]) << (8 * i);
  return static_cast<T>(value);
}

template <typename T>
void append_number(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out += static_cast<char>((static_cast<uint64_t>(value) >> (8 * i)) & 0xff);
}

std::string_view method_name(uint16_t method) {
  switch (method) {
    case 9: return "deflate64";
    case 12: return "bzip2";
    case 14: return "lzma";
    case 93: return "zstd";
    case 95: return "xz";
    default: return "unknown";
  }
}

// Where the table lies, and how many members it has.
struct ZipTable {
  uint64_t offset = 0, size = 0, members = 0;
};

class ZipReader {
 public:
  ZipReader(std::span<const std::byte> bytes, std::string_view label) : bytes_(bytes), label_(label) {}

  Result<std::vector<ZipMember>> read(const ZipLimits& limits);

 private:
  struct Place {  // of a member: its local header and data
    uint64_t begin, end;
    size_t member;
  };

  template <typename... Parts>
  Failure fail(const Parts&... parts) const {
    return Failure{concat(label_, ": ", parts...)};
  }
  Result<ZipTable> find_table() const;
  Result<ZipTable> read_end64(size_t end) const;
  Result<size_t> read_member(size_t at, const ZipTable& table, ZipMember& out, uint64_t& local) const;
  Result<void> find_data(const ZipTable& table, uint64_t local, uint64_t stored_size, ZipMember& out) const;
  Result<void> check_places() const;
  Result<void> check_sizes(std::span<const ZipMember> members, const ZipLimits& limits) const;

  std::span<const std::byte> bytes_;
  std::string_view label_;
  std::vector<Place> places_;
};

Result<ZipTable> ZipReader::read_end64(size_t end) const {
  const size_t locator = end - kLocator64Size;
  const auto at = number_at<uint64_t>(bytes_, locator + 8);
  if (at > locator || locator - at < kEnd64Size ||
      number_at<uint32_t>(bytes_, static_cast<size_t>(at)) != kEnd64Mark)
    return fail("byte ", locator, ": the zip64 locator points to no zip64 record");
  const auto record = static_cast<size_t>(at);
  if (number_at<uint32_t>(bytes_, record + 16) != 0 || number_at<uint32_t>(bytes_, record + 20) != 0)
    return fail("an archive in several parts");
  const ZipTable table = {number_at<uint64_t>(bytes_, record + 48), number_at<uint64_t>(bytes_, record + 40),
                          number_at<uint64_t>(bytes_, record + 32)};
  if (table.offset > at || at - table.offset != table.size)
    return fail("the table of members does not end where the zip64 record begins");
  return table;
}

// The end record is the last thing of the file but for a comment, whose length it states.
Result<ZipTable> ZipReader::find_table() const {
  if (bytes_.size() < kEndSize) return fail("cut short, or not a zip archive: ", bytes_.size(), " bytes");
  const size_t last = bytes_.size() - kEndSize;
  const size_t first = last > kNone16 ? last - kNone16 : 0;
  for (size_t end = last + 1; end-- > first;) {
    if (number_at<uint32_t>(bytes_, end) != kEndMark) continue;
    if (number_at<uint16_t>(bytes_, end + 20) != last - end) continue;
    if (end >= kLocator64Size && number_at<uint32_t>(bytes_, end - kLocator64Size) == kLocator64Mark)
      return read_end64(end);
    if (number_at<uint16_t>(bytes_, end + 4) != 0 || number_at<uint16_t>(bytes_, end + 6) != 0)
      return fail("an archive in several parts");
    const ZipTable table = {number_at<uint32_t>(bytes_, end + 16), number_at<uint32_t>(bytes_, end + 12),
                            number_at<uint16_t>(bytes_, end + 10)};
    if (table.offset > end || end - table.offset != table.size)
      return fail("the table of members does not end where the end record begins");
    return table;
  }
  return fail("cut short, or not a zip archive: its end record is missing");
}

// Checks what stands in front of the data against the table, and notes the place.
Result<void> ZipReader::find_data(const ZipTable& table, uint64_t local, uint64_t stored_size,
                                  ZipMember& out) const {
  const std::string name = in_quotes(out.name);
  if (local > table.offset || table.offset - local < kLocalSize)
    return fail("member ", name, ": it begins at byte ", local, ", behind the last that it can");
  const auto at = static_cast<size_t>(local);
  if (number_at<uint32_t>(bytes_, at) != kLocalMark)
    return fail("member ", name, ": there is no header of a member at byte ", local);
  const size_t name_size = number_at<uint16_t>(bytes_, at + 26), extra = number_at<uint16_t>(bytes_, at + 28);
  const uint64_t begin = local + kLocalSize + name_size + extra;
  if (begin > table.offset || table.offset - begin < stored_size)
    return fail("member ", name, ": its ", stored_size, " bytes from byte ", begin,
                " go past the end of the members, byte ", table.offset);
  const std::string_view local_name(reinterpret_cast<const char*>(bytes_.data()) + at + kLocalSize,
                                    name_size);
  if (local_name != out.name)
    return fail("member ", name, ": in front of its data it is called ", in_quotes(local_name));
  out.stored = bytes_.subspan(static_cast<size_t>(begin), static_cast<size_t>(stored_size));
  return {};
}

// Returns the size of the table's entry at `at`.
Result<size_t> ZipReader::read_member(size_t at, const ZipTable& table, ZipMember& out,
                                      uint64_t& local) const {
  const size_t end = static_cast<size_t>(table.offset + table.size);
  if (end - at < kTableSize || number_at<uint32_t>(bytes_, at) != kTableMark)
    return fail("byte ", at, ": the table of members is damaged");
  const auto flags = number_at<uint16_t>(bytes_, at + 8), method = number_at<uint16_t>(bytes_, at + 10);
  out.crc = number_at<uint32_t>(bytes_, at + 16);
  uint64_t stored = number_at<uint32_t>(bytes_, at + 20);
  out.size = number_at<uint32_t>(bytes_, at + 24);
  local = number_at<uint32_t>(bytes_, at + 42);
  const size_t name_size = number_at<uint16_t>(bytes_, at + 28), extra = number_at<uint16_t>(bytes_, at + 30);
  const size_t entry = kTableSize + name_size + extra + number_at<uint16_t>(bytes_, at + 32);
  if (end - at < entry) return fail("byte ", at, ": the table of members is cut short");
  out.name.assign(reinterpret_cast<const char*>(bytes_.data()) + at + kTableSize, name_size);

  // Numbers that do not fit in 32 bits stand in a field of their own, in this order, and only those.
  for (size_t field = at + kTableSize + name_size, last = field + extra; last - field >= 4;) {
    const size_t size = number_at<uint16_t>(bytes_, field + 2);
    if (last - field - 4 < size)
      return fail("member ", in_quotes(out.name), ": its extra fields are damaged");
    if (number_at<uint16_t>(bytes_, field) == kZip64Field) {
      size_t next = field + 4;
      for (uint64_t* value : {&out.size, &stored, &local}) {
        if (*value != kNone32) continue;
        if (field + 4 + size - next < 8)
          return fail("member ", in_quotes(out.name), ": its zip64 field is cut short");
        *value = number_at<uint64_t>(bytes_, next);
        next += 8;
      }
    }
    field += 4 + size;
  }
  if ((flags & kEncrypted) != 0) return fail("member ", in_quotes(out.name), " is encrypted");
  if (method != kStoredMethod && method != kDeflatedMethod)
    return fail("member ", in_quotes(out.name), " is compressed by ", method_name(method), " (method ",
                method, "); stored and deflate are read");
  out.deflated = method == kDeflatedMethod;
  if (!out.deflated && out.size != stored)
    return fail("member ", in_quotes(out.name), ": ", stored, " bytes are stored for a content of ",
                out.size);
  Result<void> found = find_data(table, local, stored, out);
  if (!found) return std::move(found).failure();
  return entry;
}

Result<void> ZipReader::check_places() const {
  std::vector<Place> sorted = places_;
  std::sort(sorted.begin(), sorted.end(), [](const Place& a, const Place& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.member < b.member;
  });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].begin < sorted[i - 1].end)
      return fail("byte ", sorted[i].begin, ": two members lie in the same place");
  }
  return {};
}

Result<void> ZipReader::check_sizes(std::span<const ZipMember> members, const ZipLimits& limits) const {
  const uint64_t limit = limits.max_unfolded != 0 ? limits.max_unfolded : unfolded_limit(bytes_.size());
  uint64_t total = 0;
  for (const ZipMember& member : members) {
    if (!member.deflated) continue;
    if (member.size / kDeflateRatio > member.stored.size())
      return fail("member ", in_quotes(member.name), ": ", member.stored.size(), " bytes cannot hold the ",
                  member.size, " that are declared");
    if (member.size > limit || total > limit - member.size)
      return fail("it unfolds to more than ", limit,
                  " bytes, which is not what data does: if it is right, "
                  "save it without compression");
    total += member.size;
  }
  return {};
}

Result<std::vector<ZipMember>> ZipReader::read(const ZipLimits& limits) {
  const Result<ZipTable> table = find_table();
  if (!table) return table.failure();
  if (table->members > kMaxMembers || table->members > table->size / kTableSize)
    return fail("a table of ", table->size, " bytes for ", table->members, " members");
  std::vector<ZipMember> members(static_cast<size_t>(table->members));
  auto at = static_cast<size_t>(table->offset);
  for (size_t i = 0; i < members.size(); ++i) {
    uint64_t local = 0;
    const Result<size_t> size = read_member(at, *table, members[i], local);
    if (!size) return size.failure();
    at += *size;
    const auto end =
        static_cast<uint64_t>(members[i].stored.data() - bytes_.data()) + members[i].stored.size();
    places_.push_back({local, end, i});
  }
  if (at != table->offset + table->size)
    return fail("byte ", at, ": the table of members has more than it says");
  if (Result<void> places = check_places(); !places) return std::move(places).failure();
  if (Result<void> sizes = check_sizes(members, limits); !sizes) return std::move(sizes).failure();
  return members;
}

uint32_t in_32_bits(uint64_t value, bool elsewhere) {
  return elsewhere ? kNone32 : static_cast<uint32_t>(value);
}

// What local headers and entries of the table have in common, from the version to the size of the name.
void append_common(std::string& out, bool deflated, bool large, uint32_t crc, uint64_t stored, uint64_t size,
                   std::string_view name) {
  constexpr uint16_t kDate1980 = (1 << 5) | 1;
  append_number<uint16_t>(out, large ? 45 : 20);
  const bool is_ascii = std::all_of(name.begin(), name.end(), [](char c) { return c >= 0; });
  append_number<uint16_t>(out, is_ascii ? 0 : kUtf8Names);
  append_number<uint16_t>(out, deflated ? kDeflatedMethod : kStoredMethod);
  append_number<uint16_t>(out, 0);
  append_number<uint16_t>(out, kDate1980);
  append_number<uint32_t>(out, crc);
  append_number<uint32_t>(out, in_32_bits(stored, large));
  append_number<uint32_t>(out, in_32_bits(size, large));
  append_number<uint16_t>(out, static_cast<uint16_t>(name.size()));
}

std::string zip64_field(std::initializer_list<uint64_t> values) {
  std::string out;
  append_number<uint16_t>(out, kZip64Field);
  append_number<uint16_t>(out, static_cast<uint16_t>(values.size() * 8));
  for (const uint64_t value : values) append_number<uint64_t>(out, value);
  return out;
}

}  // namespace

bool is_zip(std::span<const std::byte> bytes) {
  if (bytes.size() < 4) return false;
  const auto mark = number_at<uint32_t>(bytes, 0);
  return mark == kLocalMark || mark == kEndMark;
}

Result<ZipArchive> ZipArchive::parse(std::span<const std::byte> bytes, std::string_view label,
                                     const ZipLimits& limits) {
  Result<std::vector<ZipMember>> members = ZipReader(bytes, label).read(limits);
  if (!members) return std::move(members).failure();
  ZipArchive archive;
  archive.label_ = label;
  archive.members_ = std::move(*members);
  return archive;
}

Result<std::span<const std::byte>> ZipArchive::read(const ZipMember& member,
                                                    std::vector<std::byte>& room) const {
  const std::string label = concat(label_, ": member ", in_quotes(member.name));
  std::span<const std::byte> content = member.stored;
  if (member.deflated) {
    Result<std::vector<std::byte>> unfolded = inflate(member.stored, member.size, label);
    if (!unfolded) return std::move(unfolded).failure();
    room = std::move(*unfolded);
    content = room;
  }
  if (crc32_of(content) != member.crc)
    return Failure{label + ": its checksum is wrong, so the file is damaged"};
  return content;
}

void ZipWriter::add(std::string name, std::string head, std::span<const std::byte> data) {
  Member member;
  member.name = std::move(name);
  member.size = member.stored = head.size() + data.size();
  std::vector<std::byte> whole;
  if (compress_) {
    const std::span<const std::byte> start = std::as_bytes(std::span(head));
    whole.assign(start.begin(), start.end());
    whole.insert(whole.end(), data.begin(), data.end());
    member.crc = crc32_of(whole);
    member.deflated = deflate(whole);
    member.stored = member.deflated.size();
  } else {
    member.crc = crc32_of(std::as_bytes(std::span(head)));
    member.crc = crc32_join(member.crc, crc32_of(data), data.size());
    member.head = std::move(head);
    member.data = data;
  }
  members_.push_back(std::move(member));
}

std::vector<std::span<const std::byte>> ZipWriter::parts() {
  std::vector<std::span<const std::byte>> out;
  uint64_t at = 0;
  const auto push = [&](std::span<const std::byte> part) {
    out.push_back(part);
    at += part.size();
  };
  for (Member& m : members_) {
    m.offset = at;
    const bool large = is_large(m.size) || is_large(m.stored);
    append_number<uint32_t>(m.before, kLocalMark);
    // A local header has both sizes in its field, or none.
    append_common(m.before, compress_, large, m.crc, m.stored, m.size, m.name);
    const std::string extra = large ? zip64_field({m.size, m.stored}) : std::string();
    append_number<uint16_t>(m.before, static_cast<uint16_t>(extra.size()));
    m.before += m.name + extra;
    push(std::as_bytes(std::span(m.before)));
    push(std::as_bytes(std::span(m.head)));
    push(m.deflated);
    push(m.data);

    const bool far = large || is_large(m.offset);
    append_number<uint32_t>(table_, kTableMark);
    append_number<uint16_t>(table_, far ? 45 : 20);  // made by
    append_common(table_, compress_, far, m.crc, m.stored, m.size, m.name);
    const std::string place = far ? zip64_field({m.size, m.stored, m.offset}) : std::string();
    append_number<uint16_t>(table_, static_cast<uint16_t>(place.size()));
    table_.append(10, '\0');  // no comment, first part, no attributes
    append_number<uint32_t>(table_, in_32_bits(m.offset, far));
    table_ += m.name + place;
  }
  const uint64_t table_at = at, table_size = table_.size();
  const bool large = is_large(table_at) || is_large(table_size) || members_.size() >= kNone16;
  if (large) {
    append_number<uint32_t>(table_, kEnd64Mark);
    append_number<uint64_t>(table_, kEnd64Size - 12);
    append_number<uint16_t>(table_, 45);
    append_number<uint16_t>(table_, 45);
    table_.append(8, '\0');  // the first and only part
    append_number<uint64_t>(table_, members_.size());
    append_number<uint64_t>(table_, members_.size());
    append_number<uint64_t>(table_, table_size);
    append_number<uint64_t>(table_, table_at);
    append_number<uint32_t>(table_, kLocator64Mark);
    append_number<uint32_t>(table_, 0);
    append_number<uint64_t>(table_, table_at + table_size);
    append_number<uint32_t>(table_, 1);
  }
  append_number<uint32_t>(table_, kEndMark);
  append_number<uint32_t>(table_, 0);
  const auto count = static_cast<uint16_t>(std::min<size_t>(members_.size(), kNone16));
  append_number<uint16_t>(table_, count);
  append_number<uint16_t>(table_, count);
  append_number<uint32_t>(table_, in_32_bits(table_size, large));
  append_number<uint32_t>(table_, in_32_bits(table_at, large));
  append_number<uint16_t>(table_, 0);
  push(std::as_bytes(std::span(table_)));
  return out;
}

}  // namespace anneal::io
