// /evaluation of a report file. The caller holds the process-wide lock.
#pragma once

#include <cstdint>

#include <hdf5.h>

#include "core/report/report.h"

namespace caldera {

/// Throws hdf5::Failure, Error("report.name").
void writeEvaluations(hid_t file, const Report& report);

/// Fills report.evaluations. `limit`: bytes of the file. Throws hdf5::Failure for what is damaged.
void readEvaluations(hid_t file, uint64_t limit, Report& report);

} // namespace caldera
