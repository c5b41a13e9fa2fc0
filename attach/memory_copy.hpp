#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "attach/error.hpp"
#include "attach/memory_source.hpp"
#include "attach/remote_address.hpp"

namespace palloscope {

struct RemoteRange {
    RemoteAddress begin;
    std::uint64_t size = 0;

    bool operator==(const RemoteRange&) const = default;

    [[nodiscard]] RemoteAddress end() const noexcept { return begin + size; }

    // Whether all of `bytes` bytes at `address` lie in it, whatever these numbers are.
    [[nodiscard]] bool holds(RemoteAddress address, std::uint64_t bytes) const noexcept {
        return address >= begin && bytes <= size && address - begin <= size - bytes;
    }
};

// The same memory in the order of addresses, in as few ranges as serve: ranges that overlap, or lie
// at most `max_gap` bytes apart, become one. A gap costs its copying, a range of its own a look-up
// of its pages.
[[nodiscard]] std::vector<RemoteRange> joined(std::vector<RemoteRange> ranges,
                                              std::uint64_t max_gap);

// Copies of scattered memory, made in as few and large reads as possible: what lies between stop
// and go when a process is looked at. Decoders read from the copy, which remembers what they used:
// that is what to copy the next time.
//
//     MemoryCopy copy(process_memory);
//     copy.plan(joined(ranges_of_last_time, gap));
//     copy.make_room();
//     copy.take();                                   // only copies
//     copy.find(address, 8);                         // from the copy
//     ranges_of_last_time = copy.used();
//     copy.put_away();                               // its room is for the next one
//
// Not for several threads at once.
class MemoryCopy final : public MemorySource {
  public:
    // What becomes of a look at memory that was not planned.
    enum class Misses {
        kFail,   // it is not there
        kFetch,  // its pages are copied now
    };

    // `source` must outlive it.
    explicit MemoryCopy(const MemorySource& source) : source_(&source) {}

    // Sets what take() copies: ranges in the order of addresses that do not overlap. Drops what was
    // copied before.
    void plan(std::vector<RemoteRange> ranges);

    // Touches all the memory that the copy will need, so that take() need not. The room is one that
    // another copy in this thread has put away, where there is one: who looks at many processes in
    // turn needs that of the largest, and finds it in the processor's cache.
    void make_room();

    // Copies what is planned, and forgets all else. A range that cannot be read whole is left out.
    void take();

    // Gives its room to the next copy: nothing is found in this one until the next take(). What was
    // used and planned stays known.
    void put_away();

    void set_misses(Misses misses) noexcept { misses_ = misses; }

    // `size` bytes at `address`, valid until any of the above is called; null where they were not
    // copied or cannot be read.
    [[nodiscard]] const std::byte* find(RemoteAddress address, std::uint64_t size) const;

    // Pieces of the copy. kFault where one is not there.
    [[nodiscard]] Result<> gather(std::span<const RemotePiece> pieces) const override;

    // All that was found since the last take(), in the order in which it was used.
    [[nodiscard]] const std::vector<RemoteRange>& used() const noexcept { return used_; }

    // How often memory had to be fetched, or was missed, since the last take().
    [[nodiscard]] std::size_t misses() const noexcept { return missed_; }

    [[nodiscard]] const std::vector<RemoteRange>& planned() const noexcept { return ranges_; }

    // What is planned, without what the last take() could not read.
    [[nodiscard]] std::vector<RemoteRange> readable() const;

  private:
    struct Piece {
        std::unique_ptr<std::byte[]> bytes;  // NOLINT(*-avoid-c-arrays): a vector would be zeroed
        std::uint64_t size = 0;
    };

    // By address. Where two begin at the same one, the larger came later: what was found in the
    // first stays valid.
    using Fetched = std::multimap<RemoteAddress, Piece>;

    void forget_fetched();
    [[nodiscard]] const std::byte* find_planned(RemoteAddress address, std::uint64_t size) const;
    [[nodiscard]] const std::byte* find_fetched(RemoteAddress address, std::uint64_t size) const;
    [[nodiscard]] const std::byte* fetch(RemoteAddress address, std::uint64_t size) const;
    [[nodiscard]] const std::byte* fetch_aligned(RemoteAddress address,
                                                 std::uint64_t size,
                                                 std::uint64_t unit,
                                                 Fetched& into) const;

    const MemorySource* source_;
    Misses misses_ = Misses::kFail;
    std::vector<RemoteRange> ranges_;
    std::uint64_t planned_bytes_ = 0;
    std::vector<RemotePiece> pieces_;  // where each range goes in room_
    std::vector<std::byte> room_;
    bool has_room_ = false;     // for what is planned
    std::vector<bool> unread_;  // ranges that could not be read
    bool taken_ = false;
    // The range found last: the next look is mostly near.
    mutable std::size_t last_ = 0;
    mutable Fetched pages_;       // fetched page by page, because little was missing …
    mutable Fetched many_pages_;  // … or in larger units; apart, so that neither hides the other
    mutable const Fetched::value_type* last_fetched_ = nullptr;  // as last_, in one of these
    mutable std::vector<RemoteRange> used_;
    mutable std::size_t missed_ = 0;
};

}  // namespace palloscope
