#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "inspector/model/statement.hpp"
#include "inspector/statements/step_server.hpp"

// Lines of protocol palloscope.step/1 (step_server.hpp).
namespace palloscope {

using StepMessage = std::variant<StepHello, Execution>;

// None where the line is neither.
[[nodiscard]] std::optional<StepMessage> step_message_from(std::string_view line);

// With its end of line. `seq` is the statement's, none in the answer to a hello.
[[nodiscard]] std::string to_line(const StepAnswer& answer, std::optional<std::int64_t> seq);

}  // namespace palloscope
