#pragma once

#include <string>
#include <vector>

#include "workload/session.hpp"

namespace palloscope::workload::conjur {

// What the ORM asks about each of the five tables before it touches them: the columns with types
// and defaults, the primary key, and an empty result for the types once more. Their steps are those
// three below `step`.
[[nodiscard]] std::vector<Statement> catalog_reads(const Session& session, const std::string& step);

}  // namespace palloscope::workload::conjur
