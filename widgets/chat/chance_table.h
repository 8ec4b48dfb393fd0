// What two models find likeliest at one place.
#pragma once

#include <QTableWidget>

#include "widgets/chat/scored_token.h"

namespace caldera::studio {

/// Rows are the likeliest tokens of either model, those of the first before; the token that the
/// answer took is bold.
class ChanceTable : public QTableWidget {
    Q_OBJECT
public:
    explicit ChanceTable(QWidget* parent = nullptr);

    void setNames(const QString& place, const QString& first, const QString& second);
    void setPlace(const ScoredToken& first, const ScoredToken& second);
};

/// A token with its white space made visible.
QString visibleToken(const QString& text);

} // namespace caldera::studio
