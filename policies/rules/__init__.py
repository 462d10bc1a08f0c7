"""Rules as plain functions over plain data."""
