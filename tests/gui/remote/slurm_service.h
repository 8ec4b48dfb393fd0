// A job service whose host is the login node of a real cluster of one node.
#pragma once

#include <memory>

#include "tests/gui/remote/local_slurm.h"
#include "tests/gui/remote/remote_service.h"

namespace caldera::studio {

class SlurmServiceTest : public RemoteServiceTest {
protected:
    static void SetUpTestSuite() { slurm_ = std::make_unique<LocalSlurm>(); }
    static void TearDownTestSuite() { slurm_.reset(); }
    explicit SlurmServiceTest(int patience)
        : RemoteServiceTest(patience, {"SLURM_CONF=" + slurm_->config().toUtf8()}) {}

    static inline std::unique_ptr<LocalSlurm> slurm_;
};

} // namespace caldera::studio
