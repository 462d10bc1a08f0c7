"""The canary: its steps, its pods and the share of traffic they get."""
