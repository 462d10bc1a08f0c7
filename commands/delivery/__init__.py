"""What continuous delivery runs: previews for a pull request, plans that are approved, updates, and looks for drift."""
