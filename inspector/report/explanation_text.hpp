#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "inspector/model/explanation.hpp"
#include "inspector/report/text_style.hpp"

namespace palloscope {

// An explanation for people: what RssAnon is made of, then each kind of thing that was found, the
// largest first. Of each kind at most `most_rows` are shown, and the others as one.
[[nodiscard]] std::string explanation_text(const Explanation& explanation,
                                           const TextStyle& style,
                                           std::optional<std::size_t> most_rows);

// What became more and less from one explanation of a backend to the next, the greatest change
// first.
[[nodiscard]] std::string explanation_difference_text(const Explanation& before,
                                                      const Explanation& after,
                                                      const TextStyle& style,
                                                      std::optional<std::size_t> most_rows);

}  // namespace palloscope
