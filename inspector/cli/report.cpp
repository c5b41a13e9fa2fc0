#include "inspector/report/report.hpp"

#include <CLI/CLI.hpp>

#include "inspector/cli/command.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/recording/reader.hpp"

namespace palloscope {

namespace {

struct ReportOptions {
    std::string file;
    std::string format = "text";
};

Result<ExitCode> run_report(const ReportOptions& options) {
    const auto history = read_history(options.file);
    if (!history) {
        return tl::unexpected(history.error());
    }
    const Diagnosis diagnosis = diagnose(*history);
    const std::string text = options.format == "json"
                                 ? report_json(diagnosis)
                                 : report_text(diagnosis, standard_output_style());
    return print(text).map([] { return ExitCode::kDone; });
}

}  // namespace

CommandAction add_report(CLI::App& app) {
    auto options = std::make_shared<ReportOptions>();
    app.add_option("FILE", options->file, "a recording, made by 'palloscope record'")->required();
    add_format(app, options->format, {"text", "json"});
    app.footer(
        "json is palloscope.report/1. A recording can be reported while it is still being "
        "written.\n\n"
        "Example:\n"
        "  palloscope report leak.palloscope\n"
        "  palloscope report leak.palloscope --format json > report.json");
    return [options] { return run_report(*options); };
}

}  // namespace palloscope
