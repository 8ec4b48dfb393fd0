// What a plan is expected to leave of each cell, so that a compression shows where it surprises.
#pragma once

#include <map>
#include <string>

#include "core/allocation/loss_model.h"

namespace caldera {

/// A relative error that was predicted from measurements, and between what it is expected to end.
struct ExpectedError {
    double relativeError = 0;
    double low = 0;
    double high = 0;
    ErrorOrigin origin = ErrorOrigin::Measured;

    bool holds(double reached) const { return reached >= low && reached <= high; }
};

/// The cells that are compressed and whose error the model's measurements say. How wide a range is
/// comes from what compression reached over what was predicted (docs/experiments/fidelity.md).
std::map<Cell, ExpectedError> expectedErrors(const PlanCells& cells, const LossModel& model);

/// The text of expected.json in a job's folder (docs/formats/job.md), and back. Throws
/// Error("job.expected", "job.newer") naming `origin`.
std::string expectedText(const std::map<Cell, ExpectedError>& expected);
std::map<Cell, ExpectedError> parseExpected(const std::string& text, const std::string& origin);

} // namespace caldera
