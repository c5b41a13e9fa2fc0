#pragma once

#include <cstdint>
#include <string>

#include "attach/memory_source.hpp"

namespace palloscope {

// A key of a catalog cache's entry, as psql would show the column: `datum` as the server keeps it,
// of the type with this OID (pg_type.dat). "?" where it cannot be read, or is of a type that no
// key has in PostgreSQL 11 to 18.
[[nodiscard]] std::string catalog_key_text(const MemorySource& memory,
                                           std::uint32_t type,
                                           std::uint64_t datum);

}  // namespace palloscope
