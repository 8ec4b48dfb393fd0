// What two models find likeliest at one place.
#pragma once

#include "widgets/chat/scored_token.h"
#include "widgets/models/value_table_model.h"
#include "widgets/support/table.h"

namespace caldera::studio {

/// One place of an answer, as two models see it.
struct ChancePlace {
    QString title;
    QString firstName;
    QString secondName;
    ScoredToken first;
    ScoredToken second;
    bool operator==(const ChancePlace&) const = default;
};

/// Rows are the likeliest tokens of either model, those of the first before; the token that the
/// answer took is bold.
class ChanceTable : public Table {
    Q_OBJECT
public:
    explicit ChanceTable(QWidget* parent = nullptr);

    /// Costs nothing when the place is shown already.
    void setPlace(const ChancePlace& place);

private:
    ValueTableModel model_;
    ChancePlace shown_;
};

/// A token with its white space made visible.
QString visibleToken(const QString& text);

} // namespace caldera::studio
