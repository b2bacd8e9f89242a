"""`python -m bot` is `clockify-bot`."""

from .cli import main

main()
