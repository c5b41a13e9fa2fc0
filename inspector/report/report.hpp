#pragma once

#include <string>

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

// A diagnosis for people: the verdict first; for each backend that leaks its growth, the causes
// with their statements and contexts, the evidence and the remedies; the other backends in a line;
// what the reader must know about the recording last. Lines fit into style.width, 64 to 100
// columns (100 where it is 0), so that the report can be pasted into a ticket. Ends in a newline.
[[nodiscard]] std::string report_text(const Diagnosis& diagnosis, const TextStyle& style);

// The same as one JSON object, palloscope.report/1 (contract.md, "Report, as JSON"): exactly the
// fields given there; figures that are not finite become 0. Ends in a newline.
[[nodiscard]] std::string report_json(const Diagnosis& diagnosis);

}  // namespace palloscope
