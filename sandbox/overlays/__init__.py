"""What differs from the stack files on the sandbox, or on an existing cluster: one file each."""
