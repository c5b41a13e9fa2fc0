#include "inspector/backend/kept_statements.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "attach/proc.hpp"
#include "inspector/backend/chunk_header.hpp"
#include "inspector/backend/layout_of_version.hpp"
#include "inspector/backend/plan_source_layout.hpp"
#include "inspector/backend/timestamp_tz.hpp"
#include "inspector/statements/form.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kNameBytes = 64;  // NAMEDATALEN
constexpr std::size_t kMaxQueryBytes = std::size_t{1} << 16;
constexpr std::size_t kMaxSignatureBytes = 4096;
// Between 1970 and 2000, where a TimestampTz begins (datatype/timestamp.h, POSTGRES_EPOCH_JDATE).
// PortalHashEnt (portalmem.c): portalname, portal. PortalData (utils/portal.h): name,
// prepStmtName, portalContext.
constexpr Offset kPortal = 64;
constexpr Offset kPortalContext = 16;
constexpr Offset kPortalBytes = 256;

struct PlanSource {
    std::size_t context = 0;
    RemoteAddress query;  // its text: a form is made of it only where it is shown
    RemoteAddress parser_setup;
    bool generic = false;
    std::int64_t bytes = 0;
    std::int64_t used_bytes = 0;
};

template <typename Kept>
void sort_by_bytes(std::vector<Kept>& kept) {
    std::ranges::stable_sort(kept, std::ranges::greater{}, &Kept::bytes);
}

class Reader {
  public:
    Reader(const StillBackend& backend,
           std::span<const DynamicHash> tables,
           Literals literals,
           std::vector<UnavailablePart>& unavailable)
        : backend_(backend),
          tables_(tables),
          literals_(literals),
          unavailable_(unavailable),
          layout_(layout_of_version(kPlanSourceLayouts, backend.version())
                      .value_or(kPlanSourceLayouts.front())),
          is_prepared_(backend.tree().contexts.size()) {}

    KeptStatements read() {
        KeptStatements kept;
        kept.prepared = prepared_statements();
        kept.plans = plans();
        kept.portals = portals();
        kept.functions = functions();
        return kept;
    }

  private:
    template <typename Visit>
    void for_each(std::string_view table_name, std::string_view part, Visit visit) {
        for_each_entry_of(backend_, tables_, table_name, part, visit, unavailable_);
    }

    [[nodiscard]] std::string text_of(RemoteAddress query) const {
        auto text = backend_.pages().read_string(query, kMaxQueryBytes);
        if (!text) {
            return {};
        }
        return literals_ == Literals::kShown ? std::move(*text) : statement_form(*text).text;
    }

    [[nodiscard]] std::optional<PlanSource> source_at(RemoteAddress address) const {
        const auto bytes = backend_.pages().read<std::array<std::byte, kSourceBytes>>(address);
        if (!bytes || value_at<std::int32_t>(bytes->data(), 0) != kSourceMagic) {
            return std::nullopt;
        }
        const auto context = backend_.context_at(pointer_at(bytes->data(), layout_.context));
        if (!context) {
            return std::nullopt;
        }
        PlanSource source{.context = *context,
                          .query = pointer_at(bytes->data(), layout_.query_string),
                          .parser_setup = pointer_at(bytes->data(), layout_.parser_setup),
                          .bytes = backend_.subtree_bytes(*context),
                          .used_bytes = backend_.subtree_used_bytes(*context)};
        // Its generic plan has a context beside its own.
        const RemoteAddress gplan = pointer_at(bytes->data(), layout_.gplan);
        if (gplan.is_null()) {
            return source;
        }
        const auto plan = backend_.pages().read<std::array<std::byte, kPlanBytes>>(gplan);
        if (plan && value_at<std::int32_t>(plan->data(), 0) == kPlanMagic) {
            source.generic = true;
            if (const auto own = backend_.context_at(pointer_at(plan->data(), kPlanContext))) {
                source.bytes += backend_.subtree_bytes(*own);
                source.used_bytes += backend_.subtree_used_bytes(*own);
            }
        }
        return source;
    }

    std::vector<PreparedStatement> prepared_statements() {
        std::vector<PreparedStatement> prepared;
        for_each("Prepared Queries", "prepared statements", [&](RemoteAddress entry) {
            const auto bytes = backend_.pages().read<std::array<std::byte, kPreparedBytes>>(entry);
            auto name = backend_.pages().read_string(entry, kNameBytes);
            const auto source =
                bytes ? source_at(pointer_at(bytes->data(), kPreparedSource)) : std::nullopt;
            if (!name || !source) {
                unavailable_.push_back({.part = "prepared statement",
                                        .reason = "its plan source is not this version's"});
                return;
            }
            is_prepared_[source->context] = true;
            prepared.push_back(
                {.name = std::move(*name),
                 .query = text_of(source->query),
                 .from_sql = value_at<std::uint8_t>(bytes->data(), kPreparedFromSql) != 0,
                 .prepared_at_ns = unix_ns_of(value_at<std::int64_t>(bytes->data(), kPreparedTime)),
                 .generic = source->generic,
                 .bytes = source->bytes,
                 .used_bytes = source->used_bytes});
        });
        sort_by_bytes(prepared);
        return prepared;
    }

    // Whose parser reads the statements: the library that its function lies in, since the server's
    // own that have one are functions in SQL.
    [[nodiscard]] std::string owner_of(RemoteAddress parser_setup) {
        if (parser_setup.is_null()) {
            return "spi";
        }
        if (!mappings_) {
            mappings_ = read_maps(backend_.backend().pid()).value_or(std::vector<Mapping>{});
        }
        const auto mapping = std::ranges::find_if(*mappings_, [&](const Mapping& candidate) {
            return candidate.start <= parser_setup && parser_setup < candidate.end;
        });
        if (mapping == mappings_->end()) {
            return "spi";
        }
        const std::string name = mapping->path.substr(mapping->path.rfind('/') + 1);
        return name.ends_with(".so") ? name.substr(0, name.size() - 3) : "sql";
    }

    std::vector<KeptPlan> plans() {
        std::vector<KeptPlan> plans;
        const std::vector<MemoryContext>& contexts = backend_.tree().contexts;
        for (std::size_t i = 0; i < contexts.size(); ++i) {
            if (contexts[i].name != "CachedPlanSource" || is_prepared_[i]) {
                continue;
            }
            // The source is the first chunk of its context (CreateCachedPlan).
            std::optional<PlanSource> source;
            for (const ContextBlock& block : backend_.blocks_of(i)) {
                const RemoteAddress first = block.begin + AllocBlockLayout{}.header_bytes +
                                            backend_.layout().chunk.header_bytes;
                source = source ? source : source_at(first);
            }
            if (!source) {
                ++unlike_plans_;
            } else if (source->context == i) {
                plans.push_back({.query = text_of(source->query),
                                 .owner = owner_of(source->parser_setup),
                                 .generic = source->generic,
                                 .bytes = source->bytes});
            }
        }
        if (unlike_plans_ > 0) {
            unavailable_.push_back(
                {.part = "cached plans",
                 .reason = std::to_string(unlike_plans_) + " are not as this version's"});
        }
        sort_by_bytes(plans);
        return plans;
    }

    std::vector<OpenPortal> portals() {
        std::vector<OpenPortal> portals;
        for_each("Portal hash", "portals", [&](RemoteAddress entry) {
            auto name = backend_.pages().read_string(entry, kNameBytes);
            const auto address = backend_.pages().read<RemoteAddress>(entry + kPortal);
            const auto portal = address.and_then([&](RemoteAddress at) {
                return backend_.pages().read<std::array<std::byte, kPortalBytes>>(at);
            });
            const auto context =
                portal ? backend_.context_at(pointer_at(portal->data(), kPortalContext))
                       : std::nullopt;
            if (!name || !context) {
                unavailable_.push_back({.part = "portal", .reason = "it is not this version's"});
                return;
            }
            OpenPortal open{.name = std::move(*name), .bytes = backend_.subtree_bytes(*context)};
            // Its rows lie in a context of their own, which it points to (holdContext).
            for (Offset at = 0; at + sizeof(std::uint64_t) <= kPortalBytes;
                 at += sizeof(std::uint64_t)) {
                const auto other = backend_.context_at(pointer_at(portal->data(), at));
                if (other && backend_.tree().contexts[*other].name == "PortalHoldContext") {
                    open.held = true;
                    open.bytes += backend_.subtree_bytes(*other);
                    break;
                }
            }
            portals.push_back(std::move(open));
        });
        sort_by_bytes(portals);
        return portals;
    }

    std::vector<CompiledFunction> functions() {
        std::vector<CompiledFunction> functions;
        const std::vector<MemoryContext>& contexts = backend_.tree().contexts;
        for (std::size_t i = 0; i < contexts.size(); ++i) {
            if (contexts[i].name == "PL/pgSQL function") {
                auto signature =
                    backend_.pages().read_string(backend_.ident_pointer(i), kMaxSignatureBytes);
                functions.push_back(
                    {.signature = signature.value_or(""), .bytes = backend_.subtree_bytes(i)});
            }
        }
        if (backend_.layout().context.ident) {
            sort_by_bytes(functions);
            return functions;
        }
        // Up to 10 the signature stands in the function itself, which the hash table knows.
        constexpr std::string_view kTable = "PLpgSQL function cache";
        const auto table = std::ranges::find(tables_, kTable, &DynamicHash::name);
        const Offset function_at =
            table == tables_.end() ? 0 : static_cast<Offset>((table->key_bytes + 7) / 8 * 8);
        for_each(kTable, "functions", [&](RemoteAddress entry) {
            const auto function = backend_.pages().read<RemoteAddress>(entry + function_at);
            if (function) {
                functions.push_back(old_function(*function));
            }
        });
        sort_by_bytes(functions);
        return functions;
    }

    // PLpgSQL_function (plpgsql.h): fn_signature first, and somewhere fn_cxt.
    [[nodiscard]] CompiledFunction old_function(RemoteAddress address) const {
        constexpr std::size_t kWords = 64;
        const auto words = backend_.pages().read<std::array<std::uint64_t, kWords>>(address);
        CompiledFunction function;
        if (!words) {
            return function;
        }
        function.signature =
            backend_.pages().read_string({words->front()}, kMaxSignatureBytes).value_or("");
        for (const std::uint64_t word : *words) {
            const auto context = backend_.context_at({word});
            if (context && backend_.tree().contexts[*context].name == "PL/pgSQL function context") {
                function.bytes = backend_.subtree_bytes(*context);
            }
        }
        return function;
    }

    const StillBackend& backend_;
    std::span<const DynamicHash> tables_;
    Literals literals_;
    std::vector<UnavailablePart>& unavailable_;
    PlanSourceLayout layout_;
    std::vector<bool> is_prepared_;  // by context: the plan source in it is a prepared statement's
    std::size_t unlike_plans_ = 0;
    std::optional<std::vector<Mapping>> mappings_;
};

}  // namespace

KeptStatements read_kept_statements(const StillBackend& backend,
                                    std::span<const DynamicHash> tables,
                                    Literals literals,
                                    std::vector<UnavailablePart>& unavailable) {
    return Reader(backend, tables, literals, unavailable).read();
}

}  // namespace palloscope
