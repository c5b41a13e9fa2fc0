#pragma once

#include <span>
#include <vector>

#include "inspector/backend/hash_tables.hpp"
#include "inspector/backend/still_backend.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// The variables of guc.c that the session has set, and all those that no library has defined
// (placeholders), the most bytes first. Their values are not read but for their lengths.
//
// All variables are known by "GUC hash table" from 16 on, and before by the array and count that
// get_guc_variables() and GetNumConfigOptions() return; each must be as this version's. Where they
// are not found, `unavailable` gets the reason.
[[nodiscard]] std::vector<SessionSetting> read_settings(const StillBackend& backend,
                                                        std::span<const DynamicHash> tables,
                                                        std::vector<UnavailablePart>& unavailable);

}  // namespace palloscope
