// SPDX-License-Identifier: MIT
#include "assets/sha256.h"

#include <openssl/evp.h>

#include <algorithm>

#include "anneal/error.h"
#include "io/file_bytes.h"

namespace anneal::assets {
namespace {

EVP_MD_CTX* evp(void* context) { return static_cast<EVP_MD_CTX*>(context); }

void require(bool done) {
  if (!done) raise(ErrorCode::kInternal, "SHA-256: libcrypto refuses");
}

}  // namespace

void Sha256::Free::operator()(void* context) const { EVP_MD_CTX_free(evp(context)); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr && EVP_DigestInit_ex(evp(context_.get()), EVP_sha256(), nullptr) == 1);
}

void Sha256::add(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(evp(context_.get()), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  require(EVP_DigestFinal_ex(evp(context_.get()), digest, &size) == 1);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out += kDigits[digest[i] >> 4];
    out += kDigits[digest[i] & 15];
  }
  return out;
}

io::Result<std::string> sha256_of_file(const std::string& path) {
  const auto file = io::FileBytes::map(path);
  if (!file) return file.failure();
  Sha256 sum;
  sum.add((*file)->bytes());
  return sum.finish();
}

}  // namespace anneal::assets
