#include "inspector/diagnosis/plan_growth.hpp"

#include <optional>

#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/explained_growth.hpp"
#include "inspector/diagnosis/series_growth.hpp"

namespace palloscope {

namespace {

// An entry of "Prepared Queries" takes 64 bytes for its name, 24 for the rest and 16 of the table's
// own (prepare.h, PreparedStatement; dynahash.c, HASHELEMENT).
constexpr double kBytesOfName = 104;

bool holds_names(std::string_view path) {
    return context_kind(path) == "Prepared Queries";
}

bool is_plan_source(std::string_view path) {
    return path.ends_with("/CachedPlanSource");
}

}  // namespace

bool is_plan_context(std::string_view path) {
    const std::string_view kind = context_kind(path);
    return kind.starts_with("CachedPlan") || kind == "SPI Plan";
}

bool is_function_context(std::string_view path) {
    return context_kind(path).starts_with("PL/");
}

PlanGrowth plan_growth(const BackendHistory& backend) {
    if (const std::optional<std::vector<GrownPart>> parts = grown_parts(backend)) {
        const auto bytes = [&](GrownPart::Kind kind) {
            return static_cast<double>(bytes_of(*parts, kind));
        };
        return {.prepared_statements = bytes(GrownPart::Kind::kPreparedStatement),
                .plans = bytes(GrownPart::Kind::kPlan),
                .functions = bytes(GrownPart::Kind::kFunction),
                .explained = true};
    }
    const double names = series_growth(backend, holds_names).bytes / kBytesOfName;
    const bool named = 2 * names > series_growth(backend, is_plan_source).contexts;
    const double plans = series_growth(backend, is_plan_context).bytes;
    return {.prepared_statements = named ? plans : 0.0,
            .plans = named ? 0.0 : plans,
            .functions = series_growth(backend, is_function_context).bytes};
}

}  // namespace palloscope
