// Any bytes as a sentencepiece model: an Error, or a tokenizer that encodes and decodes.

#include <string>
#include <vector>

#include "fuzz.h"
#include "text/sentencepiece_loader.h"

#include "sft/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sft::expect_taken_or_refused([&] {
    const auto tokenizer = sft::load_sentencepiece_tokenizer(sft::as_text(data, size), {}, "fuzz");
    const sft::Encoding encoding =
        tokenizer->encode("The  caf\xC3\xA9\n12 \xE6\xB8\xAF <sep> \xEF\xAC\x81 A\x01 \xFF",
                          sft::SpecialTokens::kAdd);
    sft::decode(*tokenizer, encoding.ids, sft::DecodeSpecial::kKeep);
  });
  return 0;
}

namespace sft {

std::vector<std::string> fuzz_seeds() {
  return case_files("sentencepiece", ".model");
}

}  // namespace sft
