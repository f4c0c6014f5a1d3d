"""Ask for confirmation before an irreversible change."""


def confirmed(answer: str, question: str) -> bool:
    """Ask, and return whether the reply was exactly `answer`. Without a terminal, it was not."""
    try:
        return input(question).strip() == answer
    except (EOFError, KeyboardInterrupt):
        return False
