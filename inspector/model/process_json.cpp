#include "inspector/model/process_json.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "inspector/model/json_text.hpp"

namespace palloscope {

std::string json_string(std::string_view bytes) {
    return nlohmann::json(json_text(bytes)).dump();
}

std::string json_string_or_null(const std::optional<std::string>& bytes) {
    return bytes ? json_string(*bytes) : "null";
}

std::string process_json(const ProcessInfo& process) {
    return fmt::format(
        R"({{"pid":{},"backend_type":{},"database":{},"user":{},"application_name":{},"state":{},)"
        R"("query":{},"rss_anon_bytes":{},"rss_file_bytes":{},"rss_shmem_bytes":{}}})",
        process.pid,
        json_string(process.backend_type),
        json_string_or_null(process.database),
        json_string_or_null(process.user),
        json_string_or_null(process.application_name),
        json_string_or_null(process.state),
        json_string_or_null(process.query),
        process.rss_anon_bytes,
        process.rss_file_bytes,
        process.rss_shmem_bytes);
}

}  // namespace palloscope
