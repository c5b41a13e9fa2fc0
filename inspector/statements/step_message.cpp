#include "inspector/statements/step_message.hpp"

#include <cstddef>
#include <limits>

#include <nlohmann/json.hpp>

#include "inspector/statements/execution_json.hpp"

namespace palloscope {

namespace {

using nlohmann::json;

constexpr std::string_view kProtocol = "palloscope.step/1";
constexpr std::size_t kMaxSession = 256;

std::optional<StepMessage> hello_from(const json& object) {
    // In place: a copy of what is nested deeply takes the stack.
    const auto pid = object.find("backend_pid");
    const auto session = object.find("session");
    if (object["hello"] != kProtocol || pid == object.end() || !pid->is_number_integer() ||
        *pid < 1 || *pid > std::numeric_limits<int>::max() || session == object.end() ||
        !session->is_string() || session->get_ref<const std::string&>().size() > kMaxSession) {
        return std::nullopt;
    }
    return StepHello{.backend_pid = pid->get<int>(), .session = session->get<std::string>()};
}

}  // namespace

std::optional<StepMessage> step_message_from(std::string_view line) {
    const json object = json::parse(line, /*cb=*/nullptr, /*allow_exceptions=*/false);
    if (object.is_object() && object.contains("hello")) {
        return hello_from(object);
    }
    return execution_from(object);
}

std::string to_line(const StepAnswer& answer, std::optional<std::int64_t> seq) {
    nlohmann::ordered_json object;
    if (seq) {
        object["seq"] = *seq;
    }
    object["snapshot"] = answer.snapshot;
    if (!answer.snapshot) {
        object["reason"] = answer.reason;
    }
    return object.dump(/*indent=*/-1,
                       /*indent_char=*/' ',
                       /*ensure_ascii=*/false,
                       json::error_handler_t::replace) +
           '\n';
}

}  // namespace palloscope
