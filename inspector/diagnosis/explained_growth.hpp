#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inspector/model/explanation.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// What became more of between two explanations of a backend, alike things counted together.
struct GrownPart {
    enum class Kind {
        kNegativeEntries,  // of one catalog cache; `bytes` is the whole cache's growth
        kCatalogCache,
        kRelations,
        kPreparedStatement,
        kPlan,
        kFunction,
        kHeldCursor,
        kChannel,
        kSetting,
        kHashTable,
    };

    Kind kind = Kind::kCatalogCache;
    // "pg_statistic (starelid, staattnum, stainherit)", the query, the signature, the table's name.
    std::string name;
    std::int64_t count = 0;
    std::int64_t bytes = 0;
};

// Of what was explained: growth, largest first; not what shrank.
[[nodiscard]] std::vector<GrownPart> grown_parts(const Explanation& before,
                                                 const Explanation& after);

// Between the first and the last explanation of this backend; none where it has not two.
[[nodiscard]] std::optional<std::vector<GrownPart>> grown_parts(const BackendHistory& backend);

// What the parts of this kind hold, together.
[[nodiscard]] std::int64_t bytes_of(const std::vector<GrownPart>& parts, GrownPart::Kind kind);

// A sentence on what grew most between the first and the last explanation of this backend, by
// whatever cause; none where it has not two, or nothing of weight grew.
[[nodiscard]] std::optional<std::string> what_the_bytes_are(const BackendHistory& backend);

}  // namespace palloscope
