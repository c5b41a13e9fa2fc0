#pragma once

#include <string>
#include <string_view>

namespace palloscope {

// An identifier with its generated parts as '*': runs of digits, and of eight and more hexadecimal
// digits. "policy_loader_3f2a9c1d0e" and "policy_loader_7" both are "policy_loader_*".
[[nodiscard]] std::string identifier_family(std::string_view identifier);

}  // namespace palloscope
