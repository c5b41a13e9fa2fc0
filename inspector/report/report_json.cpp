#include <cmath>

#include <nlohmann/json.hpp>

#include "inspector/model/history.hpp"
#include "inspector/model/json_text.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/report/report.hpp"

namespace palloscope {

namespace {

using Json = nlohmann::ordered_json;

double finite(double value) {
    return std::isfinite(value) ? value : 0.0;
}

Json texts(const std::vector<std::string>& sentences) {
    Json array = Json::array();
    for (const std::string& sentence : sentences) {
        array.push_back(json_text(sentence));
    }
    return array;
}

Json growth_object(const Growth& growth) {
    return {{"bytes", growth.bytes},
            {"bytes_per_second", finite(growth.bytes_per_second.value)},
            {"low", finite(growth.bytes_per_second.low)},
            {"high", finite(growth.bytes_per_second.high)},
            {"judged_on", to_string(growth.judged_on)},
            {"quiet_seconds", finite(growth.quiet_seconds)},
            {"rest_seconds", finite(growth.rest_seconds)},
            {"significant", growth.significant()}};
}

Json statement_object(const AttributedStatement& statement) {
    return {{"fingerprint", json_text(statement.fingerprint)},
            {"query", json_text(statement.query)},
            {"calls", statement.calls},
            {"bytes_per_call", finite(statement.bytes_per_call.value)},
            {"low", finite(statement.bytes_per_call.low)},
            {"high", finite(statement.bytes_per_call.high)},
            {"group", statement.group ? Json(*statement.group) : Json(nullptr)}};
}

Json cause_object(const Cause& cause) {
    Json contexts = Json::array();
    for (const ContextGrowth& context : cause.contexts) {
        contexts.push_back({{"path", json_text(context.path)}, {"bytes", context.bytes}});
    }
    Json statements = Json::array();
    for (const AttributedStatement& statement : cause.statements) {
        statements.push_back(statement_object(statement));
    }
    return {{"id", cause.id},
            {"title", json_text(cause.title)},
            {"confidence", finite(cause.confidence)},
            {"bytes", cause.bytes},
            {"share", finite(cause.share)},
            {"contexts", contexts},
            {"statements", statements},
            {"evidence", texts(cause.evidence)},
            {"remedies", texts(cause.remedies)}};
}

Json cause_objects(const std::vector<Cause>& causes) {
    Json array = Json::array();
    for (const Cause& cause : causes) {
        array.push_back(cause_object(cause));
    }
    return array;
}

Json forecast_object(const Forecast& forecast) {
    return {{"limit_bytes", forecast.limit_bytes},
            {"left_bytes", forecast.left_bytes},
            {"seconds", finite(forecast.seconds.value)},
            {"low", finite(forecast.seconds.low)},
            {"high", finite(forecast.seconds.high)},
            {"at", forecast.at_ns ? Json(iso_time_text(*forecast.at_ns)) : Json(nullptr)},
            {"backends", forecast.backends}};
}

Json ending_object(const Ending& ending) {
    const auto& foresight = ending.foresight;
    return {{"reason", kKilledForMemory},
            {"last_snapshot_at", iso_time_text(ending.last_snapshot_ns)},
            {"foresight",
             foresight ? Json{{"at", iso_time_text(foresight->at_ns)},
                              {"seconds", finite(foresight->seconds.value)},
                              {"low", finite(foresight->seconds.low)},
                              {"high", finite(foresight->seconds.high)}}
                       : Json(nullptr)}};
}

Json backend_object(const BackendDiagnosis& backend) {
    return {{"pid", backend.process.pid},
            {"server_version_num", backend.server_version_num},
            {"growth", growth_object(backend.growth)},
            {"causes", cause_objects(backend.causes)},
            {"unexplained_bytes", backend.unexplained_bytes},
            {"harmless", cause_objects(backend.harmless)},
            {"forecast", backend.forecast ? forecast_object(*backend.forecast) : Json(nullptr)},
            {"ending", backend.ending ? ending_object(*backend.ending) : Json(nullptr)},
            {"notes", texts(backend.notes)}};
}

}  // namespace

std::string report_json(const Diagnosis& diagnosis) {
    Json backends = Json::array();
    for (const BackendDiagnosis& backend : diagnosis.backends) {
        backends.push_back(backend_object(backend));
    }
    const Json report{{"schema", "palloscope.report/1"},
                      {"backends", backends},
                      {"notes", texts(diagnosis.notes)}};
    return report.dump(/*indent=*/2) + '\n';
}

}  // namespace palloscope
