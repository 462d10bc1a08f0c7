"""Prints, imports a neighbour, and raises if told so."""

import os
import sys

import children  # type: ignore[import-not-found]
import pulumi

print("on standard output")
print("on standard error", file=sys.stderr)
pulumi.export("neighbour", children.NAME)
pulumi.export("config", pulumi.Config().require("word"))
pulumi.export("secret", pulumi.Config().require_secret("hidden"))
if os.environ.get("CONFORMANCE_RAISE"):
    message = "the program gave up"
    raise ValueError(message)
