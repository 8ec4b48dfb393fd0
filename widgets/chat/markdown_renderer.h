// Finished Markdown, parsed by md4c, as calls to a MarkdownWriter.
#pragma once

#include <QString>

namespace caldera::studio {

class MarkdownWriter;

/// Appends `markdown` through `writer`: tables, task lists, strikethrough and bare addresses too.
void renderMarkdown(const QString& markdown, MarkdownWriter& writer);

} // namespace caldera::studio
