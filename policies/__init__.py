"""The policy pack. Its rules are plain functions over plain data; only `__main__` knows Pulumi."""
