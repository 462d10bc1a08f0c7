"""What a release that serves is watched by: each look a verdict, and none of them rolls back for one bad moment."""
