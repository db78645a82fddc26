#pragma once

#include <string>

#include "sft/tasks/extractor.h"

namespace sft {

// The rows of extractors(); each says its rule where it is defined.

Extractor make_first_option(const std::string& options);
Extractor make_first_capital(const std::string& options);
Extractor make_option_letter(const std::string& options);

Extractor make_gsm8k_gold(const std::string& options);
Extractor make_gsm8k_number(const std::string& options);
Extractor make_final_number(const std::string& options);

}  // namespace sft
