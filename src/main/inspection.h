// The parts of `wherry inspect`: each adds files to the archive, with secrets taken out (redaction.h). What can't be
// had is said in its place: a report of a broken machine must not fail for what is broken.
#pragma once

#include <string>

#include "main/report_archive.h"
#include "main/server_options.h"

namespace wherry::main {

// objects/<resource>.json: all of them, from the API; when that does not answer, from a copy of the database.
void addObjects(const ServerOptions& options, ReportArchive& archive);

// status.json and check.json.
void addStatus(const ServerOptions& options, ReportArchive& archive);

// network/, mounts, cgroups, versions, disk.
void addMachine(const ServerOptions& options, ReportArchive& archive);

// logs/: the ends of the server's log and of the pods' logs.
void addLogs(const ServerOptions& options, ReportArchive& archive);

}  // namespace wherry::main
