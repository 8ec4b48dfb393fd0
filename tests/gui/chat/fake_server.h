// A chat server that sends exactly the bytes a test wants, cut where it wants.
#pragma once

#include <QElapsedTimer>
#include <QHash>
#include <QHostAddress>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QList>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTimer>
#include <QUrl>

namespace caldera::studio {

inline constexpr const char* kStreamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                           "Connection: close\r\n\r\n";

class FakeServer {
public:
    FakeServer() {
        server_.listen(QHostAddress::LocalHost);
        QObject::connect(&server_, &QTcpServer::newConnection, &server_, [this] { accept(); });
    }

    QUrl url() const {
        QUrl url;
        url.setScheme(QStringLiteral("http"));
        url.setHost(QStringLiteral("127.0.0.1"));
        url.setPort(server_.serverPort());
        return url;
    }
    /// Sends these pieces, one each turn of the event loop, then closes unless it holds.
    void play(const QList<QByteArray>& pieces, bool hold = false) {
        pieces_ = pieces;
        hold_ = hold;
    }
    /// Milliseconds between two pieces on average, whoever else needs the processor; 0: one each
    /// turn of the event loop.
    void setPace(int milliseconds) { pace_ = milliseconds; }
    /// The same for requests to one path alone.
    void playOn(const QByteArray& path, const QList<QByteArray>& pieces) { byPath_[path] = pieces; }
    /// Bodies of the requests so far.
    const QList<QJsonObject>& requests() const { return requests_; }
    int clientsGone() const { return gone_; }
    /// Everything before the body of the last request.
    const QByteArray& lastHead() const { return head_; }

    static QByteArray event(const QJsonObject& json) {
        return "data: " + QJsonDocument(json).toJson(QJsonDocument::Compact) + "\n\n";
    }
    static QByteArray token(const QString& text) {
        const QJsonObject delta{{QStringLiteral("content"), text}};
        return event({{QStringLiteral("choices"),
                       QJsonArray{QJsonObject{{QStringLiteral("delta"), delta}}}}});
    }
    static QByteArray end(const QString& reason = QStringLiteral("stop"),
                          const QJsonObject& caldera = {}) {
        QJsonObject last{{QStringLiteral("choices"),
                          QJsonArray{QJsonObject{{QStringLiteral("delta"), QJsonObject{}},
                                                 {QStringLiteral("finish_reason"), reason}}}}};
        if (!caldera.isEmpty())
            last[QStringLiteral("caldera")] = caldera;
        return event(last) + "data: [DONE]\n\n";
    }

private:
    void accept() {
        QTcpSocket* socket = server_.nextPendingConnection();
        QObject::connect(socket, &QTcpSocket::disconnected, socket, [this, socket] {
            ++gone_;
            socket->deleteLater();
        });
        QObject::connect(socket, &QTcpSocket::readyRead, socket,
                         [this, socket, request = QByteArray()]() mutable {
                             request += socket->readAll();
                             take(socket, request);
                         });
    }

    void take(QTcpSocket* socket, QByteArray& request) {
        const qsizetype head = request.indexOf("\r\n\r\n");
        if (head < 0)
            return;
        head_ = request.left(head);
        if (request.startsWith("GET")) {
            const QByteArray body = R"({"data":[{"id":"fake","context_length":4096}]})";
            socket->write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                          QByteArray::number(body.size()) + "\r\nConnection: close\r\n\r\n" + body);
            socket->disconnectFromHost();
            return;
        }
        const qsizetype mark = request.toLower().indexOf("content-length:");
        const qsizetype length = request.mid(mark + 15).split('\r').first().trimmed().toLongLong();
        if (request.size() < head + 4 + length)
            return;
        requests_.append(QJsonDocument::fromJson(request.mid(head + 4, length)).object());
        const QByteArray path = request.split(' ').value(1);
        request.clear();
        send(socket, byPath_.value(path, pieces_));
    }

    void send(QTcpSocket* socket, const QList<QByteArray>& pieces) {
        QElapsedTimer clock;
        clock.start();
        sendFrom(0, socket, pieces, clock);
    }

    void sendFrom(qsizetype next, QTcpSocket* socket, const QList<QByteArray>& pieces,
                  const QElapsedTimer& clock) {
        const qsizetype due = pace_ > 0 ? clock.elapsed() / pace_ + 1 : next + 1;
        for (; next < qMin(due, pieces.size()); ++next)
            socket->write(pieces[next]);
        socket->flush();
        if (next < pieces.size())
            QTimer::singleShot(
                pace_, Qt::PreciseTimer, socket,
                [this, next, socket, pieces, clock] { sendFrom(next, socket, pieces, clock); });
        else if (!hold_)
            socket->disconnectFromHost();
    }

    QTcpServer server_;
    QList<QByteArray> pieces_;
    QHash<QByteArray, QList<QByteArray>> byPath_;
    QList<QJsonObject> requests_;
    QByteArray head_;
    int pace_ = 0;
    bool hold_ = false;
    int gone_ = 0;
};

} // namespace caldera::studio
