#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "inspector/model/statement.hpp"

namespace palloscope {

// Longer lines are nobody's journal; it bounds what a reader must hold.
inline constexpr std::size_t kMaxJournalLine = std::size_t{4} << 20U;

// One object of the journal (contract.md, "Journal of the workload driver"); none where a field is
// missing, of another type or out of range. Its query is masked again and its fingerprint computed
// afresh, since a journal may come from anywhere; sessions and steps must be short, and an error
// must be a SQLSTATE, because the text of a message can quote literals. Fields that we do not know
// are left alone.
[[nodiscard]] std::optional<Execution> execution_from(const nlohmann::json& object);
[[nodiscard]] std::optional<Execution> execution_from_line(std::string_view line);

// Five digits and capital letters.
[[nodiscard]] bool is_sql_state(std::string_view text);

}  // namespace palloscope
