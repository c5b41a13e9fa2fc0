#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inspector/model/snapshot.hpp"

namespace palloscope {

// The member "process" of palloscope.snapshot/1 and palloscope.explain/1.
[[nodiscard]] std::string process_json(const ProcessInfo& process);

// A text, or null, as JSON.
[[nodiscard]] std::string json_string(std::string_view bytes);
[[nodiscard]] std::string json_string_or_null(const std::optional<std::string>& bytes);

}  // namespace palloscope
