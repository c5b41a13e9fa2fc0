#pragma once

#include <array>

#include "inspector/backend/memory_layout.hpp"

namespace palloscope {

// Offsets in struct Port (src/include/libpq/libpq-be.h), by the first version that has them; 10 to
// 18 seen on live servers, 19 by its headers.
struct PortLayout {
    int since_version_num;
    Offset database_name;
    Offset user_name;
};

constexpr std::array<PortLayout, 3> kPortLayouts{{
    {100000, 328, 336},
    {170000, 320, 328},
    {180000, 384, 392},
}};

}  // namespace palloscope
