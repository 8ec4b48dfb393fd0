// What ssh asks while it logs in (a passphrase, a password) reaches a person, and the answer ssh.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <QProcessEnvironment>
#include <QString>
#include <QTemporaryDir>

namespace caldera::studio {

/// Blocks until a person has answered; nothing when they would rather not.
using AskPerson = std::function<std::optional<QString>(const QString& question)>;

/// A socket at which the program caldera-askpass, which ssh starts, asks. The answer passes through
/// memory only: never an argument, a variable or a file.
class Askpass {
public:
    /// Throws Error("remote.askpass") when the program is not there.
    explicit Askpass(AskPerson ask);
    ~Askpass();
    Askpass(const Askpass&) = delete;
    Askpass& operator=(const Askpass&) = delete;

    /// What ssh must find in its environment.
    void addTo(QProcessEnvironment& environment) const;

private:
    void serve(const std::stop_token& stop) const;
    void answer(int connection) const;

    AskPerson ask_;
    QString program_;
    QTemporaryDir folder_;
    std::string socket_;
    int listener_ = -1;
    std::jthread thread_;
};

} // namespace caldera::studio
