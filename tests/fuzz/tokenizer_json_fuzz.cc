// Any bytes as a tokenizer.json: an Error, or a tokenizer that encodes and decodes.

#include <string>
#include <utility>
#include <vector>

#include "fuzz.h"
#include "text/pipeline_loader.h"

#include "sft/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(sft::as_text(data, size));
  sft::expect_taken_or_refused([&] {
    const auto tokenizer = sft::load_pipeline_tokenizer(
        sft::parse_tokenizer_json(std::move(text), "fuzz"), {}, "fuzz");
    const sft::Encoding encoding = tokenizer->encode(
        "The  caf\xC3\xA9\n12 \xE6\xB8\xAF <s>\x01 \xFF", sft::SpecialTokens::kAdd);
    sft::decode(*tokenizer, encoding.ids, sft::DecodeSpecial::kKeep);
  });
  return 0;
}

namespace sft {

std::vector<std::string> fuzz_seeds() {
  return {
      R"({"added_tokens": [{"id": 4, "content": "<s>", "special": true, "lstrip": true,)"
      R"( "rstrip": false, "single_word": false, "normalized": false}],)"
      R"( "normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "ByteLevel",)"
      R"( "add_prefix_space": true, "trim_offsets": true, "use_regex": true},)"
      R"( "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken":)"
      R"( {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],)"
      R"( "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}}},)"
      R"( "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "byte_fallback": false,)"
      R"( "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": [["a", "b"]]}})",
      R"({"added_tokens": [], "normalizer": {"type": "Sequence", "normalizers": [{"type":)"
      R"( "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "},)"
      R"( "content": "▁"}, {"type": "Lowercase"}]}, "pre_tokenizer": {"type": "Split",)"
      R"( "pattern": {"Regex": "\\p{N}{1,3}| ?\\p{L}+"}, "behavior": "Isolated",)"
      R"( "invert": false}, "post_processor": null, "decoder": {"type": "Sequence", "decoders":)"
      R"( [{"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ",)"
      R"( "start": 1, "stop": 0}]}, "model": {"type": "BPE", "byte_fallback": true,)"
      R"( "unk_token": "<unk>", "fuse_unk": true, "vocab": {"<unk>": 0, "<0x0A>": 1,)"
      R"( "▁": 2, "a": 3, "▁a": 4}, "merges": ["▁ a"]}})",
      R"({"normalizer": null, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁",)"
      R"( "prepend_scheme": "always", "split": true}, "decoder": {"type": "Metaspace",)"
      R"( "replacement": "▁", "prepend_scheme": "always"}, "model": {"type": "Unigram",)"
      R"( "unk_id": 0, "vocab": [["<unk>", 0.0], ["▁", -1.5], ["a", -2.0],)"
      R"( ["▁a", -2.5]], "byte_fallback": false}})",
  };
}

std::vector<std::string> fuzz_words() {
  return {"\"type\"",
          "\"BPE\"",
          "\"Unigram\"",
          "\"Sequence\"",
          "\"Digits\"",
          "\"Regex\"",
          "\"Isolated\"",
          "\"Removed\"",
          "\"Precompiled\"",
          "\"NFKC\"",
          "\"merges\"",
          "\"vocab\"",
          "\"unk_id\"",
          "\"byte_fallback\"",
          "<0xFF>",
          "<0x",
          "▁",
          "(?i:",
          "\\\\p{L}",
          "(a*)*b",
          "\"ignore_merges\"",
          "\"precompiled_charsmap\"",
          "\"AAAA\"",
          "null",
          "-1e308",
          "4294967296",
          "[[",
          "\\ud800",
          "{\"a\":"};
}

}  // namespace sft
