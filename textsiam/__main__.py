"""``python -m textsiam`` is ``textsiam``."""

from textsiam.cli import main

main()
