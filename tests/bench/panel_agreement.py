#!/usr/bin/env python3
"""Do the studio's throughput panel and `caldera bench` tell the same speed?

    panel_agreement.py CALDERA ARTIFACT [--rounds N] [--tokens N] [--prompt N] [--threads N]
                       [--device cpu|cuda]

The panel shows what an answer's `caldera` object tells over HTTP. In turns, so that whatever else
the machine does reaches all: an answer from `caldera serve`, as the studio asks for it, `caldera
bench chats` and `caldera bench decode` on the same artifact, over the same places. Prints the
rates, which all define alike (tokens after the first over their time), and the
median times between two tokens, and fails when the panel's rate is more than 2 % off that of
`caldera bench decode`. What else the machine does changes from round to round, and reaches
neighbours alike: the median of the rounds' ratios counts. The ratio of the fastest rounds is
printed too.
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
                   "--chats", "1", "--trust", "--context", str(options.prompt + options.tokens)]
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
        told = b"{}"
        with self.post("/v1/chat/completions", body) as answer:
            for line in answer:
                if b'"caldera"' in line:
                    told = line.removeprefix(b"data: ")
        return json.loads(told)["caldera"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def figures(told):
    return told["tokens_per_second"], told["p50"]


def engine_words(options):
    words = ["--device", options.device]
    return words + ["--threads", str(options.threads)] if options.threads else words


def bench_chats(options, prompt, tokens):
    command = [options.caldera, "bench", "chats", options.artifact, "--trust", "--prompts",
               str(prompt), "--chats", "1", "--tokens", str(tokens), "--json"]
    return figures(run_json(command + engine_words(options))["points"][0])


def bench_decode(options, prompt, tokens):
    command = [options.caldera, "bench", "decode", options.artifact, "--position",
               str(prompt), "--tokens", str(tokens), "--json"]
    step = run_json(command + engine_words(options))["steps"][0]
    return step["tokens_per_second"], step["microseconds"] / 1e6


def measure(options):
    speeds = {"panel": [], "bench chats": [], "bench decode": []}
    server = Server(options)
    try:
        for number in range(options.rounds + 1):
            question = f"{number}. " + "Tell me about the sun and the sea. " * (options.prompt // 10)
            told = server.speed(question, options.tokens)
            places = told["prompt_tokens"], told["generated_tokens"]  # an answer may end early
            if number == 0 or places[1] < LEAST_TOKENS:  # the first warms up
                continue
            speeds["panel"].append(figures(told))
            speeds["bench chats"].append(bench_chats(options, *places))
            speeds["bench decode"].append(bench_decode(options, *places))
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
    options = parser.parse_args()
    speeds = measure(options)
    if not speeds["panel"]:
        sys.exit(f"No answer came to {LEAST_TOKENS} tokens; give more --tokens or --rounds.")
    rates_of = {name: [rate for rate, _ in values] for name, values in speeds.items()}
    for name, values in speeds.items():
        rates = rates_of[name]
        median = statistics.median(gap for _, gap in values)
        print(f"{name:14} {statistics.median(rates):8.1f} tok/s ({min(rates):.1f} to "
              f"{max(rates):.1f}), p50 {1e3 * median:.3f} ms, {len(values)} rounds")
    panel, decode = rates_of["panel"], rates_of["bench decode"]
    difference = statistics.median(ours / theirs for ours, theirs in zip(panel, decode)) - 1
    print(f"the panel's tok/s is {100 * difference:+.1f} % off bench decode's (the fastest rounds: "
          f"{100 * (max(panel) / max(decode) - 1):+.1f} %)")
    sys.exit(0 if abs(difference) <= MOST_DIFFERENCE else 1)


if __name__ == "__main__":
    main()
