#pragma once

#include <string>

#include "inspector/model/snapshot.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

enum class TreeFolding {
    // Four and more siblings of one name are one line ("index info ×2,104") that names the largest
    // of them. Siblings stand in the order of their size, with all that is below them.
    kAlikeSiblings,
    // Every context has its line, in the server's own order.
    kNone,
};

// A snapshot for people: who the backend is, then the tree with a line a context: used, total and
// free bytes of the context itself, used bytes of all that is in and below it. Ends in a newline.
[[nodiscard]] std::string snapshot_tree(const Snapshot& snapshot,
                                        const TextStyle& style,
                                        TreeFolding folding = TreeFolding::kAlikeSiblings);

}  // namespace palloscope
