#include "sft/data/sample.h"

#include "sft/io/json.h"
#include "sft/io/sha256.h"

namespace sft {

std::string content_id(const std::vector<Turn>& turns) {
  constexpr size_t kIdDigits = 16;
  Json texts = Json::array();
  for (const Turn& turn : turns) {
    texts.push_back(turn.instruction);
    texts.push_back(turn.response);
  }
  // nlohmann's compact form has no spaces and leaves UTF-8 as it is: Python's
  // json.dumps(texts, ensure_ascii=False, separators=(",", ":")).
  return sha256_hex(texts.dump()).substr(0, kIdDigits);
}

}  // namespace sft
