"""Stand-ins for the official Pulumi plug-ins, for machines that cannot download them."""
