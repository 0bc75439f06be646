"""The command line of a foreign program: every style is read back by the parser that it is meant for."""

from __future__ import annotations

import argparse
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract.command_line import Flag, Style, filled, flag_words, placeholders
from expc.compiler.contract.secrets import is_harmless, is_secret, is_secret_flag, is_secret_name, secrets_among

STYLE = Style("--k=v", "flag", "words", ".", "as_written")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def words(flags: dict[str, Flag], **changes: str) -> list[str]:
    return flag_words(dataclasses.replace(STYLE, **changes), flags)  # type: ignore[arg-type]


@pytest.mark.parametrize(("changes", "expected"), [
    ({}, ["--lr=0.0003", "--model.n_layer=4"]),
    ({"form": "--k v"}, ["--lr", "0.0003", "--model.n_layer", "4"]),
    ({"form": "-k v"}, ["-lr", "0.0003", "-model.n_layer", "4"]),
    ({"form": "k=v"}, ["lr=0.0003", "model.n_layer=4"]),
    ({"nested": "_"}, ["--lr=0.0003", "--model_n_layer=4"]),
    ({"nested": "_", "words": "dashes"}, ["--lr=0.0003", "--model-n-layer=4"]),
    ({"nested": "-", "words": "underscores"}, ["--lr=0.0003", "--model_n_layer=4"]),
])
def test_form_and_spelling(changes: dict[str, str], expected: list[str]) -> None:
    assert words({"lr": 3e-4, "model.n_layer": 4}, **changes) == expected


@pytest.mark.parametrize(("booleans", "expected"), [
    ("flag", ["--a"]), ("no_flag", ["--a", "--no-b"]), ("value", ["--a=true", "--b=false"])])
def test_booleans(booleans: str, expected: list[str]) -> None:
    assert words({"a": True, "b": False}, booleans=booleans) == expected


@pytest.mark.parametrize(("lists", "expected"), [
    ("words", ["--d", "1", "x", "true"]), ("repeat", ["--d=1", "--d=x", "--d=true"]), ("commas", ["--d=1,x,true"]),
    ("brackets", ["--d=[1,x,true]"])])
def test_lists(lists: str, expected: list[str]) -> None:
    assert words({"d": (1, "x", True)}, lists=lists) == expected


@given(st.dictionaries(st.sampled_from(["lr", "n_layer", "name", "deep.er"]),
                       st.one_of(st.integers(), st.floats(allow_nan=False), TEXT)),
       st.sampled_from(["--k=v", "--k v"]), st.sampled_from(["as_written", "dashes"]))
def test_argparse_reads_every_value_back(flags: dict[str, Flag], form: str, spelling: str) -> None:
    style = dataclasses.replace(STYLE, form=form, words=spelling, nested="_")  # type: ignore[arg-type]
    if form == "--k v":  # argparse takes a value that begins with a dash for a flag, unless it is a number
        flags = {name: value for name, value in flags.items() if not (isinstance(value, str) and value.startswith("-"))
                 and not (isinstance(value, float) and "e" in repr(value))}
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name, value in flags.items():
        parser.add_argument("--" + style.spelled(name), dest=name, type=type(value))
    assert vars(parser.parse_args(flag_words(style, flags))) == flags


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.booleans()))
def test_argparse_reads_booleans_back(flags: dict[str, Flag]) -> None:
    parser = argparse.ArgumentParser()
    for name in flags:
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction)
    assert vars(parser.parse_args(words(flags, booleans="no_flag"))) == flags


def test_placeholders_are_filled_and_other_braces_stay() -> None:
    word = '{run_folder}/{x}/{"a": 1}/{{step}}'
    assert filled(word, {"run_folder": "/r", "step": "5"}) == '/r/{x}/{"a": 1}/{5}'
    assert list(placeholders([word])) == ["run_folder", "step"]


@pytest.mark.parametrize("name", ["HF_TOKEN", "OPENAI_API_KEY", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "aws_credentials",
                                  "MYSQL_PWD", "DB_PASS", "CREDS"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["TOKENIZERS_PARALLELISM", "HOME", "KEYBOARD", "OMP_NUM_THREADS", "HF_TOKEN_PATH",
                                  "AWS_SHARED_CREDENTIALS_FILE", "PWD", "OLDPWD", "TWO_PASS", "MONKEY_PATCH"])
def test_names_that_only_look_so(name: str) -> None:
    assert not is_secret_name(name)


def test_flags_that_take_secrets() -> None:
    assert all(map(is_secret_flag, ["api_key", "hub.token", "wandb-key", "db_password", "hf-token"]))
    assert not any(map(is_secret_flag, ["pad_token", "tokens", "key", "sort_key", "eos-token"]))
    assert is_harmless("512") and is_harmless("false") and not is_harmless("hf_abc")


@pytest.mark.parametrize(("command", "index", "name"), [
    (["python", "train.py", "--hf-token=hf_abcdefghijklmnopqrstuv"], 2, "hf-token"),
    (["python", "train.py", "--api_key", "sk-abcdefghijklmnopqrst"], 3, "api_key"),
    (["python", "train.py", "--api_key", "anything at all"], 3, "api_key"),
    (["python", "train.py", "--token", "letmein"], 3, "token"),
    (["python", "train.py", "--key", "hf_abcdefghijklmnopqrstuv"], 3, "key"),
    (["env", "HF_TOKEN=letmein", "python", "train.py"], 1, "HF_TOKEN"),
    (["env", "-u", "HF_TOKEN=letmein", "python", "train.py"], 2, "HF_TOKEN"),
    (["bash", "-c", "WANDB_API_KEY='abc123' exec python train.py"], 2, "WANDB_API_KEY"),
    (["python", "train.py", "+hub.token=letmein"], 2, "hub.token"),
    (["python", "train.py", "hf_abcdefghijklmnopqrstuv"], 2, ""),
    (["python", "train.py", "--data", "https://me:sesame@example.org/x"], 3, "data"),
    (["python", "train.py", "AKIAABCDEFGHIJKLMNOP"], 2, ""),
])
def test_secrets_among_words(command: list[str], index: int, name: str) -> None:
    assert list(secrets_among(command)) == [(index, name)]


@pytest.mark.parametrize("value", [
    "redis://:sesame@host", "Authorization: Bearer abcdefghijklmnop", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_-9",
    "-----BEGIN RSA PRIVATE KEY-----", "gsk_abcdefghijklmnopqrst", "npm_abcdefghijklmnopqrstuvwxyz0123"])
def test_values_that_are_secrets_by_their_looks(value: str) -> None:
    assert is_secret("anything", value)


@pytest.mark.parametrize("words_", [
    "--tokens 4096", "--tokens=4096", "--key_dim 64", "--tokenizer x", "--tokenizer=hf-internal/tiny", "--pad-token <pad>",
    "--eos_token </s>", "--token <s>", "--token [CLS]", "--token true", "--key loss", "--sort_key length", "--max-tokens 1e9",
    "--password-file secrets/pw", "MAX_TOKENS=4096", "HF_TOKEN_PATH=~/.cache/token", "HF_TOKEN=$HF_TOKEN", "--hf_token --fast",
    "--api-key --model-key=3", "model.key=query", "-k v", "sk-learn", "hf_hub", "--n_keys 8", "--secret-sauce=true",
    "https://example.org:8080/a@b", "--api_key 'auto'", "--monkey hf", "--loader hf_datasets", "--backend hf_transformers",
    "HOTKEY=space MONKEY_PATCH=gevent", "PWD=/data TWO_PASS=greedy"])
def test_words_that_only_look_so(words_: str) -> None:
    assert list(secrets_among(["python", "train.py", *words_.split()])) == []


@given(st.lists(st.text(max_size=30), max_size=8))
def test_no_command_line_is_too_strange_for_it(strange: list[str]) -> None:
    assert all(0 <= index < len(strange) for index, _ in secrets_among(strange))


def test_a_bare_token_and_a_value_that_looks_like_one() -> None:
    token = "hf_abcdefghijklmnopqrstuv"
    assert is_secret("token", token) and is_secret("anything", token) and not is_secret("pad_token", "<pad>")
