#!/usr/bin/env python3
"""What the openai package makes of the server: run by openai_client_test with a case, a URL and a token.

Prints one JSON document about what the client saw, or ends with 1 and says why.
"""
import json
import sys

import openai

QUESTION = [{"role": "user", "content": "Hi"}]


def ask(client, **options):
    return client.chat.completions.create(model="tiny", messages=QUESTION, **options)


def seen(choice):
    """The parts of a choice that tests look at."""
    chances = choice.logprobs.content if choice.logprobs else None
    return {"finish_reason": choice.finish_reason,
            "logprobs": None if chances is None else [
                {"token": each.token, "logprob": each.logprob, "bytes": each.bytes,
                 "top": [top.token for top in each.top_logprobs]} for each in chances]}


def plain(client):
    answer = ask(client, max_tokens=3, seed=7, temperature=0.5, stop=["zzz"])
    return {"id": answer.id, "text": answer.choices[0].message.content, "usage": answer.usage.total_tokens,
            **seen(answer.choices[0])}


def streamed(client):
    text, reason, chunks, usage = "", None, 0, None
    for chunk in ask(client, stream=True, stream_options={"include_usage": True}):
        chunks += 1
        if not chunk.choices:
            usage = chunk.usage.completion_tokens
            continue
        text += chunk.choices[0].delta.content or ""
        reason = chunk.choices[0].finish_reason or reason
    return {"text": text, "finish_reason": reason, "chunks": chunks, "usage": usage}


def stop(client):
    answer = ask(client, stop=["is"])
    return {"text": answer.choices[0].message.content, **seen(answer.choices[0])}


def chances(client):
    answer = ask(client, logprobs=True, top_logprobs=3, temperature=0, max_tokens=4)
    streamed_chances = []
    for chunk in ask(client, logprobs=True, top_logprobs=3, temperature=0, max_tokens=4, stream=True):
        streamed_chances += seen(chunk.choices[0])["logprobs"] or []
    return {"text": answer.choices[0].message.content, "streamed": streamed_chances, **seen(answer.choices[0])}


def cancel(client):
    stream = ask(client, stream=True)
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    stream.close()
    return {"closed": True}


def errors(client):
    found = {}
    for name, options in {"range": {"temperature": 9.0, "extra_body": {"temperature": 9}},
                          "several": {"n": 2}, "tools": {"tools": [{"type": "function", "function": {"name": "f"}}]}}.items():
        try:
            ask(client, **options)
        except openai.BadRequestError as error:
            found[name] = [error.status_code, error.param, error.code]
    stranger = openai.OpenAI(base_url=str(client.base_url), api_key="not the token", max_retries=0)
    try:
        ask(stranger)
    except openai.AuthenticationError as error:
        found["stranger"] = [error.status_code, error.param, error.code]
    return found


def models(client):
    return {"models": [model.id for model in client.models.list()]}


def main():
    case, url, token = sys.argv[1:]
    client = openai.OpenAI(base_url=url + "/v1", api_key=token, max_retries=0, timeout=20)
    print(json.dumps(globals()[case](client)))


if __name__ == "__main__":
    main()
