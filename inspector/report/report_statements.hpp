#pragma once

#include <string>
#include <vector>

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

// The statements of a cause as a table: what each leaves behind a call, with its interval. A group
// is one line with its figures and its first members below it, without any. `columns` is the width
// of the page. Empty for no statements.
[[nodiscard]] std::string statements_table(const std::vector<AttributedStatement>& statements,
                                           int columns,
                                           const TextStyle& style);

}  // namespace palloscope
