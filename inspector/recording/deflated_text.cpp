#include "inspector/recording/deflated_text.hpp"

#include <zlib.h>

#include <new>

namespace palloscope {

namespace {

constexpr std::int64_t kMaxTextBytes = std::int64_t{256} << 20U;

// zlib's byte is unsigned.
const Bytef* bytes_of(std::string_view text) {
    return reinterpret_cast<const Bytef*>(text.data());
}

}  // namespace

DeflatedText deflate_text(std::string_view text) {
    uLongf length = compressBound(text.size());
    std::string deflated(length, '\0');
    // With room for the worst case, it can only lack memory.
    if (compress(reinterpret_cast<Bytef*>(deflated.data()), &length, bytes_of(text), text.size()) !=
        Z_OK) {
        throw std::bad_alloc();
    }
    deflated.resize(length);
    return {.text_bytes = static_cast<std::int64_t>(text.size()), .deflated = std::move(deflated)};
}

std::optional<std::string> inflate_text(const DeflatedText& text) {
    if (text.text_bytes < 0 || text.text_bytes > kMaxTextBytes) {
        return std::nullopt;
    }
    std::string inflated(static_cast<std::size_t>(text.text_bytes), '\0');
    uLongf length = inflated.size();
    const int result = uncompress(reinterpret_cast<Bytef*>(inflated.data()),
                                  &length,
                                  bytes_of(text.deflated),
                                  text.deflated.size());
    if (result != Z_OK || length != inflated.size()) {
        return std::nullopt;
    }
    return inflated;
}

}  // namespace palloscope
