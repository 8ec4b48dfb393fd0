#include "core/codec/codec_tables.h"

#include <span>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/codec/codec.h"
#include "core/model/codec_facts.h"

namespace caldera {

std::string codecTableHash(const std::string& id) {
    for (const CodecFacts& facts : codecFacts()) {
        if (facts.id == id) {
            return makeCodec(id)->tableHash();
        }
    }
    return sha256Hex(std::as_bytes(makeFactorCodec(id)->levels()));
}

void checkCodecTables(const std::map<std::string, std::string>& tables,
                      const std::string& artifact) {
    const auto refuse = [&](const std::string& id, const std::string& reason) {
        throw Error("artifact.codec-table",
                    artifact + " is stored with the codec " + id + ", " + reason +
                        ", so its weights would come out wrong. Use the version that wrote it, or "
                        "compress the model again.",
                    {{"artifact", artifact}, {"codec", id}});
    };
    for (const auto& [id, hash] : tables) {
        std::string ours;
        try {
            ours = codecTableHash(id);
        } catch (const Error&) {
            refuse(id, "which this version does not know");
        }
        if (ours != hash) {
            refuse(id, "whose tables are others in this version");
        }
    }
}

} // namespace caldera
