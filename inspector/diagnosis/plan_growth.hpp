#pragma once

#include <string_view>

#include "inspector/diagnosis/cause_rule.hpp"

namespace palloscope {

// Contexts of statements and plans that are kept (plancache.c): "CachedPlanSource", "CachedPlan".
[[nodiscard]] bool is_plan_context(std::string_view path);

// Contexts of functions that procedural languages have compiled: "PL/pgSQL function".
[[nodiscard]] bool is_function_context(std::string_view path);

// What of a backend's growth is compiled or planned, in bytes.
struct PlanGrowth {
    // By name: PREPARE, or the protocol's Parse.
    double prepared_statements = 0;
    // Of functions and SPI.
    double plans = 0;
    double functions = 0;
    // Whether explanations say so. Else it is told by the contexts: the names of prepared
    // statements lie in a hash table of their own, "Prepared Queries" (prepare.c), and plans belong
    // to them where it grows as their number does.
    bool explained = false;
};

[[nodiscard]] PlanGrowth plan_growth(const BackendHistory& backend);

}  // namespace palloscope
