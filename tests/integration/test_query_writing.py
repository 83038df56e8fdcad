"""Queries that a model writes for documents: what is rejected, what is kept, and that nothing is paid twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import Done, evalkit
from support.stand_in import stand_in
from support.stand_in_chat import chat_reply

Writer = Callable[[str, str, int], Any]
"""Number of the document, its prompt and the number of the attempt in; the answer, or a whole reply, out."""


def write_corpus(folder: Path, size: int = 40) -> Path:
    """Write documents with common words, rare words of their own, and a short one."""
    rows = [
        {
            "doc_id": f"d{i}",
            "text": f"The zephyr{i} pump of model quartz{i} loses pressure when its valve is dirty. Clean the valve"
            f" with warm water every month. Replace the seal basalt{i} if water drips from the lower housing later.",
        }
        for i in range(size)
    ]
    rows.append({"doc_id": "short", "text": "Too short."})
    file = folder / "corpus.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


class Server:
    """A chat API that writes what a test says for each document."""

    def __init__(self, says: Writer) -> None:
        self.says, self.prompts = says, []
        self.asked: dict[str, int] = {}

    def answer(self, body: Any, _headers: dict[str, str]) -> Any:
        """Answer one request."""
        (message,) = body["messages"]
        prompt = message["content"]
        self.prompts.append(prompt)
        (number,) = set(re.findall(r"The zephyr(\d+) pump", prompt))
        self.asked[number] = self.asked.get(number, 0) + 1
        said = self.says(number, prompt, self.asked[number])
        return said if isinstance(said, tuple) else (200, chat_reply(said, body["model"]))

    def write(self, folder: Path, corpus: Path, *words: str, n: int = 5) -> Done:
        """Run the command against this server."""
        with stand_in(self.answer) as url:
            return evalkit(
                "queries", "write", corpus, "--into", folder / "q.jsonl", "-n", str(n),
                "--url", url.removesuffix("/v1/rerank"), "--model", "m", "--min-words", "10", *words,
            )  # fmt: skip


def good(_number: str, _prompt: str, attempt: int) -> str:
    """Return a question in other words."""
    return f"why does my device get weaker and leak, attempt {attempt}?"


def lines(file: Path) -> list[dict[str, Any]]:
    """Return the objects of a file."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_good_questions_become_synthetic_queries_with_judgments(tmp_path: Path) -> None:
    """Each query names its document, is marked, and has one judgment by the model; figures are in the record."""
    server = Server(good)
    done = server.write(tmp_path, write_corpus(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "5 synthetic queries written" in done.stdout
    assert "with 5 queries, lower human_sample: to at most that" in done.stdout
    queries, judgments = lines(tmp_path / "q.jsonl"), lines(tmp_path / "q.jsonl.judgments.jsonl")
    assert len(queries) == len({row["_id"] for row in queries}) == 5
    assert all(row["metadata"]["synthetic"] is True for row in queries)
    assert {(row["_id"], row["metadata"]["source_document"]) for row in queries} == {
        (row["query_id"], row["doc_id"]) for row in judgments
    }
    assert {(row["grade"], row["rater"]["kind"], row["rater"]["name"]) for row in judgments} == {
        (1.0, "model", "m")
    }
    record = json.loads((tmp_path / "q.jsonl.record.json").read_text())
    assert record["synthetic"] is True
    assert record["figures"]["queries"] == 5
    assert 0 <= record["figures"]["overlap"] < 0.7


def test_the_rarest_words_are_forbidden_in_the_prompt(tmp_path: Path) -> None:
    """They are those of one document alone, and not those that all documents share."""
    server = Server(good)
    server.write(tmp_path, write_corpus(tmp_path))
    for prompt in server.prompts:
        (number,) = set(re.findall(r"The zephyr(\d+) pump", prompt))
        (forbidden,) = re.findall(r"Do not use these words, or other forms of them: (.*)\.", prompt)
        assert {f"zephyr{number}", f"quartz{number}", f"basalt{number}"} <= set(forbidden.split(", "))
        assert "the" not in forbidden.split(", ")


BAD: dict[str, Callable[[str], str]] = {
    "copied": lambda _n: "Clean the valve with warm water every month, how often",
    "reordered": lambda _n: "every month warm water with the valve clean",
    "forbidden": lambda n: f"why is my zephyr{n} weak",
    "answer": lambda _n: " ".join(["word"] * 60),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_question_is_rejected_with_its_reason_and_asked_for_again(tmp_path: Path, kind: str) -> None:
    """The second prompt has the rejected question; a good second answer is used."""
    server = Server(
        lambda number, prompt, attempt: BAD[kind](number) if attempt == 1 else good(number, prompt, 2)
    )
    done = server.write(tmp_path, write_corpus(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert (found["queries"], found["rejected"]) == (5, {kind: 5})
    assert len(server.prompts) == 10
    assert all("These queries were rejected" in prompt for prompt in server.prompts[5:])
    assert {row["status"] for row in lines(tmp_path / "q.jsonl.answers.jsonl")} == {"written", kind}


def test_a_document_is_given_up_after_three_answers_and_a_refusal_at_once(tmp_path: Path) -> None:
    """Named failures, never a question; the same command asks for nothing again."""
    refused: list[str] = []

    def says(number: str, _prompt: str, _attempt: int) -> Any:
        if not refused or number in refused:
            refused.append(number)
            return 200, chat_reply(None, message={"refusal": "I cannot help with that"})
        return BAD["forbidden"](number)

    server, corpus = Server(says), write_corpus(tmp_path)
    done = server.write(tmp_path, corpus, "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["queries"] == 0
    assert found["given_up"] == {"refusal": 1, "forbidden": 4}
    (refusal,) = (row for row in lines(tmp_path / "q.jsonl.answers.jsonl") if row["status"] == "refusal")
    assert "I cannot help with that" in refusal["raw"]
    assert sorted(server.asked.values()) == [1, 3, 3, 3, 3]
    asked = len(server.prompts)
    again = server.write(tmp_path, corpus)
    assert again.returncode == 0
    assert len(server.prompts) == asked
    assert "because the last question used one of the document's rarest words: 4" in again.stdout
    assert "because the model declined: 1" in again.stdout


def test_a_missing_path_is_named_as_missing(tmp_path: Path) -> None:
    """Its format is not the problem, and nothing is sent."""
    server = Server(good)
    done = server.write(tmp_path, tmp_path / "nosuch")
    assert done.returncode == 2
    assert "nosuch: no such file or folder" in done.stderr
    assert server.prompts == []


def test_a_second_command_pays_for_new_documents_alone(tmp_path: Path) -> None:
    """A larger draw contains the smaller one; answers of the file are used."""
    server, corpus = Server(good), write_corpus(tmp_path)
    server.write(tmp_path, corpus, n=5)
    first = lines(tmp_path / "q.jsonl")
    server.write(tmp_path, corpus, n=8)
    assert len(server.prompts) == 8
    assert lines(tmp_path / "q.jsonl")[:5] == first


def test_grades_of_people_in_the_file_of_judgments_survive(tmp_path: Path) -> None:
    """The same command and a larger draw append what is missing, and nothing else."""
    server, corpus = Server(good), write_corpus(tmp_path)
    server.write(tmp_path, corpus, n=5)
    file = tmp_path / "q.jsonl.judgments.jsonl"
    first = lines(file)[0]
    people = {**first, "grade": 0, "rater": {"kind": "human", "name": "anna"}}
    with file.open("a") as opened:
        opened.write(json.dumps(people) + "\n")
    content = file.read_bytes()
    server.write(tmp_path, corpus, n=5)
    assert file.read_bytes() == content
    server.write(tmp_path, corpus, n=8)
    assert file.read_bytes().startswith(content)
    assert len(lines(file)) == 9


def test_a_file_with_other_queries_is_refused_before_a_call(tmp_path: Path) -> None:
    """Judgments may belong to its queries: it stays as it is."""
    server, corpus = Server(good), write_corpus(tmp_path)
    other = '{"_id": "mine", "text": "how do I clean a valve"}\n'
    (tmp_path / "q.jsonl").write_text(other)
    done = server.write(tmp_path, corpus)
    assert done.returncode == 2
    assert "q.jsonl exists and has other queries" in done.stderr
    assert (server.prompts, (tmp_path / "q.jsonl").read_text()) == ([], other)


def test_a_line_that_a_killed_process_left_incomplete_is_asked_for_again(tmp_path: Path) -> None:
    """The other answers are kept; a file of something else is refused."""
    server, corpus = Server(good), write_corpus(tmp_path)
    server.write(tmp_path, corpus)
    answers = tmp_path / "q.jsonl.answers.jsonl"
    answers.write_bytes(answers.read_bytes()[:-20])
    (tmp_path / "q.jsonl").unlink()
    assert server.write(tmp_path, corpus).returncode == 0
    assert len(server.prompts) == 6
    assert len(lines(answers)) == 5
    answers.write_bytes(answers.read_bytes()[:-1])  # whole, as an editor leaves it
    assert server.write(tmp_path, corpus, n=6).returncode == 0
    assert len(server.prompts) == 7
    assert len(lines(answers)) == 6
    answers.write_text('{"x": 1}\n')
    done = server.write(tmp_path, corpus)
    assert done.returncode == 2
    assert "answers.jsonl:1 is no answer" in done.stderr


def test_a_busy_server_is_asked_again_and_a_broken_one_leaves_documents(tmp_path: Path) -> None:
    """429 is retried as in every call; an answer of 401 ends the pass with exit code 3, and keeps what was answered."""
    busy = iter([True])
    limited = (429, b'{"error": {"message": "slow down"}}', {"Retry-After": "0"})
    server = Server(lambda *asked: limited if next(busy, False) else good(*asked))
    assert server.write(tmp_path, write_corpus(tmp_path)).returncode == 0
    assert len(server.prompts) == 6
    denied = (401, b'{"error": {"message": "no such key"}}')
    count = iter(range(100))
    server = Server(lambda *asked: good(*asked) if next(count) < 1 else denied)
    done = server.write(tmp_path, tmp_path / "corpus.jsonl", n=9)
    assert done.returncode == 3
    hint = "set api_key_env to the variable that contains the key; then run the same command again: evalkit queries"
    assert hint in done.stderr
    assert len(lines(tmp_path / "q.jsonl")) == 6


def write_config(folder: Path, url: str) -> Path:
    """Write a configuration with a judge whose answers cost one dollar each, and a budget of twenty."""
    corpus = write_corpus(folder)
    (folder / "queries.jsonl").write_text('{"query_id": "q", "text": "x"}')
    (folder / "qrels.tsv").write_text("query_id\tdoc_id\tgrade\nq\td0\t1\n")
    tables = {
        "corpus": {"path": corpus.name},
        "queries": {"path": "queries.jsonl"},
        "qrels": {"path": "qrels.tsv"},
    }
    judge = {
        "backend": "chat", "url": url.removesuffix("/v1/rerank"), "model": "m",
        "price": {"as_of": "2026-11-01", "usd_per_million_tokens": 10_000}, "max_answer_tokens": 10,
    }  # fmt: skip
    config = {
        "datasets": [{"source": "tables", **tables}], "retriever": {"kind": "bm25"}, "judges": {"j": judge},
        "name": "n", "metrics": ["nDCG@10"], "budget": {"usd": 20},
        "rerankers": {"lexical": {"backend": "lexical"}},
    }  # fmt: skip
    (folder / "c.yaml").write_text(json.dumps(config))
    return folder / "c.yaml"


def test_what_a_refusal_and_an_empty_answer_cost_is_kept(tmp_path: Path) -> None:
    """They are paid like questions, and the budget of the next command counts them."""
    replies = [(200, chat_reply(None, message={"refusal": "no"})), (200, chat_reply(""))]
    server = Server(lambda *_: replies[min(len(server.prompts), 2) - 1])
    with stand_in(server.answer) as url:
        config = write_config(tmp_path, url)
        words = (
            "queries",
            "write",
            config,
            "--judge",
            "j",
            "--into",
            tmp_path / "q.jsonl",
            "--min-words",
            "10",
        )
        evalkit(*words, "-n", "2")
        rows = lines(tmp_path / "q.jsonl.answers.jsonl")
        assert [row["cost_usd"] for row in rows] == [1.0] * len(server.prompts)
        assert {row["status"] for row in rows} == {"refusal", "answer"}
        done = evalkit(*words, "-n", "3", "--set", f"budget.usd={len(rows)}")
    assert done.returncode == 3
    assert len(server.prompts) == len(rows)


def test_a_judge_of_a_configuration_writes_within_its_budget(tmp_path: Path) -> None:
    """Key, price, retries and budget are those of the judge; the answers of an earlier command count."""
    server = Server(good)
    with stand_in(server.answer) as url:
        write_config(tmp_path, url)
        words = ("queries", "write", tmp_path / "c.yaml", "--judge", "j", "--into", tmp_path / "q.jsonl")
        done = evalkit(*words, "-n", "3", "--min-words", "10", "--json")
        assert done.returncode == 0, done.stderr
        (found,) = json.loads(done.stdout)
        assert (found["queries"], found["cost_usd"]) == (3, 3.0)
        done = evalkit(*words, "-n", "30", "--min-words", "10")
        assert done.returncode == 3
        assert "budget" in done.stderr
        assert "resume" in done.stderr or "evalkit queries write" in done.stderr
        assert 3 < len(server.prompts) <= 20
        assert len(lines(tmp_path / "q.jsonl.answers.jsonl")) == len(server.prompts)
        unknown = evalkit(
            "queries", "write", *words[2:3], "--judge", "k", "--into", tmp_path / "q.jsonl", "-n", "3"
        )
        assert unknown.returncode == 2
        assert "'k'" in unknown.stderr


API = ("--url", "http://127.0.0.1:9", "--model", "m")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["corpus.jsonl", "--into", "q.jsonl", "-n", "2"], "needs --url and --model"),
        (["c.yaml", "--into", "q.jsonl", "-n", "2"], "a configuration needs --judge"),
        (["corpus.jsonl", "--into", "q.csv", "-n", "2", *API], "unknown format"),
        (["corpus.jsonl", "--into", "q.jsonl", "-n", "99", *API], "are asked for"),
    ],
)  # fmt: skip
def test_wrong_input_stops_before_a_call(tmp_path: Path, words: list[str], message: str) -> None:
    """Exit code 2."""
    write_corpus(tmp_path)
    done = evalkit("queries", "write", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
