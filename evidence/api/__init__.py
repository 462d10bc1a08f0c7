"""The application's API as its OpenAPI document has it, and what a release breaks of it."""
