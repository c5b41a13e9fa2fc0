#pragma once

#include <string>
#include <vector>

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

// What looks like a leak in some backends and is none, as paragraphs: each kind once, as it was in
// the backend where it is largest. Empty where there is nothing of it.
[[nodiscard]] std::string harmless_text(const std::vector<BackendDiagnosis>& backends,
                                        int columns,
                                        const TextStyle& style);

}  // namespace palloscope
