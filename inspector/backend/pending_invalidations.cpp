#include "inspector/backend/pending_invalidations.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inspector/backend/chunk_header.hpp"
#include "inspector/backend/static_variables.hpp"

namespace palloscope {

namespace {

// SharedInvalidationMessage (sinval.h, the same in 10 to 19): id, dbId.
constexpr std::size_t kMessageBytes = 16;
constexpr Offset kDatabase = 4;
constexpr std::size_t kMessagesAtOnce = 65'536;

// What a transaction keeps until it ends. Kinds that are sent at once (smgr and relmap) are none of
// its own. Zero and more is a catcache's own number.
struct Kind {
    std::int8_t id;
    std::string_view name;
    std::size_t group;  // CatCacheMsgs, RelCacheMsgs (inval.c)
};

constexpr std::array<Kind, 5> kKinds{{
    {.id = 0, .name = "catcache", .group = 0},
    {.id = -1, .name = "catalog", .group = 0},
    {.id = -2, .name = "relcache", .group = 1},
    {.id = -5, .name = "snapshot", .group = 1},
    {.id = -6, .name = "relsync", .group = 1},  // 18
}};
constexpr std::size_t kGroups = 2;

using Counts = std::array<std::int64_t, kKinds.size()>;

// TransInvalidationInfo, by where its fields lie. Up to 14, CurrentCmdInvalidMsgs and
// PriorCmdInvalidMsgs are two lists each (InvalidationListHeader). From 15 on messages lie in one
// array a group (InvalMessageArrays), of which each level of the stack has two pieces: those of its
// earlier commands, and behind them those of the current one (InvalidationMsgsGroup).
struct StackLayout {
    Offset parent;
    Offset level;
    Offset current_lists;
    Offset prior_lists;
    Offset current_pieces;
    Offset prior_pieces;
};

// The second came with the messages of in-place updates (InvalidationInfo), in 18 and in late
// minors of 14 to 17.
constexpr std::array<StackLayout, 2> kStackLayouts{{
    {.parent = 0,
     .level = 8,
     .current_lists = 16,
     .prior_lists = 32,
     .current_pieces = 12,
     .prior_pieces = 28},
    {.parent = 40,
     .level = 48,
     .current_lists = 0,
     .prior_lists = 24,
     .current_pieces = 0,
     .prior_pieces = 20},
}};
constexpr int kMessagesAreInArrays = 150000;
constexpr std::size_t kInfoBytes = 56;  // the least of its chunk has 64
// InvalMessageArray: msgs, maxmsgs.
constexpr Offset kMostMessages = 8;
constexpr std::size_t kArrayBytes = 16;
// InvalidationChunk: next, nitems, maxitems, msgs.
constexpr Offset kItems = 8;
constexpr Offset kMostItems = 12;
constexpr std::size_t kChunkHeadBytes = 16;

using Info = std::array<std::byte, kInfoBytes>;

// One level's pieces of the two arrays.
struct Pieces {
    std::array<std::int32_t, kGroups> first;
    std::array<std::int32_t, kGroups> next;
};

class Reader {
  public:
    // `arrays` is where InvalMessageArrays may lie.
    Reader(const StillBackend& backend, std::vector<RemoteAddress> arrays)
        : backend_(backend), arrays_(std::move(arrays)) {
        const RemoteAddress variable = backend.backend().address_of("TopTransactionContext");
        const auto address = backend.pages().read<RemoteAddress>(variable);
        top_ = address ? backend.context_at(*address) : std::nullopt;
        database_ = backend.pages()
                        .read<std::uint32_t>(backend.backend().address_of("MyDatabaseId"))
                        .value_or(0);
    }

    // None where no stack of this version begins there.
    [[nodiscard]] std::optional<Counts> stack_at(RemoteAddress address) const {
        if (!top_) {
            return std::nullopt;
        }
        std::optional<Counts> most;
        for (const StackLayout& layout : kStackLayouts) {
            const auto counts = backend_.version() < kMessagesAreInArrays
                                    ? stack_of_lists(layout, address)
                                    : stack_of_pieces(layout, address);
            // Read by the other layout, few messages can look like none, never like more.
            if (counts && (!most || sum_of(*counts) > sum_of(*most))) {
                most = counts;
            }
        }
        return most;
    }

  private:
    [[nodiscard]] static std::int64_t sum_of(const Counts& counts) {
        return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    }

    [[nodiscard]] std::optional<Counts> stack_of_pieces(const StackLayout& layout,
                                                        RemoteAddress address) const {
        const auto ends = ends_of_stack(layout, address);
        return ends ? count_arrays(*ends) : std::nullopt;
    }

    // How many messages of each group there are by the stack that begins there. Each level follows
    // the one below, and those of the current command its earlier ones (SetGroupToFollow).
    [[nodiscard]] std::optional<std::array<std::int32_t, kGroups>> ends_of_stack(
        const StackLayout& layout, RemoteAddress address) const {
        std::optional<std::array<std::int32_t, kGroups>> ends;
        std::array<std::int32_t, kGroups> above{};
        for (std::int32_t level_above = INT32_MAX; !address.is_null();) {
            const auto info = info_at(address);
            const auto level = info ? value_at<std::int32_t>(info->data(), layout.level) : 0;
            if (level < 1 || level >= level_above) {
                return std::nullopt;
            }
            const auto prior = value_at<Pieces>(info->data(), layout.prior_pieces);
            const auto current = value_at<Pieces>(info->data(), layout.current_pieces);
            for (std::size_t group = 0; group < kGroups; ++group) {
                if (prior.first.at(group) < 0 || prior.next.at(group) < prior.first.at(group) ||
                    current.first.at(group) != prior.next.at(group) ||
                    current.next.at(group) < current.first.at(group)) {
                    return std::nullopt;
                }
            }
            if (ends && current.next != above) {
                return std::nullopt;
            }
            ends = ends ? ends : current.next;
            above = prior.first;
            level_above = level;
            address = pointer_at(info->data(), layout.parent);
        }
        // The lowest level begins with the arrays.
        return above == std::array<std::int32_t, kGroups>{} ? ends : std::nullopt;
    }

    [[nodiscard]] std::optional<Counts> count_arrays(
        const std::array<std::int32_t, kGroups>& messages) const {
        for (const RemoteAddress place : arrays_) {
            Counts counts{};
            bool proved = true;
            for (std::size_t group = 0; group < kGroups; ++group) {
                proved =
                    proved &&
                    (messages.at(group) == 0 ||
                     count_array(place + group * kArrayBytes, messages.at(group), group, counts));
            }
            if (proved) {
                return counts;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] bool count_array(RemoteAddress array,
                                   std::int32_t messages,
                                   std::size_t group,
                                   Counts& counts) const {
        const auto bytes = backend_.pages().read<std::array<std::byte, kArrayBytes>>(array);
        if (!bytes) {
            return false;
        }
        const RemoteAddress first = pointer_at(bytes->data(), 0);
        const auto room = value_at<std::int32_t>(bytes->data(), kMostMessages);
        return room >= messages &&
               has_room(*top_, first, static_cast<std::uint64_t>(room) * kMessageBytes) &&
               count_messages(first, messages, group, counts);
    }

    [[nodiscard]] std::optional<Counts> stack_of_lists(const StackLayout& layout,
                                                       RemoteAddress address) const {
        Counts counts{};
        auto bytes_left = static_cast<std::uint64_t>(backend_.tree().grand_total().total_bytes);
        for (std::int32_t level_above = INT32_MAX; !address.is_null();) {
            const auto info = info_at(address);
            const auto level = info ? value_at<std::int32_t>(info->data(), layout.level) : 0;
            if (level < 1 || level >= level_above) {
                return std::nullopt;
            }
            for (const Offset lists : {layout.current_lists, layout.prior_lists}) {
                const auto chunks =
                    value_at<std::array<RemoteAddress, kGroups>>(info->data(), lists);
                for (std::size_t group = 0; group < kGroups; ++group) {
                    if (!count_list(chunks.at(group), group, bytes_left, counts)) {
                        return std::nullopt;
                    }
                }
            }
            level_above = level;
            address = pointer_at(info->data(), layout.parent);
        }
        return counts;
    }

    // A list whose chunks take more than all contexts goes in a circle.
    [[nodiscard]] bool count_list(RemoteAddress chunk,
                                  std::size_t group,
                                  std::uint64_t& bytes_left,
                                  Counts& counts) const {
        while (!chunk.is_null()) {
            const auto head = backend_.pages().read<std::array<std::byte, kChunkHeadBytes>>(chunk);
            if (!head) {
                return false;
            }
            const auto items = value_at<std::int32_t>(head->data(), kItems);
            const auto room = value_at<std::int32_t>(head->data(), kMostItems);
            const auto context = context_of(chunk);
            const std::uint64_t bytes =
                kChunkHeadBytes + static_cast<std::uint64_t>(room) * kMessageBytes;
            if (items < 0 || room < items || !context || bytes > bytes_left ||
                !has_room(*context, chunk, bytes) ||
                !count_messages(chunk + kChunkHeadBytes, items, group, counts)) {
                return false;
            }
            bytes_left -= bytes;
            chunk = pointer_at(head->data(), 0);
        }
        return true;
    }

    // Of a chunk, up to 14: a transaction's or subtransaction's, which its header names.
    [[nodiscard]] std::optional<std::size_t> context_of(RemoteAddress chunk) const {
        const ChunkLayout& layout = backend_.layout().chunk;
        const auto named = backend_.pages().read<RemoteAddress>(
            RemoteAddress{chunk.value - layout.header_bytes + layout.link});
        const auto context = named ? backend_.context_at(*named) : std::nullopt;
        const bool is_transactions =
            context &&
            (context == top_ || backend_.tree().contexts[*context].name == "CurTransactionContext");
        return is_transactions ? context : std::nullopt;
    }

    [[nodiscard]] std::optional<Info> info_at(RemoteAddress address) const {
        const auto info = backend_.pages().read<Info>(address);
        return info && has_room(*top_, address, kInfoBytes) ? std::optional(*info) : std::nullopt;
    }

    [[nodiscard]] bool has_room(std::size_t context,
                                RemoteAddress payload,
                                std::uint64_t bytes) const {
        const auto chunk = backend_.chunk_bytes(context, payload);
        return chunk && *chunk >= bytes + backend_.layout().chunk.header_bytes;
    }

    [[nodiscard]] bool count_messages(RemoteAddress first,
                                      std::int32_t messages,
                                      std::size_t group,
                                      Counts& counts) const {
        std::vector<std::byte> bytes;
        for (auto left = static_cast<std::size_t>(messages); left > 0;) {
            const std::size_t now = std::min(left, kMessagesAtOnce);
            bytes.resize(now * kMessageBytes);
            const RemotePiece piece{.address = first, .into = std::span(bytes)};
            if (!backend_.memory().gather(std::span(&piece, 1))) {
                return false;
            }
            for (std::size_t at = 0; at < bytes.size(); at += kMessageBytes) {
                if (!count_message(bytes.data() + at, group, counts)) {
                    return false;
                }
            }
            first = first + bytes.size();
            left -= now;
        }
        return true;
    }

    [[nodiscard]] bool count_message(const std::byte* message,
                                     std::size_t group,
                                     Counts& counts) const {
        const auto id = std::min(value_at<std::int8_t>(message, 0), std::int8_t{0});
        const auto database = value_at<std::uint32_t>(message, kDatabase);
        const auto* const kind = std::ranges::find(kKinds, id, &Kind::id);
        if (kind == kKinds.end() || kind->group != group ||
            (database != 0 && database != database_)) {
            return false;
        }
        ++counts.at(static_cast<std::size_t>(kind - kKinds.begin()));
        return true;
    }

    const StillBackend& backend_;
    std::vector<RemoteAddress> arrays_;
    std::optional<std::size_t> top_;  // TopTransactionContext
    std::uint32_t database_ = 0;
};

std::vector<PendingInvalidations> by_kind(const Counts& counts) {
    std::vector<PendingInvalidations> pending;
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
        if (counts.at(i) > 0) {
            pending.push_back({.kind = std::string(kKinds.at(i).name),
                               .messages = counts.at(i),
                               .bytes = counts.at(i) * static_cast<std::int64_t>(kMessageBytes)});
        }
    }
    std::ranges::stable_sort(pending, std::ranges::greater{}, &PendingInvalidations::messages);
    return pending;
}

}  // namespace

std::vector<PendingInvalidations> read_pending_invalidations(
    const StillBackend& backend, std::vector<UnavailablePart>& unavailable) {
    std::vector<RemoteAddress> used_at_commit =
        variables_used_by(backend, "xactGetCommittedInvalidationMessages");
    std::vector<RemoteAddress> places;
    std::ranges::set_intersection(variables_used_by(backend, "CommandEndInvalidationMessages"),
                                  used_at_commit,
                                  std::back_inserter(places));
    const Reader reader(backend, std::move(used_at_commit));
    bool all_null = !places.empty();
    for (const RemoteAddress place : places) {
        const auto stack = backend.pages().read<RemoteAddress>(place);
        const bool is_null = stack && stack->is_null();
        const auto counts = stack && !is_null ? reader.stack_at(*stack) : std::nullopt;
        if (counts) {
            return by_kind(*counts);
        }
        all_null = all_null && is_null;
    }
    if (!all_null) {
        unavailable.push_back({.part = "pending invalidations",
                               .reason = places.empty() ? "transInvalInfo was not found"
                                                        : "they are not as this version's, or "
                                                          "were being added to"});
    }
    return {};
}

}  // namespace palloscope
