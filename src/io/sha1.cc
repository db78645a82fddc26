#include "sft/io/sha1.h"

#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "sft/core/error.h"

namespace sft {

struct Sha1::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha1::Sha1() : state_(std::make_unique<State>()) {
  SFT_CHECK(state_->context != nullptr);
  SFT_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha1(), nullptr) == 1);
}

Sha1::~Sha1() = default;

void Sha1::update(std::string_view bytes) {
  SFT_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha1::hex() {
  std::array<unsigned char, 20> digest{};
  SFT_CHECK(EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) == 1);
  std::string text;
  for (const unsigned char byte : digest) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

}  // namespace sft
