// Session::inBackground, apart since only it needs QtConcurrent.
#pragma once

#include <QFuture>
#include <QtConcurrentRun>

#include <utility>

#include "widgets/models/session.h"

namespace caldera::studio {

template <typename Work, typename Done>
void Session::inBackground(Work work, Done done) {
    QtConcurrent::run(&pool_, std::move(work)).then(this, std::move(done));
}

} // namespace caldera::studio
