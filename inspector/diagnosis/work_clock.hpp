#pragma once

#include "inspector/model/history.hpp"

namespace palloscope {

// The backend as if its work had come evenly: between two moments passes as much of the recording's
// time as of its statements ended between them. A leak whose clients go slower (at night, or since
// memory is scarce) slows down with them, as caches do that are nearly full; but on this clock it
// is as straight as ever, and they are not. Explanations keep their times.
[[nodiscard]] BackendHistory by_work(const BackendHistory& backend);

}  // namespace palloscope
