"""The record of every release."""
