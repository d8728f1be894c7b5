// SHA-256 of bytes that come in pieces (FIPS 180-4). One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/evp.h>

#include "base/encoding.h"

namespace wherry::kubelet {

class Sha256 {
 public:
  Sha256() : context_(::EVP_MD_CTX_new(), &::EVP_MD_CTX_free) {
    ::EVP_DigestInit_ex(context_.get(), ::EVP_sha256(), nullptr);
  }
  void add(std::string_view data) { ::EVP_DigestUpdate(context_.get(), data.data(), data.size()); }
  // Once, at the end: 64 hex digits.
  std::string hex() {
    std::string digest(32, '\0');
    ::EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return base::encodeHex(digest);
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context_;
};

}  // namespace wherry::kubelet
