#include "sft/io/sha512.h"

#include <openssl/evp.h>

#include "sft/core/error.h"

namespace sft {

std::array<unsigned char, 64> sha512(std::string_view bytes) {
  std::array<unsigned char, 64> digest{};
  SFT_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha512(), nullptr) ==
            1);
  return digest;
}

}  // namespace sft
