// Compares what two measurements of fidelity found.
#pragma once

#include <gtest/gtest.h>

#include "core/report/report.h"

namespace caldera::test {

/// Every number of the metrics and the cells' spectra, to the last bit.
inline void expectSameFidelity(const Report& a, const Report& b) {
    ASSERT_EQ(a.fidelity.size(), b.fidelity.size());
    for (size_t i = 0; i < a.fidelity.size(); ++i) {
        const FidelityMetric& first = a.fidelity[i];
        const FidelityMetric& second = b.fidelity[i];
        EXPECT_EQ(first.name, second.name);
        EXPECT_EQ(first.values, second.values) << first.name;
        EXPECT_EQ(first.options, second.options) << first.name;
        EXPECT_EQ(first.errorLevels, second.errorLevels) << first.name;
        EXPECT_EQ(first.settings, second.settings) << first.name;
        EXPECT_EQ(first.tables, second.tables) << first.name;
        EXPECT_EQ(first.details, second.details) << first.name;
        EXPECT_EQ(first.layers, second.layers) << first.name;
        EXPECT_EQ(first.numbers, second.numbers) << first.name;
    }
    ASSERT_EQ(a.cells.size(), b.cells.size());
    for (const auto& [cell, report] : a.cells) {
        EXPECT_EQ(report.hessianSingularValues, b.cells.at(cell).hessianSingularValues);
        EXPECT_EQ(report.relativeError, b.cells.at(cell).relativeError);
    }
}

} // namespace caldera::test
