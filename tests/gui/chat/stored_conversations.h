// What a studio that starts now finds of its conversations.
#pragma once

#include <optional>

#include <QTest>

#include <gtest/gtest.h>

#include "widgets/chat/conversation_store.h"

namespace caldera::studio {

inline QList<Conversation> storedConversations(const QString& folder) {
    constexpr int kPatience = 20000;
    ConversationStore store(folder);
    std::optional<QList<Conversation>> all;
    QObject::connect(&store, &ConversationStore::loaded, &store,
                     [&all](const QList<Conversation>& conversations) { all = conversations; });
    store.load();
    EXPECT_TRUE(QTest::qWaitFor([&all] { return all.has_value(); }, kPatience));
    return all.value_or(QList<Conversation>());
}

} // namespace caldera::studio
