#include "inspector/model/json_text.hpp"

#include <iterator>

#include <fmt/format.h>

#include "inspector/model/utf8.hpp"

namespace palloscope {

std::string json_text(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        const Utf8Character character = first_utf8_character(bytes);
        if (character.valid) {
            text += bytes.substr(0, character.length);
        } else {
            fmt::format_to(
                std::back_inserter(text), "\\x{:02x}", static_cast<unsigned>(character.code_point));
        }
        bytes.remove_prefix(character.length);
    }
    return text;
}

}  // namespace palloscope
