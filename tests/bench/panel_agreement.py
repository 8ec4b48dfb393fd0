#!/usr/bin/env python3
"""Do the studio's throughput panel and `caldera bench` tell the same speed?

    panel_agreement.py CALDERA ARTIFACT [--rounds N] [--tokens N] [--prompt N] [--threads N]
                       [--device cpu|cuda] [--shape NAME --rank N]

The panel shows what an answer's `caldera` object tells over HTTP. In turns, so that whatever else
the machine does reaches both: an answer from `caldera serve`, as the studio asks for it, and
`caldera bench chats` on the same artifact; with --shape (a GPU) also `caldera bench decode` of that
shape, whose step begins where the answer's middle is. Prints the medians of the rates (tokens after
the first over their time) and of the times between two tokens, and fails when the latter differ by
more than 2 %: other work on the machine interrupts some tokens, which moves a rate, but not the
median of the gaps.
"""
import argparse
import json
import statistics
import subprocess
import sys
import urllib.request

MOST_DIFFERENCE = 0.02
LEAST_TOKENS = 16  # of an answer that counts


def run_json(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


class Server:
    """`caldera serve`, ended with this program."""

    def __init__(self, options):
        command = [options.caldera, "serve", options.artifact, "--port", "0", "--exit-with-parent",
                   "--chats", "1", "--context", str(options.prompt + options.tokens)]
        self.process = subprocess.Popen(command + engine_words(options), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        line = json.loads(self.process.stdout.readline())
        self.url, self.token = line["url"], line["token"]

    def post(self, path, body):
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(),
            {"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        return urllib.request.urlopen(request, timeout=600)

    def speed(self, question, tokens):
        """Tokens a second as the studio hears it: the last event of the stream. Another question
        each time, so that nothing of it is in the cache."""
        body = {"messages": [{"role": "user", "content": question}], "stream": True,
                "temperature": 0, "max_tokens": tokens}
        told = {}
        with self.post("/v1/chat/completions", body) as answer:
            for line in answer:
                if line.startswith(b"data: {"):
                    told = json.loads(line[6:]).get("caldera", told)
        return told

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def figures(told):
    return told["tokens_per_second"], told["p50"]


def engine_words(options):
    words = ["--device", options.device]
    return words + ["--threads", str(options.threads)] if options.threads else words


def bench_chats(options):
    command = [options.caldera, "bench", "chats", options.artifact, "--prompts",
               str(options.prompt), "--chats", "1", "--tokens", str(options.tokens), "--json"]
    return figures(run_json(command + engine_words(options))["points"][0])


def bench_decode(options):
    command = [options.caldera, "bench", "decode", "--shape", options.shape, "--rank",
               str(options.rank), "--position", str(options.prompt + options.tokens // 2),
               "--context", str(options.prompt + options.tokens), "--json"]
    step = run_json(command)["steps"][0]
    return step["tokens_per_second"], step["microseconds"] / 1e6


def measure(options):
    speeds = {"panel": [], "bench chats": []}
    server = Server(options)
    try:
        for number in range(options.rounds + 1):
            question = f"{number}. " + "Tell me about the sun and the sea. " * (options.prompt // 10)
            told = server.speed(question, options.tokens)
            chats = bench_chats(options)
            if number == 0:  # warms up
                continue
            if told["generated_tokens"] >= LEAST_TOKENS:
                speeds["panel"].append(figures(told))
            speeds["bench chats"].append(chats)
            if options.shape:
                speeds.setdefault("bench decode", []).append(bench_decode(options))
    finally:
        server.close()
    return speeds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("caldera")
    parser.add_argument("artifact")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--shape", help="what `caldera bench decode` times as well, on a GPU")
    parser.add_argument("--rank", type=int, default=64)
    options = parser.parse_args()
    speeds = measure(options)
    if not speeds["panel"]:
        sys.exit(f"No answer came to {LEAST_TOKENS} tokens; give more --tokens or --rounds.")
    gaps = {}
    for name, values in speeds.items():
        rates = [rate for rate, _ in values]
        gaps[name] = statistics.median(gap for _, gap in values)
        print(f"{name:14} {statistics.median(rates):8.1f} tok/s ({min(rates):.1f} to "
              f"{max(rates):.1f}), p50 {1e3 * gaps[name]:.3f} ms, {len(values)} rounds")
    difference = max(gaps.values()) / min(gaps.values()) - 1
    print(f"the times between tokens differ by {100 * difference:.1f} %")
    sys.exit(0 if difference <= MOST_DIFFERENCE else 1)


if __name__ == "__main__":
    main()
