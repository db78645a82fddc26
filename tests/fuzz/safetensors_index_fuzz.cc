// model.safetensors.index.json, beside two good shards, a folder and a link that leads out.

#include <filesystem>
#include <string>
#include <vector>

#include "fuzz.h"

#include "sft/io/safetensors.h"

namespace {

constexpr const char* kFirst = "model-00001-of-00002.safetensors";
constexpr const char* kSecond = "model-00002-of-00002.safetensors";

std::string shard(const std::string& tensor) {
  const std::string header =
      "{\"" + tensor + R"(": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})";
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + header + "abcd";
}

// The model folder is a folder in the fuzzer's own, so that `..` and links have somewhere to lead.
struct ModelFolder {
  ModelFolder() : path(outer.path() / "model") {
    std::filesystem::create_directories(path / "folder");
    outer.write("outside.safetensors", shard("outside"));
    outer.write(std::string("model/") + kFirst, shard("a"));
    outer.write(std::string("model/") + kSecond, shard("b"));
    std::filesystem::create_symlink("../outside.safetensors", path / "link");
    std::filesystem::create_symlink("loop", path / "loop");
  }
  sft::FuzzFolder outer;
  std::filesystem::path path;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sft;  // NOLINT(google-build-using-namespace)
  static const ModelFolder model;
  model.outer.write("model/model.safetensors.index.json", as_text(data, size));
  expect_taken_or_refused([] {
    const SafetensorsFolder folder(model.path);
    SFT_CHECK(!folder.tensors().contains("outside"));
    for (const auto& [name, view] : folder.tensors()) {
      SFT_CHECK(folder.file_of(name).parent_path() == model.path);
      SFT_CHECK(view.bytes.size() == 4);
    }
  });
  return 0;
}

namespace sft {

std::vector<std::string> fuzz_seeds() {
  const std::string both = std::string("{\"metadata\": {\"total_size\": 8}, \"weight_map\": {") +
                           "\"a\": \"" + kFirst + "\", \"b\": \"" + kSecond + "\"}}";
  return {both, std::string("{\"weight_map\": {\"a\": \"") + kFirst + "\"}}",
          R"({"weight_map": {"outside": "link"}})"};
}

std::vector<std::string> fuzz_words() {
  return {"\"weight_map\"",
          kFirst,
          kSecond,
          "outside.safetensors",
          "link",
          "loop",
          "folder",
          "..",
          "../",
          "/",
          "\\u0000",
          "\\n",
          "{}",
          "[]",
          "\"outside\"",
          ".",
          "null",
          "\xFF"};
}

}  // namespace sft
