#pragma once

#include <string>
#include <string_view>

namespace palloscope {

// Whether a statement may add to the settings of the session: SET under generated names, also SET
// LOCAL, whose name stays when its value goes (guc.c, AtEOXact_GUC), but not SET of a name that
// comes again, which keeps its place; set_config().
[[nodiscard]] bool adds_setting(std::string_view query);

// What to do where a session sets ever more settings.
[[nodiscard]] std::string remedy_for_settings();

}  // namespace palloscope
