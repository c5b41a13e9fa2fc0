#pragma once

#include "inspector/model/history.hpp"

namespace palloscope {

// The backend as if all that its contexts take up were used. What is freed in a block stays free
// there until something fits (aset.c), or until all of a block is free (generation.c): contexts can
// take up ever more while what is used of them does not grow.
[[nodiscard]] BackendHistory by_total_bytes(const BackendHistory& backend);

}  // namespace palloscope
