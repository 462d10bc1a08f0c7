"""A Python language host for machines that cannot download the official `pulumi-language-python`."""
