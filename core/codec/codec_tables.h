// Whether codes that an artifact holds mean here what they meant where they were made.
#pragma once

#include <map>
#include <string>

namespace caldera {

/// SHA-256 of the tables of a codec for Q or for the factors. Throws Error("codec.unknown").
std::string codecTableHash(const std::string& id);

/// Throws Error("artifact.codec-table") when a codec is unknown here or decodes with other tables.
/// `tables`: hash by codec id; `artifact`: its name, for the message.
void checkCodecTables(const std::map<std::string, std::string>& tables,
                      const std::string& artifact);

} // namespace caldera
