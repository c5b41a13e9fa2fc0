#pragma once

#include <string>

#include "inspector/model/explanation.hpp"

namespace palloscope {

// An explanation as the contract's palloscope.explain/1, on one line without a newline at its end;
// `chunks` is there where they were asked for. Bytes of texts that are no UTF-8 become the text
// "\xNN".
[[nodiscard]] std::string explanation_json(const Explanation& explanation);

}  // namespace palloscope
