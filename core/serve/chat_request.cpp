#include "core/serve/chat_request.h"

#include <limits>
#include <optional>
#include <random>

#include <nlohmann/json.hpp>

#include "core/base/printable.h"
#include "core/base/text.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

constexpr size_t kMostStops = 16;
constexpr int64_t kMostChatLikeliest = 20; // as OpenAI's
constexpr int64_t kMostScoreLikeliest = 100;

[[noreturn]] void refuse(const std::string& parameter, const std::string& sentence) {
    throw RequestError(parameter, sentence);
}

[[noreturn]] void refuseType(const std::string& parameter, const Json& value,
                             const std::string& needed) {
    const std::string came = value.is_number() ? value.dump() : std::string(value.type_name());
    refuse(parameter, "\"" + parameter + "\" is " + came + "; " + needed + " was needed.");
}

/// nullptr when the key is absent or null.
const Json* member(const Json& object, const std::string& key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<double> number(const Json& body, const std::string& key, double least, double most) {
    const Json* value = member(body, key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_number()) {
        refuseType(key, *value, "a number");
    }
    const auto result = value->get<double>();
    if (!(result >= least && result <= most)) {
        refuse(key, "\"" + key + "\" is " + numberText(result) + "; it must be between " +
                        numberText(least) + " and " + numberText(most) + ".");
    }
    return result;
}

std::optional<int64_t> integer(const Json& body, const std::string& key, int64_t least,
                               int64_t most) {
    const Json* value = member(body, key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_number_integer()) {
        refuseType(key, *value, "a whole number of at most 64 bits");
    }
    const bool tooLarge =
        value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(most);
    if (tooLarge || value->get<int64_t>() < least || value->get<int64_t>() > most) {
        refuse(key, "\"" + key + "\" is " + value->dump() + "; it must be between " +
                        std::to_string(least) + " and " + std::to_string(most) + ".");
    }
    return value->get<int64_t>();
}

bool flag(const Json& body, const std::string& key) {
    const Json* value = member(body, key);
    if (value != nullptr && !value->is_boolean()) {
        refuseType(key, *value, "true or false");
    }
    return value != nullptr && value->get<bool>();
}

/// A text, or OpenAI's list of parts of which only texts can be read.
std::string contentOf(const Json& message, const std::string& where) {
    const Json* content = member(message, "content");
    if (content == nullptr) {
        refuse(where, "\"" + where + "\" is missing; each message needs a text.");
    }
    if (content->is_string()) {
        return content->get<std::string>();
    }
    if (!content->is_array()) {
        refuseType(where, *content, "a text");
    }
    std::string text;
    for (const Json& part : *content) {
        const Json* partText = part.is_object() ? member(part, "text") : nullptr;
        if (partText == nullptr || !partText->is_string() || part.value("type", Json()) != "text") {
            refuse(where, "A part of \"" + where +
                              "\" is not {\"type\": \"text\", \"text\": ...}; this model reads "
                              "text only.");
        }
        text += partText->get<std::string>();
    }
    return text;
}

std::string roleOf(const Json& message, const std::string& where) {
    const Json* role = member(message, "role");
    if (role == nullptr || !role->is_string()) {
        refuse(where, "\"" + where + "\" must be a text: \"system\", \"user\" or \"assistant\".");
    }
    auto name = role->get<std::string>();
    if (name == "developer") {
        name = "system"; // OpenAI's newer word
    }
    if (name != "system" && name != "user" && name != "assistant") {
        refuse(where, "\"" + where + "\" is \"" + printable(name, 60) +
                          "\"; \"system\", \"user\" or \"assistant\" was needed.");
    }
    return name;
}

std::vector<ChatMessage> messagesOf(const Json& body) {
    const Json* messages = member(body, "messages");
    if (messages == nullptr || !messages->is_array()) {
        refuse("messages", "\"messages\" must be a list of {\"role\", \"content\"} objects.");
    }
    if (messages->empty()) {
        refuse("messages", "\"messages\" is empty; at least one message was needed.");
    }
    std::vector<ChatMessage> result;
    for (size_t i = 0; i < messages->size(); ++i) {
        const Json& message = (*messages)[i];
        const std::string where = "messages[" + std::to_string(i) + "]";
        if (!message.is_object()) {
            refuseType(where, message, "an object with \"role\" and \"content\"");
        }
        result.push_back(
            {roleOf(message, where + ".role"), contentOf(message, where + ".content")});
    }
    return result;
}

std::vector<std::string> stopsOf(const Json& body) {
    const Json* stop = member(body, "stop");
    if (stop == nullptr) {
        return {};
    }
    const Json list = stop->is_array() ? *stop : Json::array({*stop});
    std::vector<std::string> result;
    for (const Json& text : list) {
        if (!text.is_string() || text.get_ref<const std::string&>().empty()) {
            refuse("stop", "\"stop\" must be a text that is not empty, or a list of such texts.");
        }
        result.push_back(text.get<std::string>());
    }
    if (result.size() > kMostStops) {
        refuse("stop", "\"stop\" has " + std::to_string(result.size()) + " texts; at most " +
                           std::to_string(kMostStops) + " can be watched for.");
    }
    return result;
}

uint64_t drawnSeed() {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 32) | device();
}

SamplingOptions samplingOf(const Json& body) {
    constexpr int64_t kMostTokens = std::numeric_limits<int>::max();
    constexpr int64_t kMostSeed = std::numeric_limits<int64_t>::max();
    SamplingOptions sampling;
    sampling.temperature = number(body, "temperature", 0, 2).value_or(sampling.temperature);
    sampling.topP = number(body, "top_p", 0, 1).value_or(sampling.topP);
    if (sampling.topP == 0) {
        refuse("top_p", "\"top_p\" is 0; it must be above 0. For the likeliest token at each step "
                        "set \"temperature\" to 0.");
    }
    sampling.topK = static_cast<int>(integer(body, "top_k", 0, kMostTokens).value_or(0));
    sampling.minP = number(body, "min_p", 0, 1).value_or(sampling.minP);
    sampling.repetitionPenalty = number(body, "repetition_penalty", 0.1, 10).value_or(1);
    const auto most = integer(body, "max_completion_tokens", 1, kMostTokens);
    const auto mostOld = integer(body, "max_tokens", 1, kMostTokens);
    sampling.maxTokens = static_cast<int>(most.value_or(mostOld.value_or(sampling.maxTokens)));
    const auto seed = integer(body, "seed", std::numeric_limits<int64_t>::min(), kMostSeed);
    sampling.seed = seed ? static_cast<uint64_t>(*seed) : drawnSeed();
    const auto likeliest = integer(body, "top_logprobs", 0, kMostChatLikeliest);
    const bool wantsChances = flag(body, "logprobs");
    if (likeliest.value_or(0) > 0 && !wantsChances) {
        refuse("top_logprobs", "\"top_logprobs\" needs \"logprobs\": true beside it.");
    }
    sampling.likeliest = wantsChances ? static_cast<int>(likeliest.value_or(0)) : -1;
    return sampling;
}

/// What cannot be had must not be silently left out.
void refuseWhatWeLack(const Json& body) {
    if (integer(body, "n", 1, 128).value_or(1) != 1) {
        refuse("n", "\"n\" asks for several answers; one answer a request is given.");
    }
    for (const char* key : {"tools", "functions"}) {
        const Json* value = member(body, key);
        if (value != nullptr && !value->empty()) {
            refuse(key, "\"" + std::string(key) + "\" was given; this server calls no tools.");
        }
    }
    for (const char* key : {"presence_penalty", "frequency_penalty"}) {
        if (number(body, key, -2, 2).value_or(0) != 0) {
            refuse(key, "\"" + std::string(key) +
                            "\" is not 0; this server has \"repetition_penalty\" alone.");
        }
    }
    const Json* bias = member(body, "logit_bias");
    if (bias != nullptr && !bias->is_object()) {
        refuseType("logit_bias", *bias, "an object");
    }
    if (bias != nullptr && !bias->empty()) {
        refuse("logit_bias", "\"logit_bias\" was given; this server favours no tokens.");
    }
    const Json* format = member(body, "response_format");
    if (format != nullptr && (!format->is_object() || format->value("type", Json()) != "text")) {
        refuse("response_format", "\"response_format\" must be {\"type\": \"text\"}; answers are "
                                  "plain text.");
    }
    const Json* model = member(body, "model");
    if (model != nullptr && !model->is_string()) {
        refuseType("model", *model, "a text");
    }
}

std::vector<Token> tokensOf(const Json& body) {
    const Json* list = member(body, "tokens");
    if (list == nullptr) {
        return {};
    }
    std::vector<Token> tokens;
    for (const Json& token : list->is_array() ? *list : Json::array({Json()})) {
        constexpr int64_t kMost = std::numeric_limits<Token>::max();
        if (!token.is_number_integer() || token < 0 || token > kMost) {
            refuse("tokens", "\"tokens\" must be a list of token ids.");
        }
        tokens.push_back(token.get<Token>());
    }
    return tokens;
}

bool usageWanted(const Json& body) {
    const Json* options = member(body, "stream_options");
    if (options == nullptr) {
        return false;
    }
    if (!options->is_object()) {
        refuseType("stream_options", *options, "an object");
    }
    return flag(*options, "include_usage");
}

} // namespace

ChatRequest parseChatRequest(std::string_view body) {
    const Json json = parseRequestBody(body, "messages");
    ChatRequest request;
    request.messages = messagesOf(json);
    request.sampling = samplingOf(json);
    request.stop = stopsOf(json);
    request.stream = flag(json, "stream");
    request.includesUsage = usageWanted(json);
    request.continues = flag(json, "continue_final_message");
    if (request.continues && request.messages.back().role != "assistant") {
        refuse("continue_final_message",
               "\"continue_final_message\" needs a last message of the assistant.");
    }
    refuseWhatWeLack(json);
    return request;
}

ScoreRequest parseScoreRequest(std::string_view body) {
    const Json json = parseRequestBody(body, "messages\" or \"text");
    ScoreRequest request;
    request.likeliest = static_cast<int>(
        integer(json, "top_logprobs", 0, kMostScoreLikeliest).value_or(request.likeliest));
    request.stream = flag(json, "stream");
    const Json* text = member(json, "text");
    if (text != nullptr) {
        if (!text->is_string() || member(json, "messages") != nullptr) {
            refuse("text", "\"text\" must be a text, without \"messages\" beside it.");
        }
        request.text = text->get<std::string>();
        return request;
    }
    request.messages = messagesOf(json);
    request.tokens = tokensOf(json);
    if (request.tokens.empty() && request.messages.back().role != "assistant") {
        refuse("messages", "The last message must be the assistant's: it is the one that is "
                           "scored. Or give the answer's \"tokens\".");
    }
    return request;
}

std::string errorDocument(const std::string& message, const std::string& type,
                          const std::string& parameter, const std::string& code) {
    const Json document = {{"error",
                            {{"message", message},
                             {"type", type},
                             {"param", parameter.empty() ? Json() : Json(parameter)},
                             {"code", code}}}};
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace caldera
