"""Taking over a namespace in which the guide was followed by hand."""
