#include "inspector/report/harmless_text.hpp"

#include <map>
#include <string_view>

#include <fmt/format.h>

#include "inspector/diagnosis/readable.hpp"
#include "inspector/model/pid_list.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/wrapped_text.hpp"

namespace palloscope {

namespace {

struct Kind {
    const Cause* largest = nullptr;
    std::vector<int> pids;
};

std::map<std::string_view, Kind> kinds_in(const std::vector<BackendDiagnosis>& backends) {
    std::map<std::string_view, Kind> kinds;
    for (const BackendDiagnosis& backend : backends) {
        for (const Cause& cause : backend.harmless) {
            Kind& kind = kinds[cause.id];
            kind.pids.push_back(backend.process.pid);
            if (kind.largest == nullptr || cause.bytes > kind.largest->bytes) {
                kind.largest = &cause;
            }
        }
    }
    return kinds;
}

}  // namespace

std::string harmless_text(const std::vector<BackendDiagnosis>& backends,
                          int columns,
                          const TextStyle& style) {
    std::string text;
    const auto paragraph = [&](std::string_view content, std::string_view first) {
        text += wrapped_text(clean_line(content), first, columns, style);
    };
    for (const auto& [id, kind] : kinds_in(backends)) {
        text += '\n';
        paragraph(fmt::format("{}, and no leak: {}, {} (backend{} {}).",
                              id,
                              kind.largest->title,
                              readable_bytes(static_cast<double>(kind.largest->bytes)),
                              kind.pids.size() == 1 ? "" : "s",
                              pid_list(kind.pids)),
                  "");
        for (const auto* const sentences : {&kind.largest->evidence, &kind.largest->remedies}) {
            for (const std::string& sentence : *sentences) {
                paragraph(sentence, "- ");
            }
        }
    }
    return text;
}

}  // namespace palloscope
