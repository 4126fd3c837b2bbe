"""What the kernel told of flushes and answers is judged rightly."""

import pytest

from bench import promises

PACK = "17 fdatasync(9</data/packs/ab/1-2.pack>) = 0"
ROWS = "17 fdatasync(7</data/index.sqlite3-wal>) = 0"
ANSWER = r'18 sendto(12<socket:[4711]>, "\4\0\0\0\0\x5e"..., 100, 0, NULL, 0) = 100'
ACCEPTED = r'18 sendto(12<socket:[4711]>, "\2\0\0\0\0\x5e"..., 100, 0, NULL, 0) = 100'


def judge(*lines: str, answers: int = 2) -> None:
    promises.require_flushed("\n".join((ROWS, ACCEPTED, *lines)), answers)


@pytest.mark.parametrize(
    "lines",
    [
        (PACK, ANSWER, PACK, ANSWER, ROWS),
        (PACK, ROWS, ANSWER, PACK, ROWS, ANSWER),
        (PACK, ANSWER, PACK, ROWS, ANSWER),
    ],
    ids=["behind the answers", "before each answer", "while the last one is on its way"],
)
def test_rows_may_be_flushed_before_the_answer_or_behind_it(lines: tuple[str, ...]) -> None:
    judge(*lines)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((ANSWER, PACK, ANSWER, ROWS), "before the disk had the pack"),
        ((PACK, ANSWER, ANSWER, ROWS), "before the disk had the pack"),
        ((PACK, ANSWER, ROWS, PACK, ANSWER), "has not got their rows"),
        ((PACK, ANSWER, ROWS), "2 objects were sent, and 1 answers were seen"),
    ],
    ids=["no pack first", "one pack for two answers", "no rows in the end", "an answer too few"],
)
def test_a_flush_that_is_missing_is_told(lines: tuple[str, ...], words: str) -> None:
    with pytest.raises(promises.Broken, match=words):
        judge(*lines)
