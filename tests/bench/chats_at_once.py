#!/usr/bin/env python3
"""How fast `caldera serve` answers several chats at once.

    tests/bench/chats_at_once.py PROGRAM ARTIFACT [OPTION ...]     e.g. build/cpu/app/cli/caldera smol --threads 2

Starts the server, asks 1, 2, 4, ... questions together, three times each, and prints the median time
between two tokens, what all chats together get at that pace, and the longest time to a first token.
"""
import json
import statistics
import subprocess
import sys
import threading
import urllib.request

LONGEST = 120  # tokens of an answer
ROUNDS = 3


def ask(server, number, answers):
    body = {"messages": [{"role": "user", "content": f"Write a long story about the number {number}."}],
            "temperature": 0, "max_tokens": LONGEST}
    request = urllib.request.Request(server["url"] + "/v1/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json",
                                      "Authorization": "Bearer " + server["token"]})
    with urllib.request.urlopen(request) as answer:
        answers.append(json.load(answer)["caldera"])


def together(server, numbers):
    answers = []
    callers = [threading.Thread(target=ask, args=(server, number, answers)) for number in numbers]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return answers


def main():
    program, artifact, *options = sys.argv[1:]
    server = subprocess.Popen([program, "serve", artifact, "--port", "0", "--exit-with-parent", *options],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)
    line = json.loads(server.stdout.readline())
    print("chats  ms a token  tokens/s in all  first token, s")
    number = 0
    chats = 1
    while chats <= line["chats"]:
        answers = []
        for _ in range(ROUNDS):
            answers += together(line, range(number, number + chats))
            number += chats
        pace = statistics.median(answer["p50"] for answer in answers)
        first = max(answer["time_to_first_token"] for answer in answers)
        print(f"{chats:5}  {1000 * pace:10.1f}  {chats / pace:15.1f}  {first:14.2f}", flush=True)
        chats *= 2
    server.stdin.close()
    server.wait()


if __name__ == "__main__":
    main()
