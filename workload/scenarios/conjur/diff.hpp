#pragma once

#include <string>
#include <vector>

#include "workload/scenarios/conjur/policy.hpp"
#include "workload/session.hpp"

namespace palloscope::workload::conjur {

// The statements that bring the records in the tables of `schema` into those of the schema public:
// all joins between the two, once a table in each of up to five steps, and before each step the
// ORM's reads of the catalogs. They leave search_path at public.
[[nodiscard]] std::vector<Statement> diff_statements(const Session& session,
                                                     const std::string& schema,
                                                     const Policy& policy);

}  // namespace palloscope::workload::conjur
