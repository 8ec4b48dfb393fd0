// The chat view with a server that plays what a test wants.
#pragma once

#include <memory>

#include <QPlainTextEdit>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/gui/chat/fake_server.h"
#include "widgets/chat/chat_view.h"
#include "widgets/chat/composer.h"

namespace caldera::studio {

inline constexpr int kChatPatience = 20000; // ms

class ChatViewTest : public ::testing::Test {
protected:
    ChatViewTest() { open(); }

    void open() {
        view_.reset();
        view_ = std::make_unique<ChatView>(folder_.path(), QStringLiteral(FAKE_WORKER));
        view_->resize(1280, 800);
        view_->show();
    }
    void connectToServer() { view_->useServer(server_.url(), QStringLiteral("fake")); }
    void type(const QString& text) {
        view_->composer()->field()->setPlainText(text);
        QTest::keyClick(view_->composer()->field(), Qt::Key_Return);
    }
    bool becomesIdle() {
        return QTest::qWaitFor([this] { return !view_->isStreaming(); }, kChatPatience);
    }
    ChatMessage last() const { return view_->conversation().path().last(); }
    bool answerReaches(const QString& text) {
        return QTest::qWaitFor([&] { return last().text == text; }, kChatPatience);
    }

    QTemporaryDir folder_;
    FakeServer server_;
    std::unique_ptr<ChatView> view_;
};

} // namespace caldera::studio
