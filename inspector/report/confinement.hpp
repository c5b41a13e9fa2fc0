#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "attach/confinement.hpp"

namespace palloscope {

// "docker:3f2504e04f89".
[[nodiscard]] std::string container_text(const Container& container);

// Adds namespace_pid, container and memory_limit, each null where it is not known.
void add_confinement(nlohmann::ordered_json& object, const Confinement& confinement);

}  // namespace palloscope
