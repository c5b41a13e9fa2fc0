#include "inspector/diagnosis/taken_memory.hpp"

#include "inspector/diagnosis/trend.hpp"

namespace palloscope {

Estimate rate_of_taking(std::span<const double> seconds,
                        std::span<const double> pages,
                        const Estimate& of_contexts) {
    const Estimate of_pages = judge_growth(seconds, pages).bytes_per_second;
    return of_pages.low > 0 && of_pages.value > of_contexts.value ? of_pages : of_contexts;
}

}  // namespace palloscope
