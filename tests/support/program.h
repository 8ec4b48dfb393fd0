// `caldera` as a program of its own, for tests that meet it as a person or a script does.
#pragma once

#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace caldera::test {

/// A running `caldera` with pipes for its standard input and output; what it says on stderr is
/// thrown away. Killed at the end unless its exit code was asked for.
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
            arguments.reserve(words.size() + 1);
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
            kill();
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
    void kill() {
        ::kill(process_, SIGKILL);
        ::waitpid(std::exchange(process_, -1), nullptr, 0);
    }
    pid_t id() const { return process_; }
    void signal(int number) const { ::kill(process_, number); }
    /// Whether it has not ended; leaves the exit code to be asked for.
    bool running() const {
        siginfo_t ended{};
        return process_ > 0 &&
               ::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) ==
                   0 &&
               ended.si_pid == 0;
    }
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
    /// Waits for the end; -1 when a signal ended it.
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

} // namespace caldera::test
