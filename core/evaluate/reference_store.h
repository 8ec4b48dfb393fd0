// What a reference predicts for a text, kept in a folder: it is run once, and every compressed
// model is compared with what was kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/evaluate/kept_rows.h"

namespace caldera {

/// Everything that kept predictions depend on.
struct ReferenceFacts {
    std::string name;        ///< of the model, to be shown
    std::string fingerprint; ///< of the model
    std::string text;        ///< SHA-256 of the tokens
    int contextLength = 0;
    int64_t predicted = 0;
    int vocabulary = 0;
    KeepSettings keep;

    /// SHA-256 over all but the name.
    std::string key() const;
};

/// One folder: reference.json with the facts, and a file for each window of the text
/// (docs/formats/reference.md). A window whose file is missing, cut short or damaged is not there.
class ReferenceStore {
public:
    /// root/<begin of the key>; written when it is missing. Throws Error("file.*").
    static ReferenceStore create(const std::filesystem::path& root, const ReferenceFacts& facts);
    /// Throws Error("reference.missing") for a folder that holds none, Error("reference.corrupt"),
    /// Error("reference.newer").
    static ReferenceStore open(const std::filesystem::path& folder);

    const ReferenceFacts& facts() const { return facts_; }
    const std::filesystem::path& folder() const { return folder_; }
    /// For the states of a run that is not over.
    std::filesystem::path hiddenFolder() const { return folder_ / "hidden"; }

    std::optional<KeptRows> load(int64_t window, int64_t rows) const;
    void save(int64_t window, const KeptRows& rows) const;

private:
    ReferenceStore(std::filesystem::path folder, ReferenceFacts facts);
    std::filesystem::path fileOf(int64_t window) const;

    std::filesystem::path folder_;
    ReferenceFacts facts_;
};

/// Whether `folder` is one that create() made.
bool isReferenceStore(const std::filesystem::path& folder);

} // namespace caldera
