#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "attach/memory_source.hpp"
#include "inspector/backend/memory_layout.hpp"
#include "inspector/model/context_tree.hpp"

namespace palloscope::test {

// The versions whose layouts are known, by server_version_num.
inline constexpr std::array kLayoutVersions{90400,
                                            90500,
                                            90600,
                                            100000,
                                            110000,
                                            120000,
                                            130000,
                                            140000,
                                            150000,
                                            160000,
                                            170000,
                                            180000,
                                            190000};

// Whether the server is built with assertions: its chunks also hold the size that was asked for
// (MEMORY_CONTEXT_CHECKING).
enum class Assertions { kOff, kOn };

// A chunk of 8 << list bytes, and its header.
struct SyntheticChunk {
    std::size_t list = 0;
    bool is_free = false;
};

// Block header, chunks, and room behind them.
struct SyntheticAllocBlock {
    std::vector<SyntheticChunk> chunks;
    std::uint64_t room_bytes = 0;
};

struct SyntheticSlab {
    std::uint32_t chunks_per_block = 8;
    std::uint32_t full_chunk_bytes = 64;
    std::uint32_t block_bytes = 1024;
    std::vector<std::int32_t> free_in_blocks;  // one number a block
    std::uint32_t empty_blocks = 0;            // 16
};

struct SyntheticGenerationBlock {
    std::uint64_t bytes = 0;
    std::int32_t chunks = 0;
    std::int32_t free_chunks = 0;
    std::uint64_t room_bytes = 0;
};

struct SyntheticBumpBlock {
    std::uint64_t bytes = 0;
    std::uint64_t room_bytes = 0;
};

// Where the parts of a context lie.
struct SyntheticContext {
    RemoteAddress address;
    std::vector<RemoteAddress> blocks;       // of Slab, Generation and Bump: their list's nodes
    std::vector<RemoteAddress> free_chunks;  // of an AllocSet: their headers
};

// Memory contexts as a server of some version lays them out, in whole pages of a vector of bytes.
//
//     SyntheticMemory memory(*memory_layout(150000));
//     const auto top = memory.add_allocset({}, "TopMemoryContext", {{.chunks = {{.list = 3}}}});
//     memory.add_slab(top.address, "TXN", {.free_in_blocks = {0, 8}});
//     memory.put(top.address + memory.layout().context.parent, RemoteAddress{8});
class SyntheticMemory final : public MemorySource {
  public:
    explicit SyntheticMemory(const MemoryLayout& layout, Assertions assertions = Assertions::kOff)
        : layout_(layout), assertions_(assertions) {}

    ~SyntheticMemory() override = default;

    // g++ wants the base named.
    SyntheticMemory(const SyntheticMemory& other)
        : MemorySource(),  // NOLINT(readability-redundant-member-init)
          layout_(other.layout_),
          assertions_(other.assertions_),
          end_(other.end_),
          bytes_(other.bytes_) {}

    SyntheticMemory& operator=(const SyntheticMemory&) = delete;
    SyntheticMemory(SyntheticMemory&&) = delete;
    SyntheticMemory& operator=(SyntheticMemory&&) = delete;

    [[nodiscard]] const MemoryLayout& layout() const { return layout_; }

    // Children are put before their elder siblings, as the server does. No parent: the root.
    SyntheticContext add_allocset(RemoteAddress parent,
                                  std::string_view name,
                                  const std::vector<SyntheticAllocBlock>& blocks = {});
    SyntheticContext add_slab(RemoteAddress parent,
                              std::string_view name,
                              const SyntheticSlab& slab);
    SyntheticContext add_generation(RemoteAddress parent,
                                    std::string_view name,
                                    const std::vector<SyntheticGenerationBlock>& blocks);
    SyntheticContext add_bump(RemoteAddress parent,
                              std::string_view name,
                              const std::vector<SyntheticBumpBlock>& blocks);

    // 11 and later. The text ends at its first NUL.
    void set_ident(RemoteAddress context, std::string_view ident);

    template <typename T>
    [[nodiscard]] T get(RemoteAddress address) const {
        return read<T>(address).value();
    }

    // Where memory is.
    template <typename T>
    void put(RemoteAddress address, T value) {
        const auto bytes = std::as_bytes(std::span(&value, 1));
        put_bytes(address, bytes);
    }

    void add_to(RemoteAddress address, std::int64_t difference) {
        put(address, get<std::int64_t>(address) + difference);
    }

    // Zeros, at a multiple of 8.
    RemoteAddress allocate(std::uint64_t size);
    // The last bytes of memory, behind which there is nothing.
    RemoteAddress allocate_at_end(std::uint64_t size);
    RemoteAddress put_text(std::string_view text);

    [[nodiscard]] RemoteAddress begin() const;

    // A multiple of the size of a page, but after cut().
    [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }

    // From `address` on there is nothing any more.
    void cut(RemoteAddress address) { bytes_.resize(address - begin()); }

    [[nodiscard]] Result<> gather(std::span<const RemotePiece> pieces) const override;

  private:
    void put_bytes(RemoteAddress address, std::span<const std::byte> bytes);
    RemoteAddress add_context(ContextType type,
                              RemoteAddress parent,
                              std::string_view name,
                              std::uint64_t bytes);
    void put_sized(RemoteAddress context, SizedField field, std::uint32_t value);
    void count_allocated(RemoteAddress context, std::uint64_t bytes);
    void put_chunk(RemoteAddress chunk,
                   std::size_t list,
                   RemoteAddress context,
                   RemoteAddress block);
    [[nodiscard]] std::uint64_t chunk_header_bytes() const;
    [[nodiscard]] Offset chunk_link() const;
    void make_list(RemoteAddress head, const std::vector<RemoteAddress>& nodes);

    MemoryLayout layout_;
    Assertions assertions_;
    std::uint64_t end_ = 0;
    std::vector<std::byte> bytes_;
};

// Puts a small tree into empty memory that has contexts of every kind that its version knows, with
// full, partly free and empty blocks. Gives its root.
SyntheticContext add_all_kinds(SyntheticMemory& memory);

}  // namespace palloscope::test
