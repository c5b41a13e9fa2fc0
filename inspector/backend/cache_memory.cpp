#include "inspector/backend/cache_memory.hpp"

#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "inspector/backend/chunk_header.hpp"

namespace palloscope {

Result<CacheMemory> CacheMemory::read(const StillBackend& backend) {
    const auto address =
        backend.pages().read<RemoteAddress>(backend.backend().address_of("CacheMemoryContext"));
    const auto context = address ? backend.context_at(*address) : std::nullopt;
    if (!context) {
        return failure(
            Error::Kind::kGone,
            fmt::format("process {} has no CacheMemoryContext", backend.backend().pid()));
    }
    return ContextChunks::read(
               backend.memory(), backend.layout(), *address, backend.blocks_of(*context))
        .map([&](ContextChunks&& chunks) {
            return CacheMemory(backend, *context, std::move(chunks));
        });
}

CacheMemory::CacheMemory(const StillBackend& backend, std::size_t context, ContextChunks chunks)
    : backend_(&backend),
      context_(context),
      chunks_(std::move(chunks)),
      claimed_(chunks_.chunks().size()),
      claimed_contexts_(backend.tree().contexts.size()),
      used_bytes_(backend.tree().contexts[context].figures.used_bytes) {}

std::int64_t CacheMemory::claim(std::size_t chunk) {
    if (claimed_.at(chunk)) {
        return 0;
    }
    claimed_[chunk] = true;
    const auto bytes = static_cast<std::int64_t>(chunks_.chunks()[chunk].size);
    claimed_bytes_ += bytes;
    return bytes;
}

std::int64_t CacheMemory::claim_at(RemoteAddress payload) {
    const auto chunk = chunks_.starting_at(payload);
    return chunk ? claim(*chunk) : 0;
}

std::int64_t CacheMemory::claim_holding(RemoteAddress address) {
    const auto chunk = chunks_.holding(address);
    return chunk ? claim(*chunk) : 0;
}

std::int64_t CacheMemory::claim_context(RemoteAddress address) {
    const auto context = backend_->context_at(address);
    if (!context || claimed_contexts_[*context] ||
        backend_->tree().contexts[*context].parent != context_) {
        return 0;
    }
    claimed_contexts_[*context] = true;
    return backend_->subtree_bytes(*context);
}

std::int64_t CacheMemory::claim_reachable(std::size_t chunk) {
    std::int64_t bytes = claim(chunk);
    std::vector<std::size_t> to_follow{chunk};
    while (!to_follow.empty()) {
        const std::span<const std::byte> payload = chunks_.bytes_of(to_follow.back());
        to_follow.pop_back();
        for (std::size_t at = 0; at + sizeof(std::uint64_t) <= payload.size();
             at += sizeof(std::uint64_t)) {
            const RemoteAddress word = pointer_at(payload.data(), static_cast<Offset>(at));
            if (word.is_null()) {
                continue;
            }
            const auto next = chunks_.starting_at(word);
            if (next && !claimed_[*next]) {
                bytes += claim(*next);
                to_follow.push_back(*next);
            } else if (!next) {
                bytes += claim_context(word);
            }
        }
    }
    return bytes;
}

}  // namespace palloscope
