#pragma once

#include <cstdint>
#include <string>

namespace sft {

// Numbers as people read them, always with a unit.
std::string format_bytes(uint64_t bytes);    // "512 B", "1.5 GB" (decimal, as disks are sold)
std::string format_seconds(double seconds);  // "0.42 s", "75 s" as "1m15s", "3h05m"
std::string format_count(uint64_t count);    // "999", "12.3k", "134.5M", "7.24B"

// The shortest decimal text that reads back as `value`: equal values give equal bytes.
std::string format_shortest(double value);

}  // namespace sft
