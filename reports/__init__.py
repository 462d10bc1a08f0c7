"""What a person, and a machine, can read about a verification while it runs and afterwards. Decides nothing."""
