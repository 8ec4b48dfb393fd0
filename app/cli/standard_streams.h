// What the program owes its standard streams, and its end when a file fails under it.
#pragma once

namespace caldera::cli {

/// Fills descriptors 0, 1 and 2 when the starter closed them: the next file that is opened for
/// writing would get the number, and what the program prints would end in it.
void guardStandardStreams();

/// Ends the program with a sentence and exit code 1 when a file that is mapped became shorter, its
/// disk failed, or a file grows above the limit of its size (`ulimit -f`), instead of by a bare
/// signal.
void explainFileSignals();

/// Writes out what was printed; throws Error("output.write") when stdout cannot take it.
void flushOutput();

} // namespace caldera::cli
