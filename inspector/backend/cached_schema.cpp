#include "inspector/backend/cached_schema.hpp"

#include <cstddef>

namespace palloscope {

namespace {

constexpr std::size_t kNameBytes = 64;  // NAMEDATALEN
// HeapTupleHeaderData (access/htup_details.h): t_infomask, t_hoff, and the null bitmap, which is
// the least that lies before the columns.
constexpr std::uint64_t kInfomaskAt = 20;
constexpr std::uint64_t kColumnsAt = 22;
constexpr std::uint8_t kLeastHeaderBytes = 24;
constexpr std::uint16_t kHasOid = 0x0008;  // HEAP_HASOID, up to 11: the OID ends the header
constexpr int kOidIsColumn = 120000;       // since when it is the first column

}  // namespace

std::optional<std::pair<std::uint32_t, std::string>> cached_schema(const MemorySource& memory,
                                                                   int server_version_num,
                                                                   RemoteAddress row) {
    const auto infomask = memory.read<std::uint16_t>(row + kInfomaskAt);
    const auto header_bytes = memory.read<std::uint8_t>(row + kColumnsAt);
    if (!infomask || !header_bytes || *header_bytes < kLeastHeaderBytes) {
        return std::nullopt;
    }
    const bool oid_is_column = server_version_num >= kOidIsColumn;
    if (!oid_is_column && (*infomask & kHasOid) == 0) {
        return std::nullopt;
    }
    const RemoteAddress columns = row + *header_bytes;
    const auto oid = memory.read<std::uint32_t>(
        oid_is_column ? columns : RemoteAddress{columns.value - sizeof(std::uint32_t)});
    auto name =
        memory.read_string(oid_is_column ? columns + sizeof(std::uint32_t) : columns, kNameBytes);
    if (!oid || *oid == 0 || !name || name->empty()) {
        return std::nullopt;
    }
    return std::pair{*oid, std::move(*name)};
}

}  // namespace palloscope
