#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inspector/model/history.hpp"

namespace palloscope {

// What the server said by SQL that bears on a cause of this id, as sentences: settings, dead rows
// of the catalogs, the session. None where it was not asked, or what was asked is another server,
// which does not know this backend.
[[nodiscard]] std::vector<std::string> server_evidence(std::string_view cause_id,
                                                       const BackendHistory& backend);

}  // namespace palloscope
