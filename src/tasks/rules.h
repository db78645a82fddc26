#pragma once

#include <string>

#include "sft/tasks/extractor.h"

namespace sft {

// The rows of extractors(); each says its rule where it is defined. The argument is what
// ExtractorRow says, "" for rules without one.

Extractor make_first_option(const std::string& options);
Extractor make_first_option_whole(const std::string& options);
Extractor make_first_capital(const std::string& argument);
Extractor make_option_letter(const std::string& options);

Extractor make_gsm8k_gold(const std::string& argument);
Extractor make_gsm8k_number(const std::string& argument);
Extractor make_final_number(const std::string& argument);

Extractor make_boxed(const std::string& argument);
Extractor make_math_answer(const std::string& argument);
Extractor make_math_sentence(const std::string& argument);
Extractor make_final_math(const std::string& argument);

Extractor make_nq_answer(const std::string& argument);
Extractor make_first_line(const std::string& argument);
Extractor make_pattern(const std::string& argument);

Extractor make_mbpp_code(const std::string& argument);
Extractor make_fenced_code(const std::string& argument);
Extractor make_function_body(const std::string& argument);

}  // namespace sft
