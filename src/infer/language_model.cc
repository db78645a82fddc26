#include "sft/infer/language_model.h"

namespace sft {

std::string_view finish_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kEos:
      return "eos";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContext:
      return "context";
  }
  return {};
}

}  // namespace sft
