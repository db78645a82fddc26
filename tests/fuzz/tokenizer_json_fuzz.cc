// Any bytes as a tokenizer.json: an Error, or a tokenizer that encodes and decodes.

#include <cstddef>
#include <cstdint>
#include <string>

#include "text/pipeline_loader.h"

#include "sft/core/error.h"
#include "sft/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer = sft::load_pipeline_tokenizer(
        sft::parse_tokenizer_json(std::move(text), "fuzz"), {}, "fuzz");
    const sft::Encoding encoding = tokenizer->encode(
        "The  caf\xC3\xA9\n12 \xE6\xB8\xAF <s>\x01 \xFF", sft::SpecialTokens::kAdd);
    sft::decode(*tokenizer, encoding.ids, sft::DecodeSpecial::kKeep);
  } catch (const sft::Error&) {
  }
  return 0;
}
