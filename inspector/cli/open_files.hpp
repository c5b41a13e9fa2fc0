#pragma once

namespace palloscope {

// Lets this process have as many files open as its hard limit allows (RLIMIT_NOFILE, getrlimit(2)):
// recording takes some ten for each backend, and the usual soft limit of 1,024 is there for
// programs that use select(2), which nothing here does.
void allow_most_open_files();

}  // namespace palloscope
