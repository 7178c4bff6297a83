// SPDX-License-Identifier: MIT
//
// libcurl calls back with the headers and the content. Whether the content goes on where the file ends, or
// begins anew because the server knows no ranges, shows in the status, before the first byte of content.
#include "assets/transfer.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <memory>
#include <system_error>

#include "io/message.h"

namespace anneal::assets {
namespace {

using Kind = TransferOutcome::Kind;

constexpr long kPartial = 206, kRangeNotSatisfiable = 416, kTimedOut = 408, kTooMany = 429,
               kServerError = 500;

struct CloseDescriptor {
  int descriptor;
  ~CloseDescriptor() { ::close(descriptor); }
};

class Attempt {
 public:
  Attempt(const TransferRequest& request, CURL* curl, int file, uint64_t offset)
      : request_(request), curl_(curl), file_(file), offset_(offset), size_(offset) {}

  TransferOutcome run();

 private:
  static size_t on_header(char* text, size_t one, size_t size, void* self) {
    static_cast<Attempt*>(self)->header({text, one * size});
    return one * size;
  }
  static size_t on_content(char* bytes, size_t one, size_t size, void* self) {
    return static_cast<Attempt*>(self)->content({bytes, one * size}) ? one * size : 0;
  }
  void set_options();
  void header(std::string_view line);
  bool content(std::string_view bytes);
  bool begin_content();
  bool fail(Kind kind, std::string message) {
    if (failure_.message.empty()) failure_ = {kind, std::move(message), 0};
    return false;
  }
  bool fail_disk(int error) {
    return fail(Kind::kDisk,
                io::concat(request_.path, ": cannot write: ", std::generic_category().message(error)));
  }
  long status() const {
    long value = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &value);
    return value;
  }
  TransferOutcome outcome(CURLcode code);

  const TransferRequest& request_;
  CURL* curl_;
  int file_;
  const uint64_t offset_;  // what was there before
  uint64_t size_;          // of the file by now
  uint64_t received_ = 0;
  uint64_t range_start_ = 0;
  bool begun_ = false;
  std::string range_;
  char problem_[CURL_ERROR_SIZE] = {};
  TransferOutcome failure_;
};

void Attempt::set_options() {
  constexpr long kConnectSeconds = 20, kRedirects = 10;
  const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(curl_, option, value); };
  set(CURLOPT_URL, request_.url.c_str());
  // What begins encrypted stays so.
  const bool secure = request_.url.starts_with("https:");
  set(CURLOPT_PROTOCOLS_STR, secure ? "https" : "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, kRedirects);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.stall_seconds));
  set(CURLOPT_USERAGENT, "anneal");
  set(CURLOPT_ERRORBUFFER, problem_);
  set(CURLOPT_HEADERFUNCTION, &Attempt::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Attempt::on_content);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  if (offset_ > 0) {
    range_ = std::to_string(offset_) + "-";
    set(CURLOPT_RANGE, range_.c_str());
  }
}

// "Content-Range: bytes 1000-1999/2000"; those of redirections come by as well and are overwritten.
void Attempt::header(std::string_view line) {
  constexpr std::string_view kName = "content-range:";
  if (line.size() < kName.size()) return;
  for (size_t i = 0; i < kName.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(line[i])) != kName[i]) return;
  const size_t digit = line.find_first_of("0123456789");
  if (digit == std::string_view::npos) return;
  std::from_chars(line.data() + digit, line.data() + line.size(), range_start_);
}

bool Attempt::begin_content() {
  begun_ = true;
  if (offset_ == 0) return true;
  if (status() == kPartial) {
    if (range_start_ == offset_) return true;
    return fail(Kind::kAgain,
                io::concat("the server goes on at byte ", range_start_, " instead of ", offset_));
  }
  if (::ftruncate(file_, 0) != 0) return fail_disk(errno);
  size_ = 0;
  return true;
}

bool Attempt::content(std::string_view bytes) {
  if (!begun_ && !begin_content()) return false;
  if (bytes.size() > request_.max_size - std::min(size_, request_.max_size))
    return fail(Kind::kTooLong, io::concat("the server sends more than ", request_.max_size, " bytes"));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count =
        ::pwrite(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(size_));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail_disk(count == 0 ? ENOSPC : errno);
    done += static_cast<size_t>(count);
    size_ += static_cast<uint64_t>(count);
  }
  received_ += bytes.size();
  if (request_.progress) request_.progress(size_);
  return true;
}

TransferOutcome Attempt::outcome(CURLcode code) {
  if (!failure_.message.empty()) {
    failure_.received = received_;
    return failure_;
  }
  if (code == CURLE_OK) return {Kind::kDone, {}, received_};
  const std::string message = problem_[0] != '\0' ? problem_ : curl_easy_strerror(code);
  switch (code) {
    case CURLE_HTTP_RETURNED_ERROR: {
      const long answer = status();
      if (answer == kRangeNotSatisfiable && offset_ > 0) {  // it has become shorter: from the start, then
        if (::ftruncate(file_, 0) != 0) return {Kind::kDisk, "cannot truncate " + request_.path, 0};
        return {Kind::kAgain, message, 0};
      }
      const bool passing = answer >= kServerError || answer == kTimedOut || answer == kTooMany;
      return {passing ? Kind::kAgain : Kind::kRefused, message, 0};
    }
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST: return {Kind::kNoHost, message, received_};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return {Kind::kRefused, message, received_};
    default: return {Kind::kAgain, message, received_};
  }
}

TransferOutcome Attempt::run() {
  set_options();
  TransferOutcome result = outcome(curl_easy_perform(curl_));
  if (result.kind == Kind::kDone && ::fsync(file_) != 0)
    return {Kind::kDisk, request_.path + ": cannot write", 0};
  return result;
}

struct CurlLibrary {
  CurlLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
  ~CurlLibrary() { curl_global_cleanup(); }
};

}  // namespace

TransferOutcome transfer(const TransferRequest& request) {
  static const CurlLibrary library;
  const int file = ::open(request.path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0)
    return {Kind::kDisk, io::concat(request.path, ": cannot open: ", std::generic_category().message(errno)),
            0};
  const CloseDescriptor closer{file};
  struct stat info = {};
  const uint64_t offset = ::fstat(file, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (curl == nullptr) return {Kind::kRefused, "libcurl refuses", 0};
  return Attempt(request, curl.get(), file, offset).run();
}

}  // namespace anneal::assets
