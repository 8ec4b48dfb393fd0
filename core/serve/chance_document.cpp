#include "core/serve/chance_document.h"

#include <algorithm>
#include <string>

#include "core/model/tokenizer.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

Json documentOf(const Tokenizer& tokenizer, Token token, float logProbability) {
    const std::string text = tokenizer.decode({&token, 1}, false);
    Json bytes = Json::array();
    for (const char byte : text) {
        bytes.push_back(static_cast<unsigned char>(byte));
    }
    // No JSON has infinity; OpenAI writes this for what cannot happen.
    constexpr float kNever = -9999.0F;
    return {{"token", text},
            {"bytes", std::move(bytes)},
            {"logprob", std::max(kNever, logProbability)},
            {"id", token}};
}

} // namespace

Json chanceDocument(const Tokenizer& tokenizer, const GeneratedToken& token) {
    Json document = documentOf(tokenizer, token.token, token.logProbability);
    document["top_logprobs"] = Json::array();
    for (const TokenChance& chance : token.likeliest) {
        document["top_logprobs"].push_back(
            documentOf(tokenizer, chance.token, chance.logProbability));
    }
    return document;
}

} // namespace caldera
