// Whether a server behind a tunnel answers.
#pragma once

#include <QNetworkAccessManager>
#include <QNetworkReply>
#include <QTest>
#include <QUrl>

#include <gtest/gtest.h>

namespace caldera::studio {

/// The status of /health on this machine's port, asked with the token and awaited for `patience`
/// ms.
inline int healthStatus(int port, const QByteArray& bearer, int patience) {
    QNetworkAccessManager network;
    QNetworkRequest request(QUrl(QStringLiteral("http://127.0.0.1:%1/health").arg(port)));
    request.setRawHeader("Authorization", "Bearer " + bearer);
    QNetworkReply* reply = network.get(request);
    EXPECT_TRUE(QTest::qWaitFor([&] { return reply->isFinished(); }, patience));
    return reply->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
}

} // namespace caldera::studio
