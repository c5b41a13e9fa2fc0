#include "inspector/backend/kept_contexts.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "attach/proc.hpp"
#include "inspector/backend/static_variables.hpp"

namespace palloscope {

namespace {

constexpr AllocBlockLayout kBlock;
// context_freelists (aset.c): two lists of dead contexts, of MAX_FREE_CONTEXTS each.
constexpr std::size_t kFreeContextLists = 2;
constexpr std::int32_t kMostFreeContexts = 100;

// AllocSetContext.freeListIndex (aset.c), by the first version that has it there; none before 11.
MaybeOffset free_list_index(int version_num) {
    if (version_num >= 170000) {
        return 192;
    }
    if (version_num >= 130000) {
        return 216;
    }
    return version_num >= 110000 ? MaybeOffset(208) : std::nullopt;
}

class KeptContexts {
  public:
    KeptContexts(const StillBackend& backend, const ResidentMemory& resident)
        : backend_(backend), resident_(resident), index_at_(free_list_index(backend.version())) {}

    [[nodiscard]] Result<std::int64_t> bytes() {
        if (!index_at_) {
            return 0;
        }
        allocset_tag_ = backend_.pages().read<std::int32_t>(backend_.address_of(0)).value_or(0);
        std::optional<std::int64_t> found;
        for (const Mapping& mapping :
             variable_mappings(backend_.backend().pid(), resident_.mappings())) {
            std::vector<std::uint64_t> words(mapping.size() / sizeof(std::uint64_t));
            const RemotePiece piece{.address = mapping.start,
                                    .into = std::as_writable_bytes(std::span(words))};
            if (auto read = backend_.memory().gather(std::span(&piece, 1)); !read) {
                return tl::unexpected(std::move(read.error()));
            }
            constexpr std::size_t kWords = 2 * kFreeContextLists;
            for (std::size_t i = 0; i + kWords <= words.size(); ++i) {
                const auto bytes = bytes_at(std::span(words).subspan(i, kWords));
                if (bytes && found) {
                    return failure(Error::Kind::kFailed,
                                   "more than one place looks like their list");
                }
                found = bytes ? bytes : found;
            }
        }
        return found.value_or(0);
    }

  private:
    // Of two heads, each {int num_free; AllocSetContext *first_free}; none where they are none, or
    // both are empty.
    [[nodiscard]] std::optional<std::int64_t> bytes_at(std::span<const std::uint64_t> words) const {
        std::int64_t bytes = 0;
        for (std::size_t list = 0; list < kFreeContextLists; ++list) {
            const std::uint64_t count = words[2 * list];
            const RemoteAddress first{words[2 * list + 1]};
            if (count > kMostFreeContexts || (count == 0) != first.is_null()) {
                return std::nullopt;
            }
        }
        if (words[0] == 0 && words[2] == 0) {
            return std::nullopt;
        }
        for (std::size_t list = 0; list < kFreeContextLists; ++list) {
            const auto chain = chain_bytes({words[2 * list + 1]}, words[2 * list], list);
            if (!chain) {
                return std::nullopt;
            }
            bytes += *chain;
        }
        return bytes;
    }

    [[nodiscard]] std::optional<std::int64_t> chain_bytes(RemoteAddress context,
                                                          std::uint64_t count,
                                                          std::size_t list) const {
        const MemoryLayout& layout = backend_.layout();
        std::int64_t bytes = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto tag = backend_.pages().read<std::int32_t>(context);
            const auto index = backend_.pages().read<std::int32_t>(context + *index_at_);
            const auto block =
                backend_.pages().read<RemoteAddress>(context + layout.allocset.blocks);
            const auto next =
                backend_.pages().read<RemoteAddress>(context + layout.context.nextchild);
            if (!tag || !index || !block || !next || *tag != allocset_tag_ ||
                *index != static_cast<std::int32_t>(list) || *block < context ||
                backend_.context_at(context)) {
                return std::nullopt;
            }
            const auto end = backend_.pages().read<RemoteAddress>(*block + kBlock.endptr);
            if (!end || *end < *block) {
                return std::nullopt;
            }
            bytes += static_cast<std::int64_t>(resident_.bytes_in(context, *end));
            context = *next;
        }
        return context.is_null() ? std::optional(bytes) : std::nullopt;
    }

    const StillBackend& backend_;
    const ResidentMemory& resident_;
    MaybeOffset index_at_;
    std::int32_t allocset_tag_ = 0;
};

}  // namespace

Result<std::int64_t> kept_context_bytes(const StillBackend& backend,
                                        const ResidentMemory& resident) {
    return KeptContexts(backend, resident).bytes();
}

}  // namespace palloscope
