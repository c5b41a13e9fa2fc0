#include <CLI/CLI.hpp>

#include "inspector/cli/command.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/recording/reader.hpp"
#include "inspector/report/snapshot_json.hpp"

namespace palloscope {

namespace {

struct ExportOptions {
    std::string file;
    std::string format;
};

Result<ExitCode> run_export(const ExportOptions& options) {
    const auto notes = for_each_snapshot(options.file, [](const Snapshot& snapshot) {
        return print(snapshot_json(snapshot) + '\n');
    });
    if (!notes) {
        return tl::unexpected(notes.error());
    }
    for (const std::string& note : *notes) {
        print_note(note);
    }
    return ExitCode::kDone;
}

}  // namespace

CommandAction add_export(CLI::App& app) {
    auto options = std::make_shared<ExportOptions>();
    app.add_option("FILE", options->file, "a recording, made by 'palloscope record'")->required();
    app.add_option("--to", options->format, "snapshots: one palloscope.snapshot/1 object a line")
        ->required()
        ->check(CLI::IsMember({"snapshots"}));
    app.footer(
        "Example:\n"
        "  palloscope export leak.palloscope --to snapshots | jq '.grand_total.used_bytes'");
    return [options] { return run_export(*options); };
}

}  // namespace palloscope
