// `caldera chat` and `caldera serve` as programs: pipes in, pipes out.
#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "tests/support/tiny_model.h"

namespace caldera {
namespace {

using Json = nlohmann::json;
using test::TinyModel;

/// A running `caldera` with pipes for its standard input and output.
class Program {
public:
    explicit Program(std::vector<std::string> words) {
        std::array<int, 2> in{};
        std::array<int, 2> out{};
        EXPECT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
        words.insert(words.begin(), CALDERA_PROGRAM);
        process_ = ::fork();
        if (process_ == 0) {
            const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::dup2(nowhere, STDERR_FILENO);
            std::vector<char*> arguments;
            for (std::string& word : words) {
                arguments.push_back(word.data());
            }
            arguments.push_back(nullptr);
            ::execv(arguments.front(), arguments.data());
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        input_ = in[1];
        output_ = out[0];
    }
    ~Program() {
        closeInput();
        ::close(output_);
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
        }
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    void write(const std::string& text) const {
        EXPECT_EQ(::write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void closeInput() {
        if (input_ >= 0) {
            ::close(std::exchange(input_, -1));
        }
    }
    void signal(int number) const { ::kill(process_, number); }
    /// Up to and without the next newline, or what there is at the end.
    std::string readLine() const {
        std::string line;
        char letter = 0;
        while (::read(output_, &letter, 1) == 1 && letter != '\n') {
            line += letter;
        }
        return line;
    }
    std::string readAll() const {
        std::string text;
        std::array<char, 4096> buffer{};
        for (ssize_t count = 1; count > 0;) {
            count = ::read(output_, buffer.data(), buffer.size());
            text.append(buffer.data(), static_cast<size_t>(count > 0 ? count : 0));
        }
        return text;
    }
    int exitCode() {
        int status = 0;
        ::waitpid(std::exchange(process_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    pid_t process_ = -1;
    int input_ = -1;
    int output_ = -1;
};

class TalkTest : public testing::Test {
protected:
    std::vector<std::string> chat(std::vector<std::string> more) const {
        more.insert(more.begin(), {"chat", model_.folder().string(), "--temperature", "0",
                                   "--max-tokens", "12", "--threads", "2"});
        return more;
    }
    TinyModel model_;
};

TEST_F(TalkTest, ChatAnswersOneQuestionAsADocument) {
    Program program(chat({"--prompt", "Hello", "--json"}));
    const Json document = Json::parse(program.readAll());
    EXPECT_EQ(program.exitCode(), 0);
    EXPECT_EQ(document.at("caldera").at("generated_tokens"), 12);
    EXPECT_EQ(document.at("finish_reason"), "length");
    EXPECT_TRUE(document.at("answer").is_string());
}

TEST_F(TalkTest, ChatReadsLinesAndForgetsWhenAsked) {
    Program once(chat({"--prompt", "Hello"}));
    const std::string answer = once.readAll();
    EXPECT_EQ(once.exitCode(), 0);
    EXPECT_GT(answer.size(), 5U);

    Program program(chat({}));
    program.write("Hello\n/reset\n\nHello\n");
    program.closeInput();
    EXPECT_EQ(program.readAll(), answer + answer);
    EXPECT_EQ(program.exitCode(), 0);
}

TEST_F(TalkTest, ChatWithoutAQuestionIsNoDocument) {
    Program program(chat({"--json"}));
    const Json document = Json::parse(program.readAll());
    EXPECT_EQ(document.at("error").at("code"), "chat.json");
    EXPECT_EQ(program.exitCode(), 2);
}

TEST_F(TalkTest, ServeSaysWhereItListensAndEndsWithItsParent) {
    Program program({"serve", model_.folder().string(), "--port", "0", "--context", "99",
                     "--exit-with-parent"});
    const Json line = Json::parse(program.readLine());
    EXPECT_EQ(line.at("event"), "listening");
    EXPECT_EQ(line.at("model"), "tiny");
    EXPECT_EQ(line.at("context"), 99);
    const int port = line.at("port");
    EXPECT_EQ(line.at("url"), "http://127.0.0.1:" + std::to_string(port));
    httplib::Client client("127.0.0.1", port);
    const auto health = client.Get("/health");
    ASSERT_TRUE(health);
    EXPECT_EQ(health->status, 200);
    program.closeInput();
    EXPECT_EQ(program.exitCode(), 0);
}

TEST_F(TalkTest, ServeEndsOnASignal) {
    Program program({"serve", model_.folder().string(), "--port", "0"});
    ASSERT_EQ(Json::parse(program.readLine()).at("event"), "listening");
    program.signal(SIGTERM);
    EXPECT_EQ(program.exitCode(), 0);
}

} // namespace
} // namespace caldera
