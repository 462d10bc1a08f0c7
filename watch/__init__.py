"""The watch of a release as it runs in its Job: without Pulumi, from a plan that was written when it was declared."""
