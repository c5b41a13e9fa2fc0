#include "inspector/diagnosis/plan_growth.hpp"

#include <algorithm>
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

// How many more statements are prepared, by the table of their names. Where it comes into being,
// that takes as much as a hundred names, most of it room for the first ones.
double named_statements(const BackendHistory& backend) {
    constexpr double kNewTableBytes = 8000;
    double names = 0;
    for (const ContextSeries& series : backend.contexts) {
        if (holds_names(series.path) && !series.figures.empty()) {
            const auto first = static_cast<double>(series.figures.front().used_bytes);
            const auto last = static_cast<double>(series.figures.back().used_bytes);
            const bool is_new = first == 0 && last > 0;
            names += std::max(last - first - (is_new ? kNewTableBytes : 0), 0.0) / kBytesOfName;
        }
    }
    return names;
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
    const std::string_view kind = context_kind(path);
    return kind.starts_with("PL/") || kind == "SQL function";  // functions.c, from 18 on
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
    const double names = named_statements(backend);
    const bool named = 2 * names > series_growth(backend, is_plan_source).contexts;
    const double plans = series_growth(backend, is_plan_context).bytes;
    return {.prepared_statements = named ? plans : 0.0,
            .plans = named ? 0.0 : plans,
            .functions = series_growth(backend, is_function_context).bytes};
}

}  // namespace palloscope
