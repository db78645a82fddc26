// YAML as settings are read from it: the tree, values of every type at every place, and overrides
// (--set), a text behind each zero byte.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.h"

#include "sft/core/config_node.h"

namespace {

// Reads a value as everything it may be taken for, and all below it.
void read_all(const sft::ConfigNode& node, int depth) {
  SFT_CHECK(depth <= 33);
  bool flag = false;
  int64_t whole = 0;
  double real = 0;
  std::string text;
  std::vector<std::string> texts;
  node.get(flag);
  node.get(whole, {.min = 1, .max = 100});
  node.get(real, {.min = 0});
  SFT_CHECK(real >= 0 && real - real == 0);
  SFT_CHECK(whole >= 0 && whole <= 100);
  node.get(text);
  node.get(texts);
  if (node.is_map()) {
    node.at("absent").require("x");
    for (const std::string& key : node.keys()) {
      read_all(node.at(key), depth + 1);
    }
    node.finish();
  } else if (node.is_list()) {
    for (const sft::ConfigNode& item : node.items()) {
      read_all(item, depth + 1);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sft;  // NOLINT(google-build-using-namespace)
  const std::string_view text = as_text(data, size);
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\0', begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  const std::string yaml = parts.front();
  parts.erase(parts.begin());
  expect_taken_or_refused([&] {
    const ConfigNode root = ConfigNode::parse(yaml, "config.yaml", parts);
    read_all(root, 0);
    root.check();
  });
  return 0;
}

namespace sft {

std::vector<std::string> fuzz_seeds() {
  const std::string zero(1, '\0');
  return {
      "model: a/b\ndata:\n  datasets: [one, two]\n  seed: 42\n  ratio: 0.5\n  flag: true\n",
      "# comment\na: \"quoted \\n \\u00e9\"\nb: 'single'\nc: |\n  literal\n  lines\nd: >-\n  "
      "folded\n",
      "a: {b: {c: [1, 2, {d: ~}]}}\n" + zero + "a.b.c=[3]" + zero + "new.key=1.5e3" + zero + "x=",
      "- list\n- of: maps\n  with: keys\n-\n  - deep\n",
      "a: &anchor [1]\nb: *anchor\n",
      "%YAML 1.2\n---\n? complex\n: value\n...\n",
      "\xEF\xBB\xBF"
      "bom: 1\n",
  };
}

std::vector<std::string> fuzz_words() {
  return {"---\n",    "...\n",
          "&a ",      "*a",
          "<<: ",     "!!binary ",
          "!tag ",    "? ",
          ": ",       "- ",
          "| ",       ">+\n",
          "[",        "]",
          "{",        "}",
          "\"",       "'",
          "#",        "%TAG",
          "\\x",      "\\U0010FFFF",
          "\r\n",     "\t",
          ".inf",     ".nan",
          "0x1F",     "0o17",
          "~",        "null",
          "\xFF\xFE", "\xFE\xFF",
          "\xC2\x85", "\xE2\x80\xA8",
          "a.b.c=",   "=",
          "  ",       std::string(1, '\0')};
}

}  // namespace sft
