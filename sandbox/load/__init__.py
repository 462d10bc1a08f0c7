"""A constant load on a stack of the sandbox, of which every single request is accounted for."""
