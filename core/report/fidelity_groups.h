// /fidelity and /fidelity_details of a report file. The caller holds the process-wide lock.
#pragma once

#include <cstdint>

#include <hdf5.h>

#include "core/report/report.h"

namespace caldera {

/// Throws hdf5::Failure, Error("report.name"), Error("report.layer") for layers that the report
/// does not have.
void writeFidelity(hid_t file, const Report& report);

/// Fills report.fidelity; report.layerCount is read already. `limit`: bytes of the file. Throws
/// hdf5::Failure for what is damaged; a file from before there were details has none.
void readFidelity(hid_t file, uint64_t limit, Report& report);

} // namespace caldera
