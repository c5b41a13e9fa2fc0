#pragma once

#include <string>
#include <string_view>

namespace palloscope {

// Takes the first word (letters, digits, underscores) off a statement's text, and gives it in upper
// case: forms keep the spelling of their keywords. Empty where something else comes first.
[[nodiscard]] std::string next_word(std::string_view& query);

// Whether `words`, in upper case, occur in a statement's text, however that spells them.
[[nodiscard]] bool mentions(std::string_view query, std::string_view words);

// Whether it names anything by a generated name: "measurements_*" (StatementForm::family), not
// "count(*)".
[[nodiscard]] bool has_generated_name(std::string_view query);

}  // namespace palloscope
