// One secret of the keyring: a field to type it, and what is known of it.
#pragma once

#include <QWidget>

#include "core/base/error.h"
#include "widgets/remote/secret_store.h"

class QLineEdit;

namespace caldera::studio {

class ToneLabel;

class SecretLine : public QWidget {
    Q_OBJECT
public:
    struct Words {
        QString label;   ///< what it is, in the empty field
        QString known;   ///< where there is one
        QString missing; ///< where there is none: what for, and where from
    };
    /// `secrets` must outlive it. Nothing is read before read().
    SecretLine(SecretStore& secrets, const QString& name, Words words, QWidget* parent = nullptr);

    void read();
    void save(const QString& value);
    /// Whether something is typed that is not saved.
    bool isTyped() const;

Q_SIGNALS:
    /// It was found, or entered and kept.
    void known(const QString& value);
    void failed(const Error& error);

private:
    SecretStore& secrets_;
    QString name_;
    Words words_;
    QLineEdit* edit_;
    ToneLabel* state_;
};

} // namespace caldera::studio
