#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attach/error.hpp"
#include "attach/remote_address.hpp"
#include "inspector/backend/still_backend.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// A hash table of the backend's own (src/backend/utils/hash/dynahash.c). Each has a context of its
// own, which bears its name: that is how a table is found where its variable is not exported.
struct DynamicHash {
    std::string name;
    std::size_t context = 0;  // index in the tree
    std::int64_t entries = 0;

    // dynahash.c: HASHHDR.max_bucket, keysize; HTAB.dir, ssize, sshift.
    std::uint32_t max_bucket = 0;
    std::uint64_t key_bytes = 0;
    RemoteAddress directory;
    std::uint64_t segment_buckets = 0;
    unsigned segment_shift = 0;
};

// All of them, in the tree's order. A table that does not fit is left out, and its name and the
// reason are added to `unreadable`.
[[nodiscard]] std::vector<DynamicHash> find_hash_tables(const StillBackend& backend,
                                                        std::vector<UnavailablePart>& unreadable);

// Calls `visit` with where the data of each entry lies: key first. kFailed where the chains do not
// hold together or not as many entries are found as the table counts.
[[nodiscard]] Result<> for_each_entry(const StillBackend& backend,
                                      const DynamicHash& table,
                                      const std::function<void(RemoteAddress entry)>& visit);

// The same for the table of that name, if it is one of `tables`: PostgreSQL makes many with their
// first entry. Where it fails, `unavailable` gets `part` and the reason.
void for_each_entry_of(const StillBackend& backend,
                       std::span<const DynamicHash> tables,
                       std::string_view name,
                       std::string_view part,
                       const std::function<void(RemoteAddress entry)>& visit,
                       std::vector<UnavailablePart>& unavailable);

}  // namespace palloscope
