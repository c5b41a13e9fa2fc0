#pragma once

#include <optional>

namespace palloscope {

// The last of `layouts`, which are in the order of their `since_version_num`, that a version has;
// none where it is older than all of them.
template <typename Layouts>
[[nodiscard]] auto layout_of_version(const Layouts& layouts, int server_version_num) {
    std::optional<typename Layouts::value_type> found;
    for (const auto& layout : layouts) {
        if (layout.since_version_num <= server_version_num) {
            found = layout;
        }
    }
    return found;
}

}  // namespace palloscope
