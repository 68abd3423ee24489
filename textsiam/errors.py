"""The one exception that a user's mistake raises."""


class TextsiamError(ValueError):
    """Data, a model folder or an argument is wrong.

    The message is one line: the rule, the value met, the cure. The command line prints it and exits with 1.
    """
