// caldera plan solve: bits and ranks of all cells under one budget.
#pragma once

#include <functional>

#include "app/cli/command.h"

namespace caldera::cli {

/// Adds the subcommand to `plan`; `choose` is told what to run when it was typed.
void addPlanSolve(CLI::App& plan,
                  const std::function<void(std::function<void(const Invocation&)>)>& choose);

} // namespace caldera::cli
