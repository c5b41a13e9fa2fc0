#include "inspector/backend/catalog_keys.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include <fmt/format.h>

namespace palloscope {

namespace {

// Their OIDs (catalog/pg_type.dat).
constexpr std::uint32_t kBool = 16;
constexpr std::uint32_t kChar = 18;
constexpr std::uint32_t kName = 19;
constexpr std::uint32_t kInt2 = 21;
constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kRegproc = 24;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kOid = 26;
constexpr std::uint32_t kOidVector = 30;
constexpr std::uint32_t kXid = 28;

constexpr std::size_t kNameBytes = 64;  // NAMEDATALEN
constexpr std::size_t kMostTextBytes = 200;
constexpr std::size_t kMostOids = 8;

// A varlena with its four-byte header (varatt.h: the length, with the header, above two bits that
// are zero). Keys are neither compressed nor short.
std::optional<std::uint32_t> varlena_bytes(const MemorySource& memory, RemoteAddress address) {
    const auto header = memory.read<std::uint32_t>(address);
    if (!header || (*header & 3U) != 0 || *header >> 2U < sizeof(std::uint32_t)) {
        return std::nullopt;
    }
    return (*header >> 2U) - static_cast<std::uint32_t>(sizeof(std::uint32_t));
}

std::string text_key(const MemorySource& memory, RemoteAddress address) {
    const auto bytes = varlena_bytes(memory, address);
    std::string text(std::min<std::size_t>(bytes.value_or(0), kMostTextBytes), '\0');
    const RemotePiece piece{.address = address + sizeof(std::uint32_t),
                            .into = std::as_writable_bytes(std::span(text))};
    return bytes && memory.gather(std::span(&piece, 1)) ? text : "?";
}

// oidvector (c.h): the header, then ndim, dataoffset, elemtype, dim1, lbound1 and the OIDs.
std::string oid_vector_key(const MemorySource& memory, RemoteAddress address) {
    constexpr std::uint64_t kCountAt = 16;
    constexpr std::uint64_t kOidsAt = 24;
    const auto count = memory.read<std::uint32_t>(address + kCountAt);
    if (!varlena_bytes(memory, address) || !count) {
        return "?";
    }
    std::string text;
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(*count, kMostOids); ++i) {
        const auto oid = memory.read<std::uint32_t>(address + kOidsAt +
                                                    std::uint64_t{i} * sizeof(std::uint32_t));
        text += fmt::format("{}{}", i == 0 ? "" : " ", oid.value_or(0));
    }
    return text + (*count > kMostOids ? " ..." : "");
}

}  // namespace

std::string catalog_key_text(const MemorySource& memory, std::uint32_t type, std::uint64_t datum) {
    const RemoteAddress address{datum};
    switch (type) {
        case kBool:
            return (datum & 1U) != 0 ? "t" : "f";
        case kChar:
            return {static_cast<char>(datum)};
        case kInt2:
            return std::to_string(static_cast<std::int16_t>(datum));
        case kInt4:
            return std::to_string(static_cast<std::int32_t>(datum));
        case kOid:
        case kRegproc:
        case kXid:
            return std::to_string(static_cast<std::uint32_t>(datum));
        case kName:
            return memory.read_string(address, kNameBytes).value_or("?");
        case kText:
            return text_key(memory, address);
        case kOidVector:
            return oid_vector_key(memory, address);
        default:
            return "?";
    }
}

}  // namespace palloscope
