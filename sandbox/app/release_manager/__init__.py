"""Release Manager: a small web API that creates, lists and approves releases."""
