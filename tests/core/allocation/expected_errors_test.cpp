#include "core/allocation/expected_errors.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/core/allocation/allocation_samples.h"
#include "tests/support/code_of.h"

namespace caldera {
namespace {

std::map<Cell, ExpectedError> expectedOf(const Plan& plan) {
    const ModelConfig config = layeredConfig(3);
    const Report report = plausibleReport(config, 1);
    return expectedErrors(PlanCells(plan, config), LossModel(report, config));
}

Plan somePlan() {
    Plan plan = defaultPlan("model", layeredConfig(3));
    plan.skipLayers = {"model.layers.1.*"};
    return plan;
}

TEST(ExpectedErrors, EveryCompressedCellHasARangeAroundWhatIsPredicted) {
    const auto expected = expectedOf(somePlan());
    EXPECT_EQ(expected.size(), 14U);
    for (const auto& [cell, error] : expected) {
        EXPECT_NE(cell.layer, 1);
        EXPECT_LT(error.low, error.relativeError);
        EXPECT_GT(error.high, error.relativeError);
        EXPECT_TRUE(error.holds(error.relativeError));
        EXPECT_FALSE(error.holds(1.6 * error.relativeError));
        EXPECT_FALSE(error.holds(0.4 * error.relativeError));
    }
}

TEST(ExpectedErrors, WhatWasNotMeasuredIsLessSure) {
    Plan plan = somePlan();
    const auto measured = expectedOf(plan);
    plan.defaults.bits = 1; // fewer than any option
    const auto guessed = expectedOf(plan);
    const Cell cell{0, Module::UpProj};
    EXPECT_EQ(guessed.at(cell).origin, ErrorOrigin::Extrapolated);
    EXPECT_GT(guessed.at(cell).high / guessed.at(cell).relativeError,
              measured.at(cell).high / measured.at(cell).relativeError);
}

TEST(ExpectedErrors, AreReadBackAsTheyWereWritten) {
    const auto expected = expectedOf(somePlan());
    const auto again = parseExpected(expectedText(expected), "expected.json");
    ASSERT_EQ(again.size(), expected.size());
    for (const auto& [cell, error] : expected) {
        EXPECT_EQ(again.at(cell).relativeError, error.relativeError);
        EXPECT_EQ(again.at(cell).low, error.low);
        EXPECT_EQ(again.at(cell).high, error.high);
        EXPECT_EQ(again.at(cell).origin, error.origin);
    }
}

TEST(ExpectedErrors, DamagedFilesAreRefused) {
    const auto code = [](const std::string& text) {
        return test::codeOf([&] { parseExpected(text, "expected.json"); });
    };
    EXPECT_EQ(code("{"), "job.expected");
    EXPECT_EQ(code("[]"), "job.expected");
    EXPECT_EQ(code(R"({"format": "caldera-expected/2", "cells": {}})"), "job.newer");
    EXPECT_EQ(code(R"({"format": "caldera-expected/1",
                       "cells": {"model.layers.0.mlp.up_proj": 3}})"),
              "job.expected");
}

} // namespace
} // namespace caldera
