// SPDX-License-Identifier: MIT
#include "bundles/store.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <random>
#include <system_error>

#include "io/file_bytes.h"
#include "support/cache_folder.h"

namespace anneal::bundles {
namespace {

namespace fs = std::filesystem;
using io::concat;
using io::Failure;

constexpr size_t kChance = 6;  // digits
constexpr char kTimeForm[] = "00000000T000000.000Z";

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string formatted(std::time_t now, const char* form) {
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, form, &parts)};
}

// Names in the folder that have the form of an id, in order of time.
std::vector<std::string> ids_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (std::string name = at->path().filename().string(); is_id(name)) out.push_back(std::move(name));
  std::sort(out.begin(), out.end());
  return out;
}

Result<void> check_folder(const std::string& folder) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(folder, error);
  if (fs::is_directory(status)) return {};
  if (fs::is_symlink(status))
    return Failure{folder + ": is a symbolic link; a bundle is a folder of its own"};
  return Failure{folder + (fs::exists(status) ? ": is no folder" : ": there is no such folder")};
}

// Of a file in a folder of a bundle.
Result<std::string> checked_path(const std::string& folder, std::string_view name) {
  if (!is_plain_name(name))
    return Failure{concat(folder, ": ", io::in_quotes(name), " is no name of a file in the bundle")};
  std::string path = folder + "/" + std::string(name);
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (!fs::exists(status)) return Failure{path + ": there is no such file"};
  if (!fs::is_regular_file(status))
    return Failure{path + ": is no file" + (fs::is_symlink(status) ? " but a symbolic link" : "")};
  return path;
}

Result<std::string> read_checked(const std::string& folder, std::string_view name) {
  constexpr size_t kMostBytes = size_t{1} << 30;
  const Result<std::string> path = checked_path(folder, name);
  if (!path) return path.failure();
  const auto file = io::FileBytes::read(*path, kMostBytes);
  if (!file) return file.failure();
  const std::span<const std::byte> bytes = (*file)->bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string list_of(const std::vector<std::string>& ids) {
  constexpr size_t kShown = 5;
  std::string out;
  for (size_t i = ids.size() - std::min(ids.size(), kShown); i < ids.size(); ++i) out += "\n  " + ids[i];
  return out;
}

}  // namespace

Result<std::string> run_folder() {
  if (const std::string& chosen = support::flag_text(support::Flag::kRunDir); !chosen.empty()) return chosen;
  const std::string cache = support::cache_folder();
  if (cache.empty())
    return Failure{
        "there is no folder for run bundles: ANNEAL_CACHE_DIR is off, or there is none; name one with "
        "ANNEAL_RUN_DIR"};
  return cache + "/runs";
}

Result<NewBundle> create_bundle(const std::string& run_folder, std::string_view model) {
  constexpr int kTries = 100;
  const auto failed = [](const std::string& folder, const std::error_code& error) {
    return Failure{folder + ": cannot make the folder of a run bundle: " + error.message() +
                   "; ANNEAL_RUN_DIR names another place"};
  };
  std::error_code error;
  fs::create_directories(run_folder, error);
  if (error) return failed(run_folder, error);
  using Clock = std::chrono::system_clock;
  const Clock::time_point moment = Clock::now();
  const std::time_t now = Clock::to_time_t(std::chrono::floor<std::chrono::seconds>(moment));
  const auto part = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(moment.time_since_epoch()).count() % 1000);
  std::random_device chance;
  for (int i = 0; i < kTries; ++i) {
    char thousandths[16], digits[16];
    std::snprintf(thousandths, sizeof thousandths, ".%03dZ", part);
    std::snprintf(digits, sizeof digits, "%06x", chance() & 0xffffffU);
    NewBundle out;
    out.id = concat(formatted(now, "%Y%m%dT%H%M%S"), thousandths, "-", model, "-", digits);
    out.folder = fs::absolute(fs::path(run_folder) / out.id).string();
    out.created_at = formatted(now, "%Y-%m-%dT%H:%M:%SZ");
    if (fs::create_directory(out.folder, error)) return out;
    if (error) return failed(out.folder, error);
  }
  return Failure{run_folder + ": no name for a run bundle is free"};
}

std::string_view Bundle::state() const {
  if (manifest.state == State::kRunning && !is_alive) return "killed";
  return kStateText[static_cast<size_t>(manifest.state)];
}

bool is_id(std::string_view text) {
  const std::string_view form = kTimeForm;
  if (!is_plain_name(text) || text.size() < form.size() + kChance + 3) return false;
  for (size_t i = 0; i < form.size(); ++i)
    if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return false;
  return text[form.size()] == '-' && text[text.size() - kChance - 1] == '-' &&
         is_hex(text.substr(text.size() - kChance));
}

Result<std::string> find_bundle(const std::string& run_folder, const std::string& name) {
  if (name.find('/') != std::string::npos) {
    std::string folder = name;
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    return folder;
  }
  if (!is_plain_name(name))
    return Failure{
        concat(io::in_quotes(name), " is no id of a run bundle and no path of one, which has a '/'")};
  const std::vector<std::string> ids = ids_in(run_folder);
  const auto path = [&](const std::string& id) { return run_folder + "/" + id; };
  if (ids.empty()) return Failure{run_folder + ": there are no run bundles; --bundle writes one"};
  if (name == "last") return path(ids.back());
  std::vector<std::string> found;
  for (const std::string& id : ids) {
    if (id == name) return path(id);
    if (id.starts_with(name) || (name.size() == kChance && id.ends_with("-" + name))) found.push_back(id);
  }
  if (found.size() == 1) return path(found[0]);
  if (found.empty())
    return Failure{concat("there is no run bundle '", io::printable(name), "' in ", run_folder, "; ",
                          ids.size() == 1 ? "there is" : "the last ones are", list_of(ids))};
  return Failure{concat("'", io::printable(name), "' begins the names of ", found.size(),
                        " run bundles:", list_of(found))};
}

Result<Bundle> read_bundle(const std::string& folder) {
  if (const Result<void> good = check_folder(folder); !good) return good.failure();
  Bundle out;
  out.folder = fs::absolute(folder).string();
  out.id = fs::path(out.folder).filename().string();
  const Result<std::string> manifest = read_checked(folder, kManifest);
  if (!manifest) return Failure{manifest.message() + "; a run bundle has one"};
  Result<Manifest> parsed = parse_manifest(*manifest, out.path(kManifest));
  if (!parsed) return parsed.failure();
  out.manifest = std::move(*parsed);
  const Result<std::string> config = read_checked(folder, kConfig);
  if (!config) return config.failure();
  Result<Config> settings = parse_config(*config, out.path(kConfig));
  if (!settings) return settings.failure();
  out.config = std::move(*settings);
  out.is_alive = is_locked(out.path(kEvents));
  return out;
}

Result<std::string> read_file_of(const Bundle& bundle, std::string_view name) {
  return read_checked(bundle.folder, name);
}
bool has_file(const Bundle& bundle, std::string_view name) { return checked_path(bundle.folder, name).ok(); }

Result<std::vector<LossRow>> losses_of(const Bundle& bundle) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(bundle.path(kLosses), error))) return std::vector<LossRow>();
  const Result<std::string> text = read_file_of(bundle, kLosses);
  if (!text) return text.failure();
  return parse_losses(*text, bundle.path(kLosses));
}

Result<std::vector<TokenRow>> tokens_of(const Bundle& bundle) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(bundle.path(kTokens), error))) return std::vector<TokenRow>();
  const Result<std::string> text = read_file_of(bundle, kTokens);
  if (!text) return text.failure();
  return parse_tokens(*text, bundle.path(kTokens));
}

Result<std::vector<std::string>> kernels_of(const Bundle& bundle) {
  const std::string folder = bundle.path(kKernels);
  if (const Result<void> good = check_folder(folder); !good) return good.failure();
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    // One that begins with a dot was not finished.
    if (std::string name = at->path().filename().string(); name[0] != '.') out.push_back(std::move(name));
  if (error) return Failure{folder + ": cannot list: " + error.message()};
  std::sort(out.begin(), out.end());
  for (const std::string& name : out)
    if (const Result<std::string> path = checked_path(folder, name); !path) return path.failure();
  return out;
}

uint64_t bytes_of(const std::string& folder) {
  uint64_t out = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (fs::is_regular_file(at->symlink_status(ignored))) {
      const uint64_t size = at->file_size(ignored);
      if (!ignored) out += size;
    }
  }
  return out;
}

Result<std::vector<Listed>> list_bundles(const std::string& run_folder) {
  std::vector<Listed> out;
  for (const std::string& id : ids_in(run_folder)) {
    Listed& one = out.emplace_back();
    one.id = id;
    const std::string folder = run_folder + "/" + id;
    Result<Bundle> bundle = read_bundle(folder);
    if (!bundle) {
      one.problem = bundle.message();
      if (check_folder(folder)) one.bytes = bytes_of(folder);
      continue;
    }
    one.bytes = bytes_of(folder);
    one.bundle = std::move(*bundle);
    Manifest& manifest = one.bundle.manifest;
    if (manifest.state != State::kRunning) continue;
    // The manifest is only as new as its last event.
    if (const auto losses = losses_of(one.bundle); losses && !losses->empty()) {
      manifest.steps = losses->back().step;
      manifest.last_loss = losses->back().loss;
    }
    if (const auto tokens = tokens_of(one.bundle); tokens && !tokens->empty())
      manifest.steps = static_cast<int64_t>(tokens->size());
  }
  return out;
}

Result<void> remove_bundle(const std::string& run_folder, const std::string& id) {
  if (!is_id(id)) return Failure{io::in_quotes(id) + " is no id of a run bundle"};
  const std::string folder = run_folder + "/" + id;
  if (Result<void> good = check_folder(folder); !good) return good;
  if (is_locked(folder + "/" + kEvents)) return Failure{id + " is running; it is not removed"};
  std::error_code error;
  fs::remove_all(folder, error);  // of a symbolic link, the link
  if (error) return Failure{folder + ": cannot remove: " + error.message()};
  return {};
}

}  // namespace anneal::bundles
