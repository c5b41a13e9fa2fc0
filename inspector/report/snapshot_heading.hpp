#pragma once

#include <string>

#include "inspector/model/snapshot.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

// One line that says who a backend is: "pid 4242 · app@postgres · puma: cluster worker 0 · idle ·
// PostgreSQL 15.18". Without a newline, not cut.
[[nodiscard]] std::string backend_heading(const Snapshot& snapshot, const TextStyle& style);

// Between the parts of a heading: " · ", or " | " where style.ascii.
[[nodiscard]] std::string_view heading_separator(const TextStyle& style);

}  // namespace palloscope
