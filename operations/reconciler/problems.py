"""What keeps the stack from being as the files say, in words a person can act on."""


class Problem(Exception):  # noqa: N818 - most are a passing state, not a mistake
    """Something is not yet, or cannot become, as a file says.

    The message names the file, topic, table or connector and, where there is one, the remedy.
    """
