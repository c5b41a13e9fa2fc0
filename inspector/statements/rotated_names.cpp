#include "inspector/statements/rotated_names.hpp"

namespace palloscope {

std::optional<std::string> pattern_of_rotated(std::string_view path) {
    constexpr std::string_view kDigits = "0123456789";
    constexpr std::string_view kOfPatterns = "*?[\\";
    const std::size_t name = path.rfind('/') + 1;  // 0 without a folder
    const std::size_t first = path.find_first_of(kDigits, name);
    if (first == std::string_view::npos ||
        path.find_first_of(kOfPatterns) != std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t last = path.find_last_of(kDigits);
    return std::string(path.substr(0, first)) + '*' + std::string(path.substr(last + 1));
}

}  // namespace palloscope
