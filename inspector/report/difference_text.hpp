#pragma once

#include <string>

#include "inspector/model/snapshot.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

// For people: what changed between two snapshots of a backend (inspector/model/difference.hpp), in
// sum and context by context, the most changed first. Ends in a newline.
[[nodiscard]] std::string difference_text(const Snapshot& before,
                                          const Snapshot& after,
                                          const TextStyle& style);

// The same for machines, on one line without a newline at its end:
//
//     {"schema": "palloscope.difference/1",
//      "before": {"taken_at": …, "pid": …, "server_version_num": …, "contexts": …,
//                 "rss_anon_bytes": …, <the five figures>}, "after": {…},
//      "changes": [{"path": …, "name": …, "ident": …, "kind": "appeared", "count_before": …,
//                   "count_after": …, "before": {<the five figures>}, "after": {…}, "delta": {…}}]}
//
// `ident` is the one of the context that changed most.
[[nodiscard]] std::string difference_json(const Snapshot& before, const Snapshot& after);

}  // namespace palloscope
