// Any bytes as a sentencepiece model: an Error, or a tokenizer that encodes and decodes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "text/sentencepiece_loader.h"

#include "sft/core/error.h"
#include "sft/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer = sft::load_sentencepiece_tokenizer(bytes, {}, "fuzz");
    const sft::Encoding encoding =
        tokenizer->encode("The  caf\xC3\xA9\n12 \xE6\xB8\xAF <sep> \xEF\xAC\x81 A\x01 \xFF",
                          sft::SpecialTokens::kAdd);
    sft::decode(*tokenizer, encoding.ids, sft::DecodeSpecial::kKeep);
  } catch (const sft::Error&) {
  }
  return 0;
}
