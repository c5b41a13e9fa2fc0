#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attach/confinement.hpp"
#include "inspector/model/snapshot.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

// A line of `palloscope list`.
struct ProcessRow {
    int server_version_num = 0;
    ProcessInfo info;
    Confinement confinement;
    std::optional<std::int64_t> contexts_total_bytes;
    std::int64_t growth_bytes = 0;  // of RssAnon, since the list began
};

// A table like ps(1)'s; the column GROWTH only where `with_growth`, other columns that are not
// known of every process only where a row has them. INSIDE is the PID in a container.
[[nodiscard]] std::string process_list_table(const std::vector<ProcessRow>& rows,
                                             const TextStyle& style,
                                             bool with_growth);

// One JSON array of objects, named as the snapshot's `process`.
[[nodiscard]] std::string process_list_json(const std::vector<ProcessRow>& rows);

}  // namespace palloscope
