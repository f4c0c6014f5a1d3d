"""What is changed for good is asked for first."""


def confirmed(answer: str, question: str) -> bool:
    """Whether that was the answer. Where nobody is there to ask, nobody said anything."""
    try:
        return input(question).strip() == answer
    except (EOFError, KeyboardInterrupt):
        return False
