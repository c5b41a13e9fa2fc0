#include "attach/memory_copy.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace palloscope {

namespace {

// Memory is mapped, or not, in pages of this size (x86-64).
constexpr std::uint64_t kPageBytes = 4096;
// No address of user space lies beyond (x86-64 with five-level page tables).
constexpr std::uint64_t kAddressLimit = std::uint64_t{1} << 57;
// Nothing that is looked at in one piece is larger; a larger size is hostile input.
constexpr std::uint64_t kMaxFetchBytes = std::uint64_t{1} << 20;
// A fetch of one page takes 3 us, one of sixteen 15 us.
constexpr std::uint64_t kManyPagesBytes = 16 * kPageBytes;
constexpr std::size_t kFewMisses = 32;

// What copies of this thread have put away.
std::vector<std::vector<std::byte>>& spare_rooms() {
    static thread_local std::vector<std::vector<std::byte>> rooms;
    return rooms;
}

}  // namespace

std::vector<RemoteRange> joined(std::vector<RemoteRange> ranges, std::uint64_t max_gap) {
    std::ranges::sort(ranges, {}, &RemoteRange::begin);
    std::vector<RemoteRange> result;
    for (const RemoteRange& range : ranges) {
        if (!result.empty() &&
            (range.begin <= result.back().end() || range.begin - result.back().end() <= max_gap)) {
            const RemoteAddress end = std::max(result.back().end(), range.end());
            result.back().size = end - result.back().begin;
        } else {
            result.push_back(range);
        }
    }
    return result;
}

void MemoryCopy::forget_fetched() {
    last_fetched_ = nullptr;
    pages_.clear();
    many_pages_.clear();
}

void MemoryCopy::plan(std::vector<RemoteRange> ranges) {
    ranges_ = std::move(ranges);
    taken_ = false;
    has_room_ = false;
    last_ = 0;
    forget_fetched();
    used_.clear();
    missed_ = 0;
    unread_.assign(ranges_.size(), false);
    planned_bytes_ = 0;
    for (const RemoteRange& range : ranges_) {
        planned_bytes_ += range.size;
    }
}

void MemoryCopy::make_room() {
    if (std::exchange(has_room_, true)) {
        return;
    }
    if (room_.empty() && !spare_rooms().empty()) {
        room_ = std::move(spare_rooms().back());
        spare_rooms().pop_back();
    }
    if (room_.size() < planned_bytes_) {
        // Filled with zeros, so that its pages are there; what was in it is worth no copying.
        room_.clear();
        room_.resize(planned_bytes_);
    }
    pieces_.resize(ranges_.size());
    std::span<std::byte> rest(room_);
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
        pieces_[i] = {.address = ranges_[i].begin, .into = rest.first(ranges_[i].size)};
        rest = rest.subspan(ranges_[i].size);
    }
}

void MemoryCopy::take() {
    make_room();
    forget_fetched();
    used_.clear();
    missed_ = 0;
    unread_.assign(pieces_.size(), false);
    source_->gather_available(pieces_, unread_);
    taken_ = true;
}

void MemoryCopy::put_away() {
    taken_ = false;
    has_room_ = false;
    forget_fetched();
    if (!room_.empty()) {
        spare_rooms().push_back(std::exchange(room_, {}));
    }
}

std::vector<RemoteRange> MemoryCopy::readable() const {
    std::vector<RemoteRange> result;
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
        if (!unread_[i]) {
            result.push_back(ranges_[i]);
        }
    }
    return result;
}

const std::byte* MemoryCopy::find(RemoteAddress address, std::uint64_t size) const {
    if (size > kMaxFetchBytes || address.value >= kAddressLimit) {
        return nullptr;
    }
    const std::byte* found = find_planned(address, size);
    if (found == nullptr) {
        found = find_fetched(address, size);
    }
    if (found == nullptr) {
        ++missed_;
        found = misses_ == Misses::kFetch ? fetch(address, size) : nullptr;
    }
    if (found != nullptr) {
        used_.push_back({address, size});
    }
    return found;
}

const std::byte* MemoryCopy::find_planned(RemoteAddress address, std::uint64_t size) const {
    if (!taken_ || ranges_.empty()) {
        return nullptr;
    }
    if (!ranges_[last_].holds(address, size)) {
        const auto after =
            std::ranges::upper_bound(ranges_, address, std::ranges::less{}, &RemoteRange::begin);
        if (after == ranges_.begin()) {
            return nullptr;
        }
        last_ = static_cast<std::size_t>(after - ranges_.begin()) - 1;
        if (!ranges_[last_].holds(address, size)) {
            return nullptr;
        }
    }
    return unread_[last_] ? nullptr : pieces_[last_].into.data() + (address - ranges_[last_].begin);
}

const std::byte* MemoryCopy::find_fetched(RemoteAddress address, std::uint64_t size) const {
    if (last_fetched_ != nullptr &&
        RemoteRange{last_fetched_->first, last_fetched_->second.size}.holds(address, size)) {
        return last_fetched_->second.bytes.get() + (address - last_fetched_->first);
    }
    for (const Fetched* const fetched : {&pages_, &many_pages_}) {
        auto after = fetched->upper_bound(address);
        if (after != fetched->begin()) {
            const auto& [begin, piece] = *--after;
            if (RemoteRange{begin, piece.size}.holds(address, size)) {
                last_fetched_ = &*after;
                return piece.bytes.get() + (address - begin);
            }
        }
    }
    return nullptr;
}

const std::byte* MemoryCopy::fetch(RemoteAddress address, std::uint64_t size) const {
    // Whole pages: what is near will be looked at too. Where much is missing, many of them.
    const std::byte* const found =
        missed_ > kFewMisses ? fetch_aligned(address, size, kManyPagesBytes, many_pages_) : nullptr;
    return found != nullptr ? found : fetch_aligned(address, size, kPageBytes, pages_);
}

const std::byte* MemoryCopy::fetch_aligned(RemoteAddress address,
                                           std::uint64_t size,
                                           std::uint64_t unit,
                                           Fetched& into) const {
    const RemoteAddress begin{address.value / unit * unit};
    const std::uint64_t end = (address.value + size + unit - 1) / unit * unit;
    Piece fetched{.size = std::max(end - begin.value, unit)};
    fetched.bytes = std::make_unique_for_overwrite<std::byte[]>(fetched.size);  // NOLINT
    const RemotePiece piece{.address = begin, .into = {fetched.bytes.get(), fetched.size}};
    if (!source_->gather(std::span(&piece, 1))) {
        return nullptr;
    }
    const Piece& kept = into.emplace(begin, std::move(fetched))->second;
    return kept.bytes.get() + (address - begin);
}

Result<> MemoryCopy::gather(std::span<const RemotePiece> pieces) const {
    for (const RemotePiece& piece : pieces) {
        const std::byte* const found = find(piece.address, piece.into.size());
        if (found == nullptr) {
            return failure(Error::Kind::kFault,
                           fmt::format("memory at {:#x} was not copied", piece.address.value));
        }
        std::copy_n(found, piece.into.size(), piece.into.begin());
    }
    return {};
}

}  // namespace palloscope
