#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "attach/memory_source.hpp"

namespace palloscope {

// OID and name of a schema, from its row of pg_namespace at `row`; none where it cannot be one.
[[nodiscard]] std::optional<std::pair<std::uint32_t, std::string>> cached_schema(
    const MemorySource& memory, int server_version_num, RemoteAddress row);

}  // namespace palloscope
