// Where `compress` and `merge` write to, and what they say at their end.
#pragma once

#include <filesystem>

#include "app/cli/command.h"
#include "core/compress/compress.h"

namespace caldera::cli {

/// `given`, or the job's out/. Throws UsageError("usage") when there is neither.
std::filesystem::path outFolder(const std::filesystem::path& given, const Invocation& invocation);

/// Text or JSON on stdout, as the command line asks.
void printResult(const CompressResult& result, const std::filesystem::path& out,
                 const Invocation& invocation);

} // namespace caldera::cli
