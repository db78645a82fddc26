#pragma once

#include <exception>
#include <string>

namespace sft {

// The message of what `action` throws; "" where it throws nothing.
template <typename Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace sft
