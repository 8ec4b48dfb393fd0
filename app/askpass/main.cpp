// caldera-askpass QUESTION: started by ssh; asks the studio through its socket and prints the
// answer. Exit code 1 when nobody answers, which ends ssh's attempt.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

int connectTo(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path == nullptr || std::strlen(path) >= sizeof(address.sun_path)) {
        return -1;
    }
    std::strcpy(address.sun_path, path); // NOLINT(clang-analyzer-security.insecureAPI.strcpy)
    const int connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return -1;
    }
    return connection;
}

bool sendAll(int connection, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
        if (count <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<size_t>(count));
    }
    return ::shutdown(connection, SHUT_WR) == 0;
}

std::string receiveAll(int connection) {
    std::string text;
    char piece[512];
    for (ssize_t count = 1; count > 0;) {
        count = ::read(connection, piece, sizeof(piece));
        text.append(piece, static_cast<size_t>(count > 0 ? count : 0));
    }
    return text;
}

} // namespace

int main(int argc, char** argv) {
    const int connection = connectTo(std::getenv("CALDERA_ASKPASS_SOCKET"));
    if (connection < 0 || !sendAll(connection, argc > 1 ? argv[1] : "")) {
        return 1;
    }
    const std::string reply = receiveAll(connection);
    if (reply.empty()) {
        return 1;
    }
    std::printf("%s\n", reply.c_str() + 1);
    return 0;
}
