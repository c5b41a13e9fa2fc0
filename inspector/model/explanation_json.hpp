#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inspector/model/explanation.hpp"

namespace palloscope {

// An explanation as the contract's palloscope.explain/1, on one line without a newline at its end;
// `chunks`, and `samples` in a cache, are there where they were asked for. Bytes of texts that are
// no UTF-8 become the text
// "\xNN".
[[nodiscard]] std::string explanation_json(const Explanation& explanation);

// The same without what its snapshot says, and without chunks: for those who keep the snapshot.
[[nodiscard]] std::string explained_json(const Explanation& explanation);

// The explanation of which explained_json() gave this text, with an empty snapshot. None where the
// text is anything else, or has a figure that no process can have.
[[nodiscard]] std::optional<Explanation> explanation_from(std::string_view explained_json);

}  // namespace palloscope
