#include "text/byte_alphabet.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "text/utf8.h"

namespace sft {
namespace {

constexpr bool is_printable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<uint16_t, 256> make_letters() {
  std::array<uint16_t, 256> letters{};
  uint16_t next = 0x100;
  for (unsigned byte = 0; byte < letters.size(); ++byte) {
    letters[byte] = is_printable(byte) ? static_cast<uint16_t>(byte) : next++;
  }
  return letters;
}

constexpr std::array<uint16_t, 256> kLetters = make_letters();
constexpr int16_t kNoByte = -1;

constexpr std::array<int16_t, 0x144> make_bytes() {
  std::array<int16_t, 0x144> bytes{};
  bytes.fill(kNoByte);
  for (size_t byte = 0; byte < kLetters.size(); ++byte) {
    bytes[kLetters[byte]] = static_cast<int16_t>(byte);
  }
  return bytes;
}

constexpr std::array<int16_t, 0x144> kBytes = make_bytes();

}  // namespace

char32_t byte_to_letter(unsigned char byte) {
  return kLetters[byte];
}

std::string bytes_to_letters(std::string_view bytes) {
  std::string letters;
  letters.reserve(bytes.size() + bytes.size() / 2);
  for (const char byte : bytes) {
    append_utf8(byte_to_letter(static_cast<unsigned char>(byte)), letters);
  }
  return letters;
}

std::optional<std::string> letters_to_bytes(std::string_view letters) {
  std::string bytes;
  bytes.reserve(letters.size());
  for (size_t offset = 0; offset < letters.size();) {
    const DecodedChar c = decode_char(letters, offset);
    if (c.code_point >= kBytes.size() || kBytes[c.code_point] == kNoByte) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(kBytes[c.code_point]));
    offset += c.size;
  }
  return bytes;
}

}  // namespace sft
