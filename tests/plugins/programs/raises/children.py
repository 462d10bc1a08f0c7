"""A module beside the program, named like one beside the language host's runner."""

NAME = "neighbour"
