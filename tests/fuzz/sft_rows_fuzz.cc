// Rows of a dataset (JSON Lines, a JSON array, CSV; packed or not) to samples. The first byte
// chooses the file's format and packing, and the recipe's layout.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fuzz.h"

#include "sft/data/dataset.h"

namespace {

std::array<std::optional<sft::RowLayout>, 4> layouts() {
  using namespace sft;  // NOLINT(google-build-using-namespace)
  MessagesLayout conversations{.field = "conversations",
                               .role = "from",
                               .content = "value",
                               .user = "human",
                               .assistant = "gpt"};
  conversations.turns = MessagesLayout::Turns::kFirst;
  return {std::nullopt,
          FieldsLayout{.instruction = "q", .input = "context", .response = "a", .history = "h"},
          MessagesLayout{.field = "messages"}, conversations};
}

constexpr std::array kFormats = {sft::RowFormat::kJsonl, sft::RowFormat::kJsonl,
                                 sft::RowFormat::kJson, sft::RowFormat::kCsv};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sft;  // NOLINT(google-build-using-namespace)
  if (size == 0) {
    return 0;
  }
  static const FuzzFolder folder;
  DatasetSpec spec;
  spec.name = "rows";
  // What is packed is unpacked on the way.
  const std::string name = data[0] % 64 < 48 ? "rows" : data[0] % 64 < 56 ? "rows.gz" : "rows.zst";
  spec.path = folder.write(name, as_text(data + 1, size - 1));
  spec.files = {name};
  spec.format = kFormats[data[0] % 4];
  spec.layout = layouts()[data[0] / 4 % 4];
  if (data[0] >= 128) {
    spec.keep = {{.column = "keep", .values = {"true", "1"}}};
    spec.drop = {{.column = "response", .values = {"none", "null"}}};
  }
  expect_taken_or_refused([&] {
    const Dataset dataset = read_dataset(spec);
    const auto kept = static_cast<int64_t>(dataset.samples.size());
    SFT_CHECK(kept + dataset.dropped.total() == dataset.rows);
    for (const Sample& sample : dataset.samples) {
      SFT_CHECK(!sample.id.empty() && !sample.turns.empty());
    }
  });
  return 0;
}

namespace sft {
namespace {

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

}  // namespace

std::vector<std::string> fuzz_seeds() {
  return {
      std::string(1, '\0') +
          "{\"instruction\": \"a\", \"input\": \"b\", \"output\": \"c\"}\n"
          "{\"instruction\": \"d\", \"input\": \"\", \"output\": \"\\u00e9\"}\n",
      std::string(1, '\0') + "\xEF\xBB\xBF{\"text\": \"alone\"}\r\n\r\n{\"text\": \"\"}",
      "\x04{\"q\": \"a\", \"context\": null, \"a\": \"b\", \"h\": [[\"u\", \"v\"]]}\n",
      "\x08{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\","
      " \"content\": \"u\"}, {\"role\": \"assistant\", \"content\": \"v\"}]}\n",
      "\x0C{\"conversations\": [{\"from\": \"human\", \"value\": \"u\"}, {\"from\": \"gpt\","
      " \"value\": \"v\"}, {\"from\": \"human\", \"value\": \"w\"}]}\n",
      "\x02[{\"prompt\": \"a\", \"completion\": \"b\"}, {\"prompt\": \"c\", \"completion\": 1}]",
      "\x03instruction,output\na,b\n\"quo\"\"ted\",\"two\nlines\"\n",
      "\x84{\"q\": \"a\", \"a\": \"b\", \"keep\": true}\n{\"q\": \"a\", \"a\": \"none\", \"keep\": "
      "1}\n",
      // {"text": "alone"}, packed by gzip and zstd.
      "0" +
          from_hex("1f8b0800000000000203ab562a49ad2851b252504accc9cf4b55aae50200c643b96f12000000"),
      "8" + from_hex("28b52ffd04589100007b2274657874223a2022616c6f6e65227d0a4e519dda"),
  };
}

std::vector<std::string> fuzz_words() {
  return {"\"instruction\"",
          "\"input\"",
          "\"output\"",
          "\"prompt\"",
          "\"completion\"",
          "\"messages\"",
          "\"role\"",
          "\"content\"",
          "\"conversations\"",
          "\"from\"",
          "\"value\"",
          "\"user\"",
          "\"assistant\"",
          "\"system\"",
          "\"human\"",
          "\"gpt\"",
          "\"text\"",
          "\"keep\"",
          "\"response\"",
          "null",
          "true",
          "[[",
          "]]",
          "{}",
          "\\ud800",
          "\\udc00",
          "\\u0000",
          "\n",
          "\r\n",
          "\"\"",
          ",",
          "\xEF\xBB\xBF",
          "\xFF",
          "1e999",
          "-0"};
}

}  // namespace sft
