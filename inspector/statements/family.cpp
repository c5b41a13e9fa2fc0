#include "inspector/statements/family.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace palloscope {

namespace {

constexpr std::size_t kShortestHexRun = 8;

bool is_digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

bool is_hex_digit(char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

std::size_t run_length(std::string_view text, bool (*belongs)(char)) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, belongs) - text.begin());
}

}  // namespace

std::string identifier_family(std::string_view identifier) {
    std::string family;
    while (!identifier.empty()) {
        std::size_t generated = run_length(identifier, is_hex_digit);
        if (generated < kShortestHexRun) {
            generated = run_length(identifier, is_digit);
        }
        if (generated > 0) {
            family += '*';
            identifier.remove_prefix(generated);
        } else {
            family += identifier.front();
            identifier.remove_prefix(1);
        }
    }
    return family;
}

}  // namespace palloscope
