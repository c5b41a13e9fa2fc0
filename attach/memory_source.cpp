#include "attach/memory_source.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace palloscope {

namespace {

// The smallest unit in which memory can be mapped or not (x86-64).
constexpr std::uint64_t kPageBytes = 4096;

}  // namespace

void MemorySource::gather_available(std::span<const RemotePiece> pieces,
                                    std::vector<bool>& unread) const {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        unread[i] = !gather(pieces.subspan(i, 1));
    }
}

Result<std::string> MemorySource::read_string(RemoteAddress address, std::size_t max_length) const {
    std::string text;
    std::array<char, kPageBytes> page{};
    while (text.size() < max_length) {
        const RemoteAddress from = address + text.size();
        const std::size_t to_page_end = kPageBytes - from.value % kPageBytes;
        const std::size_t length = std::min(to_page_end, max_length - text.size());
        const RemotePiece piece{.address = from,
                                .into = std::as_writable_bytes(std::span(page).first(length))};
        if (auto done = gather(std::span(&piece, 1)); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        const std::string_view read(page.data(), length);
        const std::size_t end = std::min(read.find('\0'), length);
        text.append(read.substr(0, end));
        if (end != length) {
            break;
        }
    }
    return text;
}

}  // namespace palloscope
