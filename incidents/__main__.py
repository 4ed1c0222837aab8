"""`python -m incidents` is the command `incidents`."""

from incidents.app.cli import main

main()
