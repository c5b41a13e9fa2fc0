#include "inspector/backend/settings.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "inspector/backend/chunk_header.hpp"
#include "inspector/backend/layout_of_version.hpp"
#include "inspector/backend/static_variables.hpp"

namespace palloscope {

namespace {

constexpr int kHashedSince = 160000;
constexpr std::int32_t kLeastVariables = 100;  // 10 has about 260
constexpr std::int32_t kMostVariables = 10'000'000;
constexpr std::size_t kMostNameBytes = 256;
constexpr std::size_t kMostValueBytes = std::size_t{1} << 20;

// struct config_generic (utils/guc_tables.h): these lie in the same place in 10 to 19.
constexpr Offset kName = 0;
constexpr Offset kFlags = 32;
constexpr Offset kType = 36;
constexpr Offset kSource = 44;
constexpr std::uint32_t kStringType = 3;      // PGC_STRING
constexpr std::uint32_t kLastType = 4;        // PGC_ENUM
constexpr std::uint32_t kSessionSource = 13;  // PGC_S_SESSION (utils/guc.h), the last one
// struct config_string, behind that: variable, boot_val, three hooks, reset_val, reset_extra.
constexpr Offset kResetValue = 40;
constexpr Offset kStringBytes = 56;

struct SettingLayout {
    int since_version_num;
    Offset generic_bytes;       // struct config_generic, up to what is its kind's own
    std::uint32_t placeholder;  // GUC_CUSTOM_PLACEHOLDER (utils/guc.h)
};

constexpr std::array<SettingLayout, 5> kLayouts{{
    {.since_version_num = 100000, .generic_bytes = 96, .placeholder = 0x80},
    {.since_version_num = 140000, .generic_bytes = 104, .placeholder = 0x80},
    {.since_version_num = 150000, .generic_bytes = 112, .placeholder = 0x80},
    {.since_version_num = 160000, .generic_bytes = 144, .placeholder = 0x200},
    {.since_version_num = 190000, .generic_bytes = 152, .placeholder = 0x200},
}};

class Reader {
  public:
    explicit Reader(const StillBackend& backend)
        : backend_(backend),
          layout_(layout_of_version(kLayouts, backend.version()).value_or(kLayouts.front())) {}

    // Where each variable's struct lies; none where they are not found.
    [[nodiscard]] std::optional<std::vector<RemoteAddress>> variables(
        std::span<const DynamicHash> tables) const {
        return backend_.version() >= kHashedSince ? hashed(tables) : listed();
    }

    // Adds the variable to `settings` if the session has it. False where it is not this version's.
    bool add(RemoteAddress address, std::vector<SessionSetting>& settings) const {
        const auto generic = backend_.pages().read<std::array<std::byte, kSource + 4>>(address);
        if (!generic) {
            return false;
        }
        const auto type = value_at<std::uint32_t>(generic->data(), kType);
        const auto source = value_at<std::uint32_t>(generic->data(), kSource);
        auto name = text_at(pointer_at(generic->data(), kName), kMostNameBytes);
        if (type > kLastType || source > kSessionSource || !name || name->empty()) {
            return false;
        }
        const bool placeholder =
            (value_at<std::uint32_t>(generic->data(), kFlags) & layout_.placeholder) != 0;
        if (!placeholder && source != kSessionSource) {
            return true;
        }
        SessionSetting setting{.name = std::move(*name), .placeholder = placeholder};
        if (type == kStringType) {
            setting.bytes = text_bytes(address, placeholder);
        }
        if (placeholder) {
            // add_placeholder_variable(): the struct, a pointer to the value, and the name.
            setting.bytes += layout_.generic_bytes + kStringBytes + std::ssize(setting.name) + 1 +
                             static_cast<std::int64_t>(sizeof(std::uint64_t));
        }
        settings.push_back(std::move(setting));
        return true;
    }

  private:
    [[nodiscard]] std::optional<std::string> text_at(RemoteAddress address,
                                                     std::size_t most) const {
        auto text = backend_.pages().read_string(address, most);
        return text ? std::optional(std::move(*text)) : std::nullopt;
    }

    [[nodiscard]] std::int64_t bytes_of_text(RemoteAddress address) const {
        const auto text = text_at(address, kMostValueBytes);
        return text ? std::ssize(*text) + 1 : 0;
    }

    // Of its value and, where it is another one and the session's own, of the one to reset it to.
    [[nodiscard]] std::int64_t text_bytes(RemoteAddress address, bool placeholder) const {
        const RemoteAddress own = address + layout_.generic_bytes;
        const auto variable = backend_.pages().read<RemoteAddress>(own);
        const auto value = variable.and_then(
            [&](RemoteAddress place) { return backend_.pages().read<RemoteAddress>(place); });
        const auto reset = backend_.pages().read<RemoteAddress>(own + kResetValue);
        if (!value || !reset) {
            return 0;
        }
        return bytes_of_text(*value) +
               (placeholder && *reset != *value ? bytes_of_text(*reset) : 0);
    }

    [[nodiscard]] std::optional<std::vector<RemoteAddress>> hashed(
        std::span<const DynamicHash> tables) const {
        const auto table = std::ranges::find(tables, "GUC hash table", &DynamicHash::name);
        if (table == tables.end()) {
            return std::nullopt;
        }
        std::vector<RemoteAddress> variables;
        const auto walked = for_each_entry(backend_, *table, [&](RemoteAddress entry) {
            // GUCHashEntry: gucname, gucvar.
            variables.push_back(backend_.pages()
                                    .read<RemoteAddress>(entry + sizeof(std::uint64_t))
                                    .value_or(RemoteAddress{}));
        });
        return walked ? std::optional(std::move(variables)) : std::nullopt;
    }

    [[nodiscard]] std::optional<std::vector<RemoteAddress>> listed() const {
        for (const RemoteAddress place : variables_used_by(backend_, "GetNumConfigOptions")) {
            const auto count = backend_.pages().read<std::int32_t>(place);
            if (!count || *count < kLeastVariables || *count > kMostVariables) {
                continue;
            }
            for (const RemoteAddress array : variables_used_by(backend_, "get_guc_variables")) {
                const auto first = backend_.pages().read<RemoteAddress>(array);
                std::vector<RemoteAddress> variables(static_cast<std::size_t>(*count));
                const RemotePiece piece{.address = first.value_or(RemoteAddress{}),
                                        .into = std::as_writable_bytes(std::span(variables))};
                if (first && backend_.memory().gather(std::span(&piece, 1))) {
                    return variables;
                }
            }
        }
        return std::nullopt;
    }

    const StillBackend& backend_;
    SettingLayout layout_;
};

}  // namespace

std::vector<SessionSetting> read_settings(const StillBackend& backend,
                                          std::span<const DynamicHash> tables,
                                          std::vector<UnavailablePart>& unavailable) {
    const Reader reader(backend);
    const auto variables = reader.variables(tables);
    std::vector<SessionSetting> settings;
    const bool known = variables && std::ranges::all_of(*variables, [&](RemoteAddress variable) {
                           return reader.add(variable, settings);
                       });
    if (!known) {
        unavailable.push_back(
            {.part = "settings",
             .reason = variables ? "they are not as this version's" : "they were not found"});
        return {};
    }
    std::ranges::stable_sort(settings, std::ranges::greater{}, &SessionSetting::bytes);
    return settings;
}

}  // namespace palloscope
