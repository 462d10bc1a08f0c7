"""The one error of this provider that is meant for a person's eyes."""

from __future__ import annotations


class ImageError(Exception):
    """Something that the user of an Image can mend; its text names what is wrong, the value got and what mends it."""
