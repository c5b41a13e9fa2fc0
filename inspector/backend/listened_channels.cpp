#include "inspector/backend/listened_channels.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "inspector/backend/chunk_header.hpp"
#include "inspector/backend/hash_table_layout.hpp"
#include "inspector/backend/static_variables.hpp"

namespace palloscope {

namespace {

constexpr std::string_view kPart = "channels listened to";
constexpr int kTableSince = 190000;
constexpr std::string_view kTable = "Local Listen Channels";
constexpr std::size_t kTopContext = 0;  // index in the tree
constexpr std::size_t kNameBytes = 64;  // NAMEDATALEN
// The key is all of its entry.
constexpr std::int64_t kEntryBytes = kHashTableLayouts.back().element_bytes + kNameBytes;
constexpr std::int32_t kMostChannels = 1'000'000;
// List (nodes/pg_list.h): type, length; up to 12 head and tail, from 13 on max_length and elements.
constexpr int kListsAreArrays = 130000;
constexpr Offset kLength = 4;
constexpr Offset kHead = 8;
constexpr Offset kElements = 16;
constexpr std::size_t kListBytes = 24;
// ListCell, up to 12: what it holds, and next.
using Cell = std::array<std::uint64_t, 2>;

class Reader {
  public:
    explicit Reader(const StillBackend& backend) : backend_(backend) {}

    // None where no such list lies there.
    [[nodiscard]] std::optional<std::vector<ListenedChannel>> list_at(RemoteAddress address) const {
        const auto list = backend_.pages().read<std::array<std::byte, kListBytes>>(address);
        if (!list || !backend_.chunk_bytes(kTopContext, address)) {
            return std::nullopt;
        }
        const auto length = value_at<std::int32_t>(list->data(), kLength);
        if (length < 1 || length > kMostChannels) {
            return std::nullopt;
        }
        const auto count = static_cast<std::size_t>(length);
        const auto names = backend_.version() >= kListsAreArrays
                               ? elements(pointer_at(list->data(), kElements), count)
                               : cells(pointer_at(list->data(), kHead), count);
        std::vector<ListenedChannel> channels;
        for (const std::uint64_t name : names) {
            const auto bytes = backend_.chunk_bytes(kTopContext, {name});
            auto text = backend_.pages().read_string({name}, kNameBytes);
            if (!bytes || !text || text->empty() || text->size() == kNameBytes) {
                return std::nullopt;
            }
            channels.push_back(
                {.name = std::move(*text), .bytes = static_cast<std::int64_t>(*bytes)});
        }
        return channels.size() == count ? std::optional(std::move(channels)) : std::nullopt;
    }

  private:
    [[nodiscard]] std::vector<std::uint64_t> elements(RemoteAddress first,
                                                      std::size_t count) const {
        std::vector<std::uint64_t> names(count);
        const RemotePiece piece{.address = first, .into = std::as_writable_bytes(std::span(names))};
        return backend_.memory().gather(std::span(&piece, 1)) ? names
                                                              : std::vector<std::uint64_t>{};
    }

    [[nodiscard]] std::vector<std::uint64_t> cells(RemoteAddress cell, std::size_t count) const {
        std::vector<std::uint64_t> names;
        while (!cell.is_null() && names.size() <= count) {
            const auto read = backend_.pages().read<Cell>(cell);
            if (!read) {
                break;
            }
            names.push_back(read->front());
            cell = {read->back()};
        }
        return names;
    }

    const StillBackend& backend_;
};

std::vector<ListenedChannel> channels_of_table(const StillBackend& backend,
                                               std::span<const DynamicHash> tables,
                                               std::vector<UnavailablePart>& unavailable) {
    std::vector<ListenedChannel> channels;
    std::optional<Error> unread;
    const auto add = [&](RemoteAddress entry) {
        if (auto name = backend.pages().read_string(entry, kNameBytes)) {
            channels.push_back({.name = std::move(*name), .bytes = kEntryBytes});
        } else {
            unread = std::move(name.error());
        }
    };
    for_each_entry_of(backend, tables, kTable, kPart, add, unavailable);
    if (unread) {
        unavailable.push_back({.part = std::string(kPart), .reason = std::move(unread->message)});
    }
    std::ranges::sort(channels, {}, &ListenedChannel::name);
    return channels;
}

}  // namespace

std::vector<ListenedChannel> read_listened_channels(const StillBackend& backend,
                                                    std::span<const DynamicHash> tables,
                                                    std::vector<UnavailablePart>& unavailable) {
    if (backend.version() >= kTableSince) {
        return channels_of_table(backend, tables, unavailable);
    }
    const Reader reader(backend);
    bool listens_to_nothing = false;
    for (const RemoteAddress variable : variables_used_by(backend, "pg_listening_channels")) {
        const auto list = backend.pages().read<RemoteAddress>(variable);
        if (auto channels = list ? reader.list_at(*list) : std::nullopt) {
            return std::move(*channels);
        }
        listens_to_nothing = listens_to_nothing || (list && list->is_null());
    }
    if (!listens_to_nothing) {
        unavailable.push_back({.part = std::string(kPart), .reason = "their list was not found"});
    }
    return {};
}

}  // namespace palloscope
