// A safetensors file.

#include <string>
#include <vector>

#include "fuzz.h"

#include "sft/io/safetensors.h"
#include "sft/io/tensor_scan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sft;  // NOLINT(google-build-using-namespace)
  static const FuzzFolder folder;
  expect_taken_or_refused([&] {
    const SafetensorsFile file(folder.write("x.safetensors", as_text(data, size)));
    weights_sha256(file.tensors());  // touches every byte
    for (const auto& [name, view] : file.tensors()) {
      SFT_CHECK(view.bytes.size() == tensor_bytes(view.dtype, view.shape));
      find_non_finite(view);
    }
  });
  return 0;
}

namespace sft {

std::vector<std::string> fuzz_seeds() {
  const auto file = [](const std::string& header, size_t data_bytes) {
    const uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + header +
           std::string(data_bytes, '\x3F');
  };
  return {
      file(R"({"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 3],)"
           R"( "data_offsets": [0, 24]}, "b": {"dtype": "BF16", "shape": [4],)"
           R"( "data_offsets": [24, 32]}})",
           32),
      file(R"({"scalar": {"dtype": "F16", "shape": [], "data_offsets": [0, 2]},)"
           R"( "none": {"dtype": "F64", "shape": [0, 4], "data_offsets": [2, 2]},)"
           R"( "i": {"dtype": "I64", "shape": [1], "data_offsets": [2, 10]}})",
           10),
      file("{}  ", 0),
  };
}

std::vector<std::string> fuzz_words() {
  return {"\"dtype\"",    "\"shape\"", "\"data_offsets\"",
          "__metadata__", "F32",       "F16",
          "BF16",         "F64",       "I64",
          "I8",           "BOOL",      "U8",
          "[[",           "{\"a\":",   "null",
          "\\u0000",      "\\n",       "\xFF",
          "true",         "[]",        "{}"};
}

}  // namespace sft
