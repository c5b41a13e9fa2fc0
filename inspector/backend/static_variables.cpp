#include "inspector/backend/static_variables.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "attach/elf_image.hpp"
#include "inspector/backend/chunk_header.hpp"

namespace palloscope {

namespace {

constexpr std::uint64_t kMostCodeBytes = 4096;
// A constant of so many bytes may stand between the distance and the next instruction.
constexpr std::array<std::uint64_t, 3> kConstantBytes{0, 1, 4};

}  // namespace

std::vector<Mapping> variable_mappings(pid_t pid, const std::vector<Mapping>& mappings) {
    std::vector<Mapping> variables;
    const auto executable = read_link(pid, "exe");
    const Mapping* before = nullptr;
    for (const Mapping& mapping : mappings) {
        const bool is_servers = executable && mapping.path == *executable;
        const bool is_bss = executable && mapping.path.empty() && before != nullptr &&
                            before->end == mapping.start && before->path == *executable;
        if (mapping.writable && !mapping.shared && (is_servers || is_bss)) {
            variables.push_back(mapping);
        }
        before = &mapping;
    }
    return variables;
}

std::vector<RemoteAddress> variables_used_by(const StillBackend& backend,
                                             std::string_view function) {
    const auto symbol = backend.backend().image().find_symbol(function);
    const auto mappings = read_maps(backend.backend().pid());
    if (!symbol || !mappings) {
        return {};
    }
    const std::vector<Mapping> variables = variable_mappings(backend.backend().pid(), *mappings);
    const RemoteAddress begin = backend.backend().address_of(function);
    std::vector<std::byte> code(std::min(symbol->size, kMostCodeBytes));
    const RemotePiece piece{.address = begin, .into = std::span(code)};
    if (!backend.memory().gather(std::span(&piece, 1))) {
        return {};
    }
    std::vector<RemoteAddress> places;
    for (std::size_t at = 0; at + sizeof(std::int32_t) <= code.size(); ++at) {
        const std::int64_t distance = value_at<std::int32_t>(code.data(), static_cast<Offset>(at));
        for (const std::uint64_t constant : kConstantBytes) {
            const RemoteAddress next = begin + at + sizeof(std::int32_t) + constant;
            const RemoteAddress place{next.value + static_cast<std::uint64_t>(distance)};
            const bool is_variable = std::ranges::any_of(variables, [&](const Mapping& mapping) {
                return mapping.start <= place && place < mapping.end;
            });
            if (is_variable && place.value % sizeof(std::int32_t) == 0) {
                places.push_back(place);
            }
        }
    }
    std::ranges::sort(places);
    places.erase(std::unique(places.begin(), places.end()), places.end());
    return places;
}

}  // namespace palloscope
