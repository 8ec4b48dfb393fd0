#include "widgets/remote/askpass.h"

#include <array>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <QCoreApplication>
#include <QFileInfo>
#include <QStandardPaths>

#include "core/base/error.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kLookEvery = 100; // ms
constexpr qsizetype kLongestQuestion = 1000;

/// $CALDERA_ASKPASS, else beside this program, else in the build's app/askpass, else on PATH.
QString findProgram() {
    const QString here = QCoreApplication::applicationDirPath();
    for (const QString& path :
         {qEnvironmentVariable("CALDERA_ASKPASS"), here + "/caldera-askpass"_L1,
          here + "/../askpass/caldera-askpass"_L1}) {
        const QFileInfo file(path);
        if (!path.isEmpty() && file.isFile() && file.isExecutable()) {
            return file.absoluteFilePath();
        }
    }
    return QStandardPaths::findExecutable(u"caldera-askpass"_s);
}

int listenAt(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return -1;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener, 4) != 0) {
        ::close(listener);
        return -1;
    }
    return listener;
}

} // namespace

Askpass::Askpass(AskPerson ask)
    : ask_(std::move(ask)), program_(findProgram()), folder_(u"/tmp/caldera-ask-XXXXXX"_s),
      socket_(folder_.filePath(u"s"_s).toStdString()) {
    listener_ = program_.isEmpty() ? -1 : listenAt(socket_);
    if (listener_ < 0) {
        throw Error("remote.askpass",
                    "The program caldera-askpass, through which ssh asks for a passphrase, was not "
                    "found beside the studio. Install it again, or use a key of the agent.");
    }
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

Askpass::~Askpass() {
    thread_.request_stop();
    thread_.join();
    ::close(listener_);
}

void Askpass::addTo(QProcessEnvironment& environment) const {
    environment.insert(u"SSH_ASKPASS"_s, program_);
    environment.insert(u"SSH_ASKPASS_REQUIRE"_s, u"force"_s);
    environment.insert(u"CALDERA_ASKPASS_SOCKET"_s, QString::fromStdString(socket_));
}

void Askpass::serve(const std::stop_token& stop) const {
    while (!stop.stop_requested()) {
        pollfd waiting{listener_, POLLIN, 0};
        if (::poll(&waiting, 1, kLookEvery) > 0) {
            const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (connection >= 0) {
                answer(connection);
                ::close(connection);
            }
        }
    }
}

/// The question ends with the asker's half of the connection. "y" before an answer tells it from
/// none.
void Askpass::answer(int connection) const {
    QByteArray question;
    std::array<char, 512> piece{};
    for (ssize_t count = 1; count > 0 && question.size() < kLongestQuestion;) {
        count = ::read(connection, piece.data(), piece.size());
        question.append(piece.data(), count > 0 ? count : 0);
    }
    const std::optional<QString> text = ask_(QString::fromUtf8(question).trimmed());
    const QByteArray reply = text ? 'y' + text->toUtf8() : QByteArray();
    for (qsizetype sent = 0; sent < reply.size();) {
        const ssize_t count = ::send(connection, reply.data() + sent,
                                     static_cast<size_t>(reply.size() - sent), MSG_NOSIGNAL);
        if (count <= 0) {
            break;
        }
        sent += count;
    }
}

} // namespace caldera::studio
