#pragma once

#include <string>
#include <string_view>

namespace palloscope {

// Whether a statement sets a setting that holds for the session: SET, but not SET LOCAL, nor what
// belongs to the transaction; set_config().
[[nodiscard]] bool is_setting(std::string_view query);

// What to do where a session sets ever more settings.
[[nodiscard]] std::string remedy_for_settings();

}  // namespace palloscope
