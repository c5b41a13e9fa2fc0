#pragma once

#include <cstdint>
#include <optional>

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// A leak goes on for as long as its statements run, and an hour's recording may hold a job of
// twenty minutes. From caches that are full it is told by its statements: those of the caches go
// on.

// When the backend had grown by all but what is lost in its noise; none where that is so late that
// it may still grow, or so early that caches fill in that time.
[[nodiscard]] std::optional<std::int64_t> end_of_growth_ns(const BackendHistory& backend);

// The backend as it was recorded up to that moment. What it had in its memory at the end, and what
// the server said of it, stay known.
[[nodiscard]] BackendHistory up_to(const BackendHistory& backend, std::int64_t moment_ns);

// Whether statements of the cause, or any where it names none, ran after that moment, or no
// statements are known.
[[nodiscard]] bool goes_on_after(const Cause& cause,
                                 const History& history,
                                 const BackendHistory& backend,
                                 std::int64_t moment_ns);

}  // namespace palloscope
