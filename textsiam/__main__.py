"""``python -m textsiam`` is ``textsiam``."""

from textsiam.cli.main import main

main()
