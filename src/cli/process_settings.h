#pragma once

namespace sft {

// Settings that libraries read from the environment when they are loaded, before `main`. Where they
// are not yet as a computing command wants them, sets them and starts the program again in the same
// process (execv). What the user has set stays. Returns where everything is in place.
void apply_process_settings(char** argv);

}  // namespace sft
