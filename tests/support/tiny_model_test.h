// Tests that share one small random model, since making it takes most of their time.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/tiny_model.h"

namespace caldera::test {

class TinyModelTest : public testing::Test {
protected:
    static void SetUpTestSuite() { model_ = new TinyModel(); }
    static void TearDownTestSuite() {
        delete model_;
        model_ = nullptr;
    }
    static inline TinyModel* model_ = nullptr;
};

} // namespace caldera::test
