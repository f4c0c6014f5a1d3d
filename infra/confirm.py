"""Ask for confirmation before an irreversible change."""


def confirmed(answer: str, question: str) -> bool:
    """Return whether the user replied with exactly `answer`, or False without a terminal."""
    try:
        return input(question).strip() == answer
    except (EOFError, KeyboardInterrupt):
        return False
