#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sft {

// GPT-2's alphabet, in which byte-level vocabularies are written: each byte as one printable
// character. Bytes that print as Latin-1 stand for themselves, the other 68, in their order, are
// U+0100 to U+0143 (a space is U+0120).
char32_t byte_to_letter(unsigned char byte);

std::string bytes_to_letters(std::string_view bytes);
// Nothing where `letters` (valid UTF-8) holds a character that is no letter of the alphabet.
std::optional<std::string> letters_to_bytes(std::string_view letters);

}  // namespace sft
