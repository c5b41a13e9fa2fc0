#include "tests/fuzz/context_walk.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "attach/memory_copy.hpp"
#include "inspector/backend/constant_texts.hpp"
#include "inspector/backend/context_walk.hpp"
#include "tests/inspector/backend/sound_tree.hpp"
#include "tests/inspector/backend/synthetic_memory.hpp"

namespace palloscope::test {

namespace {

constexpr std::uint64_t kProcessBytes = std::uint64_t{1} << 30;
constexpr std::size_t kDamageBytes = 10;

enum class Damage : std::uint8_t {
    kValue,       // the word becomes the value
    kFlippedBit,  // the bit of that number
    kLoop,        // the address of another word
    kOtherWord,   // what another word holds
    kNear,        // a little more or less
    kCut,         // memory ends there
};
constexpr std::uint8_t kDamages = 6;

void require_none(const std::optional<std::string>& broken_promise) {
    if (broken_promise) {
        std::fprintf(stderr, "%s\n", broken_promise->c_str());
        std::abort();
    }
}

void damage(SyntheticMemory& memory, std::span<const std::uint8_t, kDamageBytes> how) {
    std::uint16_t index = 0;
    std::uint64_t value = 0;
    std::memcpy(&index, &how[1], sizeof index);
    std::memcpy(&value, &how[3], kDamageBytes - 3);
    const std::uint64_t words = memory.size() / 8;
    if (words == 0) {
        return;
    }
    const auto word = [&](std::uint64_t number) { return memory.begin() + number % words * 8; };
    const RemoteAddress at = word(index);
    const auto before = memory.get<std::uint64_t>(at);
    switch (static_cast<Damage>(how[0] % kDamages)) {
        case Damage::kValue:
            // 56 bits with their sign: small negative figures are likely.
            memory.put(at, static_cast<std::int64_t>(value << 8U) >> 8U);
            break;
        case Damage::kFlippedBit:
            memory.put(at, before ^ std::uint64_t{1} << value % 64);
            break;
        case Damage::kLoop:
            memory.put(at, word(value));
            break;
        case Damage::kOtherWord:
            memory.put(at, memory.get<std::uint64_t>(word(value)));
            break;
        case Damage::kNear:
            memory.put(at, before + value % 512 - 256);
            break;
        case Damage::kCut:
            memory.cut(at);
            break;
    }
}

struct Contexts {
    SyntheticMemory memory;
    SyntheticContext top;
};

// Made once a version: an input is to cost as little as can be.
const Contexts& whole_contexts(std::size_t version) {
    static std::array<std::optional<Contexts>, kLayoutVersions.size()> made;
    std::optional<Contexts>& contexts = made.at(version);
    if (!contexts) {
        contexts.emplace(
            Contexts{SyntheticMemory(*memory_layout(kLayoutVersions.at(version))), {}});
        contexts->top = add_all_kinds(contexts->memory);
    }
    return *contexts;
}

// None of the addresses is one of this process: there is no constant text, and nothing to forget.
ConstantTexts& no_constant_texts() {
    static const SyntheticMemory nothing(*memory_layout(kLayoutVersions.front()));
    static ConstantTexts texts(getpid(), nothing);
    return texts;
}

}  // namespace

void walk_damaged_contexts(std::span<const std::uint8_t> input) {
    if (input.empty()) {
        return;
    }
    const Contexts& whole = whole_contexts(input[0] % kLayoutVersions.size());
    const SyntheticContext& top = whole.top;
    SyntheticMemory memory = whole.memory;
    for (auto rest = input.subspan(1); rest.size() >= kDamageBytes;
         rest = rest.subspan(kDamageBytes)) {
        damage(memory, rest.first<kDamageBytes>());
    }
    MemoryCopy copy(memory);
    copy.set_misses(MemoryCopy::Misses::kFetch);
    ConstantTexts& names = no_constant_texts();
    const WalkBounds bounds{.bytes = kProcessBytes, .deadline = {}};
    const auto tree = walk_contexts(copy, memory.layout(), top.address, names, bounds);
    require_none(broken_promise(tree, kProcessBytes));
    (void)walk_contexts(copy, memory.layout(), top.address, names, bounds, WalkPurpose::kSurvey);
    if (const auto proved = prove_chunks(copy, memory.layout(), top.address); !proved) {
        require_none(broken_promise(proved.error()));
    }
}

}  // namespace palloscope::test
