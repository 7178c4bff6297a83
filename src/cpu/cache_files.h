// SPDX-License-Identifier: MIT
// Which files of the cache's folder are this project's. The folder is the user's choice, and other things may
// lie in it: nothing else is counted, changed or taken away, and nothing but regular files is ever waited
// for. Tested by cache_files_test.cc.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace anneal::cpu {

enum class CacheFile : uint8_t { kOther, kObject, kFresh, kJournal, kFigures };

inline constexpr std::string_view kObjectSuffix = ".o", kFreshSuffix = ".tmp";
inline constexpr std::string_view kObjectMagic = "annealo";  // objects of every version begin with it
inline constexpr std::string_view kJournalName = "journal", kFiguresPrefix = "measured-";

// From the name alone, which no other project gives: 32 hexadecimal digits and ".o", and so on.
CacheFile kind_of_name(std::string_view name);

// Of a regular file, and no link to one, whose content agrees with its name as well; else kOther.
CacheFile kind_of_file(const std::filesystem::path& path);

// Like open(2), at once and without a terminal or a lock: -1 for what is not a regular file.
int open_regular(const std::filesystem::path& path, int flags);

// The whole of a regular file.
std::optional<std::string> read_regular(const std::filesystem::path& path);

// A name beside `path` for what will be renamed to it, this process's own: "path.PID.tmp".
std::filesystem::path fresh_path(const std::filesystem::path& path);
// Makes a file of that name, with that text, and renames it to `path`; whether that succeeded.
bool replace_with_text(const std::filesystem::path& path, std::string_view text);

// Whether a journal begins like that, where it is not empty.
bool is_journal_text(std::string_view text);

}  // namespace anneal::cpu
