// Real tokenizers, with ids that the reference libraries gave (../shared/data/tokenizers).

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/io/jsonl.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

std::string gunzipped(const std::filesystem::path& path) {
  const std::string command = "gzip -dc '" + path.string() + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string bytes;
  std::array<char, 1 << 16> buffer{};
  while (const size_t size = fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    bytes.append(buffer.data(), size);
  }
  return bytes;
}

void expect_golden_ids(const Tokenizer& tokenizer, const std::string& name) {
  JsonlReader reader(shared_folder() / "data/tokenizers/golden_ids.jsonl");
  int num_texts = 0;
  while (const auto row = reader.next()) {
    const auto text = row->value["text"].get<std::string>();
    const Encoding encoding = tokenizer.encode(text, SpecialTokens::kNone);
    EXPECT_EQ(encoding.ids, row->value["ids"][name].get<std::vector<int32_t>>()) << row->where;
    ++num_texts;
  }
  EXPECT_GE(num_texts, 30);
}

TEST(GoldenIds, Olmo) {
  if (shared_folder().empty()) {
    GTEST_SKIP() << "no folder ../shared";
  }
  expect_golden_ids(*load_tokenizer(shared_folder() /
                                    "data/tokenizers/olmo/allenai_gpt-neox-olmo-dolma-v1_5.json"),
                    "olmo-v1_5");
}

TEST(GoldenIds, Qwen3) {
  if (shared_folder().empty()) {
    GTEST_SKIP() << "no folder ../shared";
  }
  const TempFolder folder;
  const auto path =
      folder.write("tokenizer.json",
                   gunzipped(shared_folder() / "data/tokenizers/qwen/qwen3_tokenizer.json.gz"));
  expect_golden_ids(*load_tokenizer(path), "qwen3-hf");
}

}  // namespace
}  // namespace sft
