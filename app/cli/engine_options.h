// Options that every command with an engine has.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>

#include <CLI/CLI.hpp>

#include "core/runtime/engine.h"

namespace caldera::cli {

/// Of auto, cpu or cuda.
EngineSettings::Device engineDevice(const std::string& name);

struct EngineOptions {
    std::filesystem::path artifact;
    std::string device = "auto"; ///< auto, cpu or cuda
    /// All but the device. Context 0: what the model takes, at most kDefaultContext.
    EngineSettings settings;
    bool trusted = false; ///< checksums are not compared

    static constexpr int kDefaultContext = 8192;
    void addTo(CLI::App& command);
    /// With device and context filled in.
    EngineSettings completeFor(const Artifact& artifact) const;
    /// Throws Error("artifact.*"), Error("engine.*"), Cancelled.
    std::unique_ptr<Engine> open(const std::stop_token& stop) const;
};

} // namespace caldera::cli
