"""``python -m electrograd`` is the command line."""

from electrograd.cli import main

main()
